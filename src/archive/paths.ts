import { isUtf8 } from "node:buffer";
import type { Path } from "./fd.ts";

/**
 * A path as bytes, one character a byte (latin1): compact, comparable in byte order, and exact for names that are not
 * UTF-8.
 */
export type RawPath = string;

const ASCII = /^[\x00-\x7f]*$/;

/** `path` for `node:fs`: text where it is text (Deno takes nothing else), bytes where it is not. */
export function fsPath(path: RawPath): Path {
  if (ASCII.test(path)) return path;
  const bytes = Buffer.from(path, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : bytes;
}

/** What `node:fs` gave, as bytes. */
export function rawPath(path: string | Uint8Array): RawPath {
  if (typeof path === "string") {
    return ASCII.test(path) ? path : Buffer.from(path).toString("latin1");
  }
  return Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString("latin1");
}

/** Bytes that are UTF-8, as text. */
export function rawText(path: RawPath): string {
  return ASCII.test(path) ? path : Buffer.from(path, "latin1").toString("utf8");
}
