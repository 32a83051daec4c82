/** Asks a server the same thing again and again, over a number of connections, with as little work of its own as can be. */
import { connect, type Socket } from "node:net";

/** What is asked, of whom, how often. */
export interface Load {
  port: number;
  /** The request target. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  connections: number;
  /** How many requests in all; or `until`. */
  requests?: number;
  /** Goes on until this aborts. */
  until?: AbortSignal;
  /** The status that every reply must have. */
  status: number;
  /** Between a reply and the next request on its connection: milliseconds. @default 0 */
  pauseMs?: number;
}

/** How it went. */
export interface Answers {
  requests: number;
  /** From the request's last byte to the reply's, of each: milliseconds. */
  latencies: number[];
}

const END_OF_HEAD = "\r\n\r\n";

/** Runs a load. Rejects at the first reply of another status, and when a connection breaks. */
export async function run(load: Load): Promise<Answers> {
  const lines = Object.entries(load.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = `GET ${load.path} HTTP/1.1\r\nHost: 127.0.0.1:${load.port}\r\n${
    lines.join("")
  }\r\n`;
  const latencies: number[] = [];
  let left = load.requests ?? Infinity;
  await Promise.all(
    Array.from(
      { length: load.connections },
      () => ask(load, request, () => left-- > 0 && !load.until?.aborted, latencies),
    ),
  );
  return { requests: latencies.length, latencies };
}

/** One connection after the other, as servers close them now and then, until there is nothing more to ask. */
async function ask(
  load: Load,
  request: string,
  mayGoOn: () => boolean,
  latencies: number[],
): Promise<void> {
  while (mayGoOn()) {
    const socket = connect(load.port, "127.0.0.1").setNoDelay();
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      askOn(socket, load, request, mayGoOn, latencies, resolve, reject);
    });
    socket.destroy();
  }
}

function askOn(
  socket: Socket,
  { status, pauseMs = 0 }: Load,
  request: string,
  mayGoOn: () => boolean,
  latencies: number[],
  done: () => void,
  failed: (error: Error) => void,
): void {
  let head: Buffer = Buffer.alloc(0);
  /** Bytes of the body that are still to come; undefined until the head is there. */
  let missing: number | undefined;
  let isLast = false;
  let asked = performance.now();
  socket.write(request);
  const next = () => {
    asked = performance.now();
    socket.write(request);
  };
  socket.on("close", () => missing !== -1 && failed(new Error("the server closed a connection")));
  socket.on("data", (piece: Buffer) => {
    if (missing === undefined) {
      head = head.length === 0 ? piece : Buffer.concat([head, piece]);
      const end = head.indexOf(END_OF_HEAD);
      if (end === -1) return;
      const text = head.toString("latin1", 0, end);
      if (Number(text.slice(9, 12)) !== status) return failed(new Error(`the reply is ${text}`));
      isLast = /\r\nconnection: close/i.test(text);
      if (/\r\ntransfer-encoding:/i.test(text)) return failed(new Error(`the reply is ${text}`));
      missing = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
      piece = head.subarray(end + END_OF_HEAD.length);
      head = Buffer.alloc(0);
    }
    missing -= piece.length;
    if (missing > 0) return;
    latencies.push(performance.now() - asked);
    missing = undefined;
    if (!isLast && mayGoOn()) return void (pauseMs > 0 ? setTimeout(next, pauseMs) : next());
    missing = -1;
    done();
  });
}
