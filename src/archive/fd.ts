import fs from "node:fs";
import { codeOf } from "../errors.ts";

/**
 * Plain descriptors instead of `FileHandle`: half of the main thread's work a call, which counts with 70,000 files.
 * Whoever opens closes, on every path.
 */
export type Path = string | Buffer;

/** Opens `path`; fails as open(2) does. */
export function openFd(path: Path, flags: number, mode?: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(path, flags, mode, (error, fd) => error ? reject(error) : resolve(fd));
  });
}

/** Closes `fd`. A failure is not reported: what is read needs no flush, what is written is read back. */
export function closeFd(fd: number): Promise<void> {
  return new Promise((resolve) => fs.close(fd, () => resolve()));
}

/** What the open file is, as fstat(2) says. */
export function statFd(fd: number): Promise<fs.Stats> {
  return new Promise((resolve, reject) => {
    fs.fstat(fd, (error, stats) => error ? reject(error) : resolve(stats));
  });
}

/**
 * Where what is open lies, with no link in it, as the system knows it; undefined where it does not tell: it does on Linux, but not to Deno
 * without all permissions.
 */
export function pathOfFd(fd: number): Path | undefined {
  try {
    return fs.readlinkSync(insideOf(fd), { encoding: "buffer" });
  } catch {
    return undefined;
  }
}

/** The folder that is open, whatever lies at its path by now; only where {@linkcode pathOfFd} tells. */
export function insideOf(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

function read(fd: number, into: Buffer, at: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(
      fd,
      into,
      at,
      into.length - at,
      position,
      (error, n) => error ? reject(error) : resolve(n),
    );
  });
}

/** Reads from `position` until `into` is full or the file ends; returns the bytes read. */
export async function readFully(fd: number, into: Buffer, position: number): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const n = await read(fd, into, done, position + done);
    if (n === 0) break;
    done += n;
  }
  return done;
}

function write(fd: number, from: Buffer, at: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(
      fd,
      from,
      at,
      from.length - at,
      position,
      (error, n) => error ? reject(error) : resolve(n),
    );
  });
}

/** Writes all of `from` at `position`. A short write goes on; a full disk shows at the next one, as `ENOSPC`. */
export async function writeFully(fd: number, from: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < from.length) {
    const n = await write(fd, from, done, position + done);
    if (n === 0) throw Object.assign(new Error("write returned 0"), { code: "EIO" });
    done += n;
  }
}

/** Resolves when all that was written is on the disk; fails as fdatasync(2) does. */
export function syncFd(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.fdatasync(fd, (error) => error ? reject(error) : resolve());
  });
}

/** Removes a file; nothing there is success. One call, where `rm` asks twice before. Fails as unlink(2) does otherwise. */
export function removeFile(path: Path): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.unlink(path, (error) => error && codeOf(error) !== "ENOENT" ? reject(error) : resolve());
  });
}

/** Cuts the file to `size` bytes. */
export function truncateFd(fd: number, size: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.ftruncate(fd, size, (error) => error ? reject(error) : resolve());
  });
}
