import { codeOf } from "../errors.ts";

/**
 * An archive could not be made, or what was made does not verify. `code` is the system's (`ENOSPC`, `EIO`, …) or
 * `EVERIFY`; the message is one sentence for the person who started the gather.
 */
export class PackError extends Error {
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "PackError";
    this.code = code;
  }
}

/** An archive is damaged, cut, or of a kind that is not known here; the message says which. */
export class UnreadableError extends Error {
  override readonly name = "UnreadableError";
}

const ROOM = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** Whether the file system has no room for more. */
export function isNoRoom(error: unknown): boolean {
  return ROOM.has(codeOf(error));
}

/** Turns what went wrong while writing `file` into a {@link PackError}; one that already is passes unchanged. */
export function asPackError(error: unknown, file: string): PackError {
  if (error instanceof PackError) return error;
  const code = codeOf(error);
  const text = error instanceof Error ? error.message : String(error);
  const message = ROOM.has(code)
    ? `Cannot write the archive ${file}: no room is left for it (${code}); free some space or gather less`
    : `Cannot make the archive ${file}: ${text}`;
  return new PackError(code, message, error);
}
