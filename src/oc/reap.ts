/** Removing from the cluster what one oc said that it made there: by name, never by pattern. */
import { setTimeout as sleep } from "node:timers/promises";
import type { OcCall } from "./features.ts";

/** Something that stands in the cluster. */
export interface Standing {
  kind: "namespace" | "clusterrolebinding";
  name: string;
}

/** Between two attempts: 1 s at first, doubled up to this. Milliseconds. */
const LONGEST_PAUSE_MS = 15_000;

/**
 * Deletes each of `standing`, again and again until the API server has taken it, or `signal` aborts.
 *
 * @param call runs oc with the credentials of the gather
 * @param removed is told of each that is deleted, or was not there
 * @param refused is told why, once for each attempt that failed
 */
export async function reap(
  standing: readonly Standing[],
  call: OcCall,
  signal: AbortSignal,
  removed: (object: Standing) => void,
  refused: (object: Standing, why: string) => void,
): Promise<void> {
  await Promise.all(standing.map(async (object) => {
    for (let pause = 1000; !signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const answer = await call([
        "delete",
        object.kind,
        object.name,
        "--wait=false",
        "--ignore-not-found=true",
      ]);
      if (answer.code === 0) return removed(object);
      if (signal.aborted) return;
      refused(object, answer.stderr.trim().split("\n").at(-1)?.slice(0, 300) ?? "");
      await sleep(pause, undefined, { signal, ref: false }).catch(() => {});
    }
  }));
}
