/** A short run of oc to its end, its output in memory. */
import { execFile, type ExecFileException } from "node:child_process";
import type { OcAnswer } from "./features.ts";

/** The most that is kept of either stream, in bytes; a call that prints more is ended. */
const MOST_OUTPUT = 1024 * 1024;

export interface OcCallOptions {
  program: string;
  /** Arguments before all others: those that start a program of our own. */
  prefix: readonly string[];
  env: Readonly<Record<string, string>>;
  /** How long it may take before it is killed, in milliseconds. */
  timeoutMs: number;
  /** Ends the call. */
  signal?: AbortSignal;
}

/** Runs oc and gives what it said. Never rejects: an oc that cannot be started says why on `stderr`. */
export function callOc(args: readonly string[], options: OcCallOptions): Promise<OcAnswer> {
  return new Promise((resolve) => {
    try {
      execFile(options.program, [...options.prefix, ...args], {
        env: { ...options.env },
        timeout: options.timeoutMs,
        killSignal: "SIGKILL",
        maxBuffer: MOST_OUTPUT,
        ...(options.signal && { signal: options.signal }),
      }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
        resolve({
          code,
          stdout,
          stderr: code === null ? whyEnded(error, stderr, options) : stderr,
        });
      });
    } catch (error) {
      resolve({ code: null, stdout: "", stderr: error instanceof Error ? error.message : "" });
    }
  });
}

/** Of a call that did not end by itself: what it said, else what ended it. */
function whyEnded(
  error: ExecFileException | null,
  stderr: string,
  { program, timeoutMs, signal }: OcCallOptions,
): string {
  if (stderr.trim() !== "") return stderr;
  if (error?.code === "ENOENT") return `Cannot start ${program}: there is no such program`;
  if (error?.code === "EACCES") return `Cannot start ${program}: it may not be run`;
  if (signal?.aborted) return "oc was stopped before it answered";
  if (typeof error?.code === "string") return `Cannot call ${program}: ${error.code}`;
  return error?.killed
    ? `oc gave no answer within ${timeoutMs / 1000} s`
    : `oc was ended by ${error?.signal ?? "a signal"}`;
}
