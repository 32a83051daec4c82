/** Running programs of ours as a user without rights, wherever the checkout is. */
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Where the checkout is mounted, in a mount namespace that nobody else sees: root's own folders let nobody through. */
const MOUNT = "/mnt/";

/** The words that run `line` as the user `uid` where we are root, and as ourselves where we are not. */
export function asNobody(uid: number, line: readonly string[]): string[] {
  if (process.getuid?.() !== 0) return [...line];
  const script = `mount --bind "$1" ${MOUNT}; shift; ` +
    `exec setpriv --reuid=${uid} --regid=${uid} --clear-groups "$@"`;
  const moved = line.map((word) => word.startsWith(ROOT) ? MOUNT + word.slice(ROOT.length) : word);
  return ["unshare", "--mount", "sh", "-ec", script, "sh", ROOT, ...moved];
}
