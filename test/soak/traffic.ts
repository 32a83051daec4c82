/** Callers who keep gathers in every state: they start, cancel, keep and purge, and stop when the service is gone. */
import process from "node:process";
import type { GatherListItem } from "../../src/schema/record.ts";
import { type FakeOc, scenario } from "../support/fake-oc.ts";
import type { Random } from "../support/random.ts";
import type { Service } from "../support/service.ts";
import { hasEnded, type Ledger } from "./ledger.ts";

/** How images behave, by a part of their name; those that are not here are known to the stand-in. */
export const SCENARIOS = {
  // Copied by a process of its own, 8 × 2 MB: long enough to be cut there, and while it is packed.
  "blobs": scenario("big", { content: { kind: "blobs", files: 8, bytes: 2_000_000 } }),
  // What its pods hold comes slowly, so that salvaging can be cut.
  "drip": scenario("slow", { exec: "slow" }),
} as const;

/** What is asked for, the frequent ones more than once; `panic` and `ns-creator` end by themselves and clean nothing. */
const IMAGES = [
  ...["instant", "plain", "plain", "blobs", "blobs", "slow", "slow", "drip", "drip"],
  ...[
    "never-exits",
    "fail",
    "no-data",
    "pull-fail",
    "longline",
    "flood-500",
    "panic",
    "ns-creator",
  ],
];

/** Between two looks at the list: milliseconds. */
const PAUSE_MS = 40;

/**
 * Makes traffic until the service has ended. Rejects only where it broke a promise.
 *
 * @param mostLive gathers that wait or run at most
 */
export async function makeTraffic(
  service: Service,
  oc: FakeOc,
  ledger: Ledger,
  random: Random,
  mostLive: number,
): Promise<void> {
  const ask = async (path: string, method = "GET", body?: Record<string, unknown>) => {
    const init = body === undefined
      ? { method }
      : { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const reply = await service.fetch(path, init);
    return { status: reply.status, location: reply.headers.get("location"), reply };
  };
  const start = async () => {
    const image = `localhost/${random.pick(IMAGES)}-must-gather`;
    const timeout = random.chance(0.1) ? "1s" : "20m";
    const { status, location, reply } = await ask("must-gather", "POST", { image, timeout });
    // The head of the reply is the promise, also where its body was cut.
    if (status === 201) ledger.accept(Number(location?.replace(/.*\//, "")));
    await reply.arrayBuffer();
  };
  const remove = async (record: GatherListItem | undefined, query = "") => {
    if (!record) return;
    if (query.includes("purge")) ledger.asksToPurge(record.id);
    const { status, reply } = await ask(`must-gather/${record.id}${query}`, "DELETE");
    if (status === 204) ledger.purge(record.id);
    await reply.arrayBuffer();
  };
  /** oc is killed, as by a machine that has no memory left. */
  const crash = (record: GatherListItem | undefined) => {
    const isIts = ({ cwd }: { cwd: string }) => cwd.endsWith(`/${record?.id}/tree`);
    const pid = oc.invocations("adm", "must-gather").find(isIts)?.pid;
    if (pid !== undefined && oc.running().includes(pid)) process.kill(pid, "SIGKILL");
  };
  const step = async () => {
    const { reply } = await ask("must-gather?limit=40");
    const list = await reply.json() as GatherListItem[];
    const live = list.filter((record) => !hasEnded(record));
    const running = live.filter(({ state }) => /collecting|copying/.test(state));
    if (live.length < mostLive) await start();
    if (random.chance(0.1)) oc.fail("delete namespace", "server-error", 1);
    if (random.chance(0.05)) crash(random.pick(running));
    if (random.chance(0.12)) await remove(random.pick(live));
    if (random.chance(0.2)) await remove(random.pick(running), "?keep=1");
    if (random.chance(0.03)) await remove(random.pick(live), "?purge=1");
    if (random.chance(0.1)) await remove(random.pick(list.filter(hasEnded)), "?purge=1");
    await new Promise((resolve) => setTimeout(resolve, random.between(0, 2 * PAUSE_MS)));
  };

  let running = true;
  void service.exit.then(() => running = false);
  while (running) {
    try {
      await step();
    } catch (error) {
      if ((error as Error).name === "AssertionError") throw error;
      // cut by the end of the service; anything else shows as a service that does not answer
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
