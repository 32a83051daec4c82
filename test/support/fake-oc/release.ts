/**
 * What differs between the recorded releases of oc, in one place.
 */

/** A release of oc of which there are recordings. */
export type Release = "4.13" | "4.18" | "4.22";

/** The releases there are recordings of, oldest first. */
export const RELEASES: readonly Release[] = ["4.13", "4.18", "4.22"];

/** What `oc version` prints of a release. */
export function versionText(release: Release): string {
  return `Client Version: ${release}.0-lab\nKustomize Version: v5.0.1\n`;
}

/** Tells whether this release stamps its `OUT` lines and keeps `must-gather.logs` (oc 4.16 and later). */
export function stampsOutput(release: Release): boolean {
  return release !== "4.13";
}

/** Tells whether the binding belongs to the namespace and goes with it (oc 4.17 and later). */
export function bindingFollowsNamespace(release: Release): boolean {
  return release !== "4.13";
}

/** Tells whether a first SIGINT or SIGTERM makes this release clean up instead of ending it at once. */
export function cleansUp(release: Release): boolean {
  return release === "4.22";
}

/** Tells whether the words behind `--` pass a shell's expansion once more (oc 4.20 and later). */
export function expandsTwice(release: Release): boolean {
  return release === "4.22";
}

/** What the release's watcher of the pod's volume prints: once at the start, every five seconds, at the end. */
export function watcherLines(release: Release): { start?: string; beat?: string; end?: string } {
  if (release === "4.13") return {};
  if (release === "4.18") {
    return { start: "volume percentage checker started.....", beat: "volume usage percentage 0" };
  }
  return {
    start: "[disk usage checker] Started",
    beat: "[disk usage checker] Volume usage percentage: current = 44 ; allowed = 70",
    end: "Caches written to disk",
  };
}

/** The time now as oc prints it in front of a line: RFC 3339 with nanoseconds. */
export function timeNow(): string {
  const nanoseconds = String(process.hrtime.bigint() % 1_000_000n).padStart(6, "0");
  return new Date().toISOString().replace("Z", `${nanoseconds}Z`);
}
