import { createHash } from "node:crypto";
import { once } from "node:events";
import { open } from "../../support/raw-http.ts";

/** A download whose reader has begun, and takes no more until it is told to. */
export interface Download {
  status: number;
  /** What it says that it is long, in bytes. */
  length: number;
  /** Reads all of it, or as far as it comes. */
  finish: () => Promise<{ length: number; digest: string }>;
}

/** Begins one. What the system's buffers hold (some MiB) is sent all the same: it must be longer than that. */
export async function beginDownload(url: string, path: string): Promise<Download> {
  const socket = await open(url);
  socket.write(`GET /${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  let head = Buffer.alloc(0);
  let end = -1;
  while (end === -1) {
    const [chunk] = await once(socket, "data") as [Buffer];
    socket.pause();
    head = Buffer.concat([head, chunk]);
    end = head.indexOf("\r\n\r\n");
    if (end === -1) socket.resume();
  }
  const lines = head.toString("latin1", 0, end);
  const first = head.subarray(end + 4);
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(lines)?.[1]),
    length: Number(/^content-length: *(\d+)/im.exec(lines)?.[1]),
    async finish() {
      const hash = createHash("sha256").update(first);
      let { length } = first;
      socket.on("data", (chunk: Buffer) => {
        hash.update(chunk);
        length += chunk.length;
      });
      socket.resume();
      if (!socket.closed) await once(socket, "close");
      return { length, digest: `sha-256=:${hash.digest("base64")}:` };
    },
  };
}
