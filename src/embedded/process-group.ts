import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

/** How often a group is looked through when it is ended: what forks in between is found the next time. */
const ROUNDS = 5;

/** How long `ps` may take, in milliseconds; it takes about 20. */
const PS_TIMEOUT = 1000;

type Process = Readonly<{ id: number; parent: number; group: number; zombie: boolean }>;

/** All processes, from `/proc`, or from `ps` where there is none. Empty when neither can be had. */
function allProcesses(): Process[] {
  if (process.platform === "linux") {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        // The name, in brackets, may hold anything; what follows it is state, parent, group.
        const [state, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return [{
          id: Number(name),
          parent: Number(parent),
          group: Number(group),
          zombie: state === "Z",
        }];
      } catch {
        return []; // it ended in between
      }
    });
  }
  try {
    const listing = execFileSync("ps", ["-A", "-o", "pid=,ppid=,pgid=,stat="], {
      encoding: "utf8",
      timeout: PS_TIMEOUT,
      stdio: ["ignore", "pipe", "ignore"],
    });
    return listing.trim().split("\n").map((line) => {
      const [id, parent, group, state = ""] = line.trim().split(/\s+/);
      return {
        id: Number(id),
        parent: Number(parent),
        group: Number(group),
        zombie: state.startsWith("Z"),
      };
    });
  } catch {
    return [];
  }
}

/** Whether this process leads its process group, as it does when the service started it. */
export function leadsItsGroup(): boolean {
  return allProcesses().some(({ id, group }) => id === process.pid && group === process.pid);
}

/**
 * Kills (SIGKILL) the processes of a group that this process started, children of children and orphans too. Spared are
 * this process and its siblings: in `gatherer | tee log` of a shell the other one belongs to the same group.
 */
export function killGroup(group: number): void {
  for (let round = 0; round < ROUNDS; round++) {
    const ours = allProcesses().filter((other) =>
      other.group === group && !other.zombie && other.id !== process.pid &&
      other.parent !== process.ppid
    );
    if (ours.length === 0) return;
    for (const { id } of ours) {
      try {
        process.kill(id, "SIGKILL");
      } catch { /* it ended in between */ }
    }
  }
}
