/** How much is told, from the least to the most. */
export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** What every line begins with; a field of such a name would take its place. */
type OwnFields = Readonly<Partial<Record<"time" | "level" | "event", never>>>;

/** What an event has besides its name; never a token, a header or a request's body. */
export type LogFields =
  & Readonly<Record<string, string | number | boolean | null | undefined | readonly string[]>>
  & OwnFields;

/** Tells an event: `log.info("gather started", { id: 3 })`. */
export type Log = Readonly<Record<LogLevel, (event: string, fields?: LogFields) => void>>;

/**
 * Makes a log of one JSON object a line, with `time`, `level` and `event` first.
 *
 * @param level what is less important is not told
 * @param write gets each line with its newline
 */
export function createLog(level: LogLevel, write: (line: string) => void): Log {
  const enabled = LOG_LEVELS.slice(0, LOG_LEVELS.indexOf(level) + 1);
  const at = (name: LogLevel) => (event: string, fields?: LogFields): void => {
    if (!enabled.includes(name)) return;
    write(JSON.stringify({ time: new Date().toISOString(), level: name, event, ...fields }) + "\n");
  };
  return { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
}

/** What an error says, bounded to 1,000 characters, for a log line. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 1000);
}
