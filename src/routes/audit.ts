/** Who did what to which gather: one log line each, with a name and never a token. */
import type { Caller } from "../auth/middleware.ts";
import type { Held } from "../gathers/held.ts";
import type { Log } from "../log.ts";

/** Tells that a caller did something to a gather. */
export function audit(log: Log, caller: Caller, action: string, { id, summary }: Held): void {
  log.info("audit", {
    caller: caller.name,
    action,
    id,
    customName: summary.customName,
  });
}
