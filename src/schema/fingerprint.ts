import { createHash } from "node:crypto";
import type { RawGatherRequest } from "./options.ts";
import type { GatherRequest } from "./request.ts";

/** Whether two requests ask for the same gather, custom name included, in every option. */
export function sameOptions(one: GatherRequest, other: GatherRequest): boolean {
  return canonical(one) === canonical(other);
}

/** SHA-256, in hex, over a request with its keys in one order: equal requests have equal fingerprints. */
export function requestFingerprint(request: GatherRequest | RawGatherRequest): string {
  return createHash("sha256").update(canonical(request)).digest("hex");
}

/** Safe to recurse: a request is at most a list in an object by the time it is compared. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1));
  });
}
