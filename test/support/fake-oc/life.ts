import fs from "node:fs";
import type { State } from "./state.ts";

/** The longest that any process of the pretended oc lives, in milliseconds: ten minutes of real time. */
const LONGEST = 600_000;

/**
 * Ends this process after ten minutes, or within half a second of its test having removed the folder:
 * nothing that a test forgets stays. Until then it keeps the process alive: it ends by `process.exit`.
 */
export function endInTime(state: State): void {
  setTimeout(() => process.exit(124), LONGEST);
  setInterval(() => {
    if (!fs.existsSync(state.folder)) process.exit(125);
  }, 500);
}
