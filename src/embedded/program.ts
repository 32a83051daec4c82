import { spawn } from "node:child_process";
import process from "node:process";
import {
  type Context,
  FILE_LIMIT,
  LOG_LIMIT,
  reasonOf,
  type Source,
  type Taken,
} from "./collector.ts";

/** How much of what a program says on stderr is kept, in bytes. */
const STDERR_LIMIT = 16 * 1024;

/** After a program was killed its pipes are waited for this long, in milliseconds; a hung file system can keep it. */
const KILLED_GRACE = 100;

/** Folders that hold system programs and are not in every user's PATH. */
const SYSTEM_PATHS = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"];

/** A source that runs a program, without a shell and with nothing of our environment but PATH. */
export function program(name: string, ...args: readonly string[]): Source {
  return { how: [name, ...args].join(" "), take: (context) => run(name, args, context, "head") };
}

/** As {@linkcode program}, for what prints a log: of more than the bound the newest part is kept. */
export function logOf(name: string, ...args: readonly string[]): Source {
  return { how: [name, ...args].join(" "), take: (context) => run(name, args, context, "tail") };
}

/** A bounded part of a stream: its beginning, or its end. */
class Kept {
  #pieces: Buffer[] = [];
  #bytes = 0;
  readonly #limit: number;
  readonly #part: "head" | "tail";
  cut = false;

  constructor(limit: number, part: "head" | "tail") {
    this.#limit = limit;
    this.#part = part;
  }

  push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes <= this.#limit) return;
    this.cut = true;
    if (this.#part === "head") {
      this.#pieces = [Buffer.concat(this.#pieces).subarray(0, this.#limit)];
      this.#bytes = this.#limit;
      return;
    }
    while (this.#bytes - (this.#pieces[0]?.length ?? 0) >= this.#limit) {
      this.#bytes -= this.#pieces.shift()?.length ?? 0;
    }
  }

  get text(): string {
    const all = Buffer.concat(this.#pieces);
    if (!this.cut) return all.toString("utf8");
    if (this.#part === "head") return all.toString("utf8");
    const newest = all.subarray(Math.max(0, all.length - this.#limit));
    return newest.subarray(newest.indexOf(0x0a) + 1).toString("utf8");
  }
}

function run(
  name: string,
  args: readonly string[],
  context: Context,
  part: "head" | "tail",
): Promise<Taken> {
  const env = {
    PATH: [...(context.env.PATH ?? "").split(":").filter(Boolean), ...SYSTEM_PATHS].join(":"),
    LC_ALL: "C",
  };
  const { promise, resolve, reject } = Promise.withResolvers<Taken>();
  const child = spawn(name, args, { cwd: "/", env, stdio: ["ignore", "pipe", "pipe"] });
  const limit = part === "head" ? FILE_LIMIT : LOG_LIMIT;
  const out = new Kept(limit, part);
  const err = new Kept(STDERR_LIMIT, "head");
  let grace: NodeJS.Timeout | undefined;
  const kill = (): void => {
    // Not child.kill(): on Deno it loses how the program ended.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      try {
        process.kill(child.pid, "SIGKILL");
      } catch { /* it ended in between */ }
    }
    grace ??= setTimeout(() => end(null, "SIGKILL"), KILLED_GRACE);
  };
  const end = (code: number | null, killedBy: string | null): void => {
    clearTimeout(grace);
    context.signal.removeEventListener("abort", kill);
    child.stdout.destroy();
    child.stderr.destroy();
    const said = err.text.trim();
    const ended = code === null ? `ended by ${killedBy ?? "a signal"}` : `exit ${code}`;
    const text = out.text;
    if (context.signal.aborted) {
      const reason = reasonOf(context.signal.reason);
      if (text === "") reject(new Error(reason));
      else resolve({ text, note: `incomplete: ${reason}` });
    } else if (out.cut) {
      const which = part === "head" ? "first" : "newest";
      resolve({ text, note: `cut: the ${which} ${limit} bytes` });
    } else if (code !== 0 && text === "") {
      reject(new Error(said === "" ? ended : `${ended}: ${said}`));
    } else {
      const notes = [code === 0 ? "" : ended, said].filter(Boolean);
      resolve(notes.length > 0 ? { text, note: notes.join(": ") } : { text });
    }
  };
  child.once("error", (error: NodeJS.ErrnoException) => {
    clearTimeout(grace);
    context.signal.removeEventListener("abort", kill);
    reject(new Error(error.code === "ENOENT" ? "no such program" : reasonOf(error)));
  });
  child.once("close", end);
  child.stdout.on("data", (piece: Buffer) => {
    out.push(piece);
    if (out.cut && part === "head") kill(); // nothing more of it would be kept
  });
  child.stderr.on("data", (piece: Buffer) => err.push(piece));
  context.signal.addEventListener("abort", kill, { once: true });
  if (context.signal.aborted) kill();
  return promise;
}
