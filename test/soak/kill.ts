/** Kills the service at random moments, with gathers in every state, and looks whether anything is lost or left behind. */
import assert from "node:assert/strict";
import { once } from "node:events";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { CACHED } from "../support/caches.ts";
import { createFakeOc, type Release } from "../support/fake-oc.ts";
import { Random } from "../support/random.ts";
import {
  makePlace,
  type Place,
  type Service,
  spawnService,
  startService,
} from "../support/service.ts";
import { checkCut, checkEnd, checkFiles, cutGathers, list } from "./aftermath.ts";
import { Ledger } from "./ledger.ts";
import { counts, type Row, seconds } from "./table.ts";
import { makeTraffic, SCENARIOS } from "./traffic.ts";

/** The recordings' ten seconds to a pod's first line become a sixth of one. */
const SPEED = 60;

/** How long a life of the service is after it listens, milliseconds; most are short. */
const LIVES_MS = [[0, 100], [100, 600], [300, 1000], [600, 2000]] as const;

/** What a life that ends before the service listens has, milliseconds. */
const STILLBORN_MS = [50, 600] as const;

/** How many of the lives are such. */
const STILLBORN = 0.1;

/** In how many of the rounds what was cut is waited for. */
const SETTLED = 0.25;

/** Gathers that wait or run at most: two more than there are slots. */
const MOST_LIVE = 6;

const RELEASES: readonly Release[] = ["4.13", "4.18", "4.22"];

export interface KillOptions {
  /** How often the service is killed, over all releases of oc. */
  rounds: number;
  seed: number;
}

/** What was seen. */
interface Seen {
  gathers: number;
  purged: number;
  archives: number;
  states: Record<string, number>;
  ends: Record<string, number>;
}

/** Runs it for each recorded release of oc. Rejects with the first promise that the service breaks, naming the seed. */
export async function kill({ rounds, seed }: KillOptions): Promise<Row[]> {
  const random = new Random(seed);
  const seen: Seen = { gathers: 0, purged: 0, archives: 0, states: {}, ends: {} };
  const begun = performance.now();
  for (const [n, release] of RELEASES.entries()) {
    const share = Math.floor((rounds + n) / RELEASES.length);
    try {
      await killWith(release, share, random, seen);
    } catch (error) {
      throw new Error(`with oc ${release}, seed ${seed}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
  return [
    ["killed", `${rounds} times, seed ${seed}, ${seconds(performance.now() - begun)}`],
    ["gathers", `${seen.gathers}, of them purged ${seen.purged}`],
    ["cut in the states", counts(seen.states)],
    ["ended as", counts(seen.ends)],
    ["archives offered, downloaded and read", `${seen.archives}`],
    ["lost, left behind, half-written", "0"],
  ];
}

async function killWith(
  release: Release,
  rounds: number,
  random: Random,
  seen: Seen,
): Promise<void> {
  const place = await makePlace();
  const oc = await createFakeOc({
    folder: place.folder,
    release,
    speed: SPEED,
    scenarios: SCENARIOS,
  });
  const env = {
    ...CACHED,
    OC: oc.path,
    MAX_CONCURRENT: "4",
    STOP_GRACE: "3s", // twice this is what oc has to name its binding before SIGKILL, also on a busy machine
    TIMEOUT_GRACE: "1s",
  };
  const ledger = new Ledger();
  let service: Service | undefined;
  try {
    for (let round = 0; round < rounds; round++) {
      if (random.chance(STILLBORN)) {
        await stillborn(place, env, random.between(...STILLBORN_MS));
        continue;
      }
      const cut = await cutGathers(place);
      service = await startService(place, env);
      ledger.check(await list(service));
      if (random.chance(SETTLED)) await checkCut(service, oc, place, cut);
      const traffic = makeTraffic(service, oc, ledger, random, MOST_LIVE);
      traffic.catch(() => {}); // waited for below
      const [from, to] = random.pick(LIVES_MS) ?? [0, 0];
      await sleep(random.between(from, to));
      service.kill("SIGKILL");
      assert.equal(await service.exit, "SIGKILL", `it ended by itself: ${service.stderr()}`);
      assert.deepEqual(service.log.filter(({ level }) => level === "error"), [], "in its log");
      await traffic;
      for (const { state } of await cutGathers(place)) {
        seen.states[state] = (seen.states[state] ?? 0) + 1;
      }
    }
    const cut = await cutGathers(place);
    service = await startService(place, env);
    ledger.check(await list(service));
    await checkCut(service, oc, place, cut);
    for (const record of await checkEnd(service, oc, place, ledger)) {
      const end = `${record.status} ${record.reason}`.trim();
      seen.ends[end] = (seen.ends[end] ?? 0) + 1;
      if (record["archive-url"] !== "") seen.archives++;
    }
    assert.equal(await service.stop(), 0, "the exit code of a service that is told to stop");
    await checkFiles(place);
    seen.gathers += ledger.accepted;
    seen.purged += ledger.purged;
  } catch (error) {
    const said = service?.log.slice(-20).map((line) => JSON.stringify(line)).join("\n");
    throw new Error(`${(error as Error).message}\n${said}`, { cause: error });
  } finally {
    service?.kill("SIGKILL");
    await service?.exit;
    await oc.close();
    await place.remove();
  }
}

/** A life that ends before, or just as, the service listens. */
async function stillborn(place: Place, env: Record<string, string>, ms: number): Promise<void> {
  const child = spawnService(place, env, "ignore");
  const exit = once(child, "exit");
  await sleep(ms);
  if (child.pid !== undefined) process.kill(child.pid, "SIGKILL");
  await exit;
}
