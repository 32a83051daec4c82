import { Buffer } from "node:buffer";
import fs from "node:fs";

/**
 * Writing that leaves signals answered while a reader is slow, as oc's does, and that dies of SIGPIPE
 * once there is no reader: Node ignores SIGPIPE, oc does not.
 */

/** How Node names a reader that is gone; a socket first says that it was reset. */
const CLOSED = new Set(["EPIPE", "ECONNRESET"]);

let queue: Promise<void> = Promise.resolve();

/** Writes to stdout (1) or stderr (2), behind everything that was to be written before. */
export function say(fd: 1 | 2, data: string | Uint8Array): Promise<void> {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  queue = queue.then(() => writeAll(fd, bytes));
  return queue;
}

/**
 * Says at once what `act` has just made: no signal comes in between, as between the API's answer and oc's word of it. For few and
 * short lines: a full pipe is waited for.
 */
export function sayOf(act: () => void, fd: 1 | 2, data: string): Promise<void> {
  const bytes = Buffer.from(data);
  queue = queue.then(() => {
    act();
    let done = 0;
    try {
      done = fs.writeSync(fd, bytes);
    } catch {
      // as writing it the other way tells
    }
    return writeAll(fd, bytes.subarray(done));
  });
  return queue;
}

async function writeAll(fd: 1 | 2, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    try {
      done += await writeSome(fd, bytes.subarray(done));
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (code === "EAGAIN") await new Promise((resolve) => setTimeout(resolve, 5));
      else if (CLOSED.has(code)) return await dieOf("SIGPIPE");
      else throw error;
    }
  }
}

function writeSome(fd: 1 | 2, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(fd, bytes, 0, bytes.length, null, (error, count) => {
      if (error) reject(error);
      else resolve(count);
    });
  });
}

/**
 * Ends this process by the signal itself, so that whoever waits for it sees a signal and no exit code.
 * A listener is added before all are removed: that is what gives an ignored signal its default back.
 */
export function dieOf(signal: NodeJS.Signals): Promise<never> {
  process.on(signal, () => {});
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  setTimeout(() => process.exit(126), 1000);
  return new Promise(() => {});
}

/** Closes stdout for good: the reader sees its end while this process lives on. */
export async function closeStdout(): Promise<void> {
  await queue;
  fs.closeSync(1);
}
