/** What a source may use while it is being taken. */
export type Context = Readonly<{
  /** Aborted when this collector has to end: its time is up, or the whole gather ends. */
  signal: AbortSignal;
  /** The environment of the gatherer. */
  env: Readonly<Record<string, string | undefined>>;
  /** Writes a file; its path is relative to the folder that is collected. Secrets have to be masked before. */
  write: (path: string, text: string) => Promise<void>;
}>;

/** What a source gave: its text, and a remark where it is not all there is. */
export type Taken = Readonly<{ text: string; note?: string }>;

/** One way to get at something: a program, a file, or our own code. */
export type Source = Readonly<{
  /** What is done, for the index: a command line, `read /etc/hosts`, or a sentence. */
  how: string;
  /** Rejects with the reason when there is nothing to be had this way. */
  take: (context: Context) => Promise<Taken>;
}>;

/** One file of the result, and the ways to fill it: the first that gives something counts. */
export type Collector = Readonly<{
  file: string;
  about: string;
  sources: readonly Source[];
}>;

/** How a collector went. */
export type Outcome = Readonly<{
  file: string;
  about: string;
  /** The source that was used, or all that were tried. */
  how: string;
  startedAt: string;
  milliseconds: number;
  /** Bytes written; null: not collected, and `note` is the reason. */
  bytes: number | null;
  note: string;
}>;

/** The most that one file of the result holds, in bytes; a log has {@linkcode LOG_LIMIT}. */
export const FILE_LIMIT = 4 * 1024 * 1024;

/** The most of a log that is kept, in bytes: its newest part. */
export const LOG_LIMIT = 2 * 1024 * 1024;

/** Says what went wrong in a file system call, in the system's own words and without Node's error code. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^[A-Z][A-Z0-9_]+: /, "").replace(/, [a-z]+(?: '[^]*)?$/, "").slice(
    0,
    1000,
  );
}
