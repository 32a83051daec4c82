/** A reply with a file: whole, a range of it, or none of it where its conditions say so. */
import type { Context } from "hono";
import { Problem } from "../problem.ts";
import { answerTo, type Representation } from "./conditions.ts";

/** A file, and how it is read. */
export interface Ranged extends Representation {
  /** What it is called in a message, e.g. "archive". */
  what: string;
  /** Gives the bytes from `start` up to `end`, without that one. Not called for a HEAD. */
  read: (start: number, end: number) => Promise<ReadableStream<Uint8Array>>;
}

/**
 * Answers a GET or HEAD of a file, with these headers and those of its tag and length. Throws a `Problem` of status 412 or 416 for
 * what cannot be had, and what reading it throws before its first byte.
 */
export async function replyWith(c: Context, file: Ranged, headers: Headers): Promise<Response> {
  const { size, what } = file;
  headers.set("accept-ranges", "bytes");
  headers.set("etag", file.etag);
  const answer = answerTo(c.req, file);
  if (answer.status === 412) throw new Problem({ status: 412, detail: `The ${what} is another` });
  if (answer.status === 416) {
    throw new Problem({
      status: 416,
      detail: `The ${what} has ${size} bytes; ask for a range that begins within them`,
      headers: { "content-range": `bytes */${size}`, "accept-ranges": "bytes" },
    });
  }
  if (answer.status === 304) return new Response(null, { status: 304, headers });
  const [start, end] = answer.status === 206 ? [answer.start, answer.end + 1] : [0, size];
  if (answer.status === 206) headers.set("content-range", `bytes ${start}-${end - 1}/${size}`);
  headers.set("content-length", String(end - start));
  const body = c.req.method === "HEAD" ? null : await file.read(start, end);
  return new Response(body, { status: answer.status, headers });
}
