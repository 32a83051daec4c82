import { Buffer } from "node:buffer";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster, Pod } from "./cluster.ts";
import { contentAt } from "./content.ts";
import { cannotGoOn, type Command } from "./failing.ts";
import { parseFlags, valueOf } from "./flags.ts";
import { hostile } from "./hostile.ts";
import type { ExecManner } from "./scenarios.ts";
import { choice, type State } from "./state.ts";
import { say } from "./stdio.ts";
import { header, tar } from "./tar.ts";

/** Seconds that a slow stream takes in all, and until a node that does not answer is given up. */
const SLOW = 30;
const DIAL = 10;

/**
 * Runs `oc exec -n NS POD -c copy -- tar -C DIR -cf - .` (`-czf` too): a real tar of what the pod has
 * gathered by now. Any other program is not found there. Resolves to the exit code.
 */
export async function exec(
  state: State,
  cluster: Cluster,
  argv: string[],
  unauthorized: boolean,
): Promise<number> {
  const kinds = { container: "value", c: "value", i: "switch", stdin: "switch" } as const;
  const flags = parseFlags(argv, kinds, "exec");
  const pause = (seconds: number) => sleep(seconds * 1000 / state.config.speed);
  const name = (flags.positional[0] ?? "").replace(/^pods?\//, "");
  const what = { verb: "create", resource: "pods/exec", name };
  const failed = await cannotGoOn({ state, cluster, flags, pause }, "exec", unauthorized, what);
  if (failed !== 0) return failed;
  const namespace = valueOf(flags, "namespace", "default");
  const pod = cluster.pods(namespace).find((one) => one.name === name);
  if (!pod) return await fail(`Error from server (NotFound): pods "${name}" not found`);
  const alive = cluster.namespace(namespace)?.phase === "Active";
  const container = valueOf(flags, "container", "gather");
  if (
    !pod.running || !alive || Date.now() < pod.started || !["gather", "copy"].includes(container)
  ) {
    return await fail(`error: unable to upgrade connection: container not found ("${container}")`);
  }
  const manner = choice<ExecManner>(state, "exec") ?? pod.exec;
  return await runTar({ state, cluster, flags, pause }, pod, manner);
}

async function fail(text: string, code = 1): Promise<number> {
  await say(2, `${text}\n`);
  return code;
}

async function runTar(command: Command, pod: Pod, manner: ExecManner): Promise<number> {
  const words = command.flags.words ?? [];
  if (manner === "unreachable") {
    await command.pause(DIAL);
    return await fail(
      "Error from server: error dialing backend: dial tcp 10.0.0.1:10250: i/o timeout",
    );
  }
  if (words[0] !== "tar") {
    return await fail(
      `OCI runtime exec failed: exec: "${words[0] ?? ""}": executable file not found in $PATH\n` +
        "command terminated with exit code 127",
      127,
    );
  }
  const folder = words[words.indexOf("-C") + 1] ?? "";
  if (folder.replace(/(.)\/+$/, "$1") !== pod.sourceDir) {
    return await fail(
      `tar: ${folder}: Cannot open: No such file or directory\n` +
        "tar: Error is not recoverable: exiting now\ncommand terminated with exit code 2",
      2,
    );
  }
  const seconds = (Date.now() - pod.started) * command.state.config.speed / 1000;
  const whole = tar(contentAt(pod.content, seconds), "./");
  if (words.some((word) => /^-c?zf?c?$|^-czf$/.test(word))) {
    const { gzipSync } = await import("node:zlib");
    await say(1, gzipSync(Buffer.concat([...whole])));
    return 0;
  }
  return await stream(command, whole, manner);
}

async function stream(
  command: Command,
  whole: Iterable<Buffer>,
  manner: ExecManner,
): Promise<number> {
  switch (manner) {
    case "hang":
      await say(1, header({ path: "./", type: "5", mode: 0o777 }));
      return await new Promise(() => {});
    case "endless": {
      await say(1, header({ path: "./endless.log", size: 2 ** 40 }));
      for (const chunk = Buffer.alloc(65_536, 0x2e);;) await say(1, chunk);
    }
    // falls through: never reached
    case "garbage":
      await say(1, Buffer.alloc(2048, "this is no tar at all "));
      return 0;
    case "truncated":
      await say(1, header({ path: "./whole.txt", size: 6 }));
      await say(1, Buffer.concat([Buffer.from("whole\n"), Buffer.alloc(506)]));
      await say(1, header({ path: "./cut.txt", size: 100_000 }));
      await say(1, Buffer.alloc(4096, 0x2e));
      return 0;
    case "hostile":
      for (const chunk of hostile()) await say(1, chunk);
      return 0;
    case "slow": {
      const all = Buffer.concat([...whole]);
      const step = Math.max(512, Math.ceil(all.length / 100));
      for (let at = 0; at < all.length; at += step) {
        await say(1, all.subarray(at, at + step));
        await command.pause(SLOW * step / all.length);
      }
      return 0;
    }
    default:
      for (const chunk of whole) await say(1, chunk);
      if (manner !== "file-changed") return 0;
      await say(2, "tar: .: file changed as we read it\n");
      return await fail("command terminated with exit code 1");
  }
}
