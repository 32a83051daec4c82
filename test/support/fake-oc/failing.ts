import type { Cluster } from "./cluster.ts";
import { parseFlags } from "./flags.ts";
import { claimFailure, type Failure, gate, type State } from "./state.ts";
import { say } from "./stdio.ts";
import { missingConfig } from "./request.ts";

/** What every command but `adm must-gather` is given. */
export interface Command {
  state: State;
  cluster: Cluster;
  flags: ReturnType<typeof parseFlags>;
  /** Waits so many of the recording's seconds. */
  pause(seconds: number): Promise<void>;
}

/** Seconds until a connection that nobody answers is given up (recorded). */
const DIAL = 30;

/** Seconds that a slow answer takes. */
const SLOW = 5;

/**
 * Prints an error and resolves to 1 where the command cannot go on: a bad flag, no kubeconfig, a token
 * that the cluster does not know, or what the test has ordered. Resolves to 0 where it can.
 */
export async function cannotGoOn(
  { state, flags, pause }: Command,
  name: string,
  unauthorized: boolean,
  what: { verb: string; resource: string; name: string },
): Promise<number> {
  if (flags.error !== "") {
    await say(2, flags.error);
    return 1;
  }
  const kubeconfig = flags.given.get("kubeconfig")?.at(-1) ?? process.env["KUBECONFIG"] ?? "";
  const missing = missingConfig(kubeconfig);
  if (missing !== "") {
    await say(2, missing);
    return 1;
  }
  await gate(state, name.replaceAll(" ", "-"));
  const failure: Failure | null = unauthorized ? "unauthorized" : claimFailure(state, name);
  if (failure === null) return 0;
  if (failure === "slow") {
    await pause(SLOW);
    return 0;
  }
  if (failure === "hang") return await new Promise(() => {});
  if (failure === "timeout") await pause(DIAL);
  const texts: Record<Exclude<Failure, "slow" | "hang">, string> = {
    unauthorized: "error: You must be logged in to the server (Unauthorized)",
    forbidden: `Error from server (Forbidden): ${what.resource} "${what.name}" is forbidden: ` +
      `User "system:serviceaccount:lab:nobody" cannot ${what.verb} resource "${what.resource}" ` +
      `in API group "" at the cluster scope`,
    timeout: "Unable to connect to the server: dial tcp 127.0.0.1:6998: i/o timeout",
    refused:
      "The connection to the server 127.0.0.1:6999 was refused - did you specify the right host or port?",
    "server-error":
      'Error from server (InternalError): an error on the server ("") has prevented the request from succeeding',
  };
  await say(2, `${texts[failure]}\n`);
  return 1;
}
