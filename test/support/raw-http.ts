/** HTTP as bytes over a socket of its own, for what `fetch` does not let through. */
import { connect, type Socket } from "node:net";

/** What came back on a connection. */
export interface RawReply {
  /** The status of each reply; empty when there was none. */
  readonly statuses: readonly number[];
  /** Of the first reply; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** All that came behind the headers of the first reply. */
  readonly body: string;
  /** Whether the service closed the connection. */
  readonly closed: boolean;
  /** How long it took, in milliseconds. */
  readonly ms: number;
}

/** How an exchange goes on. */
export interface ExchangeOptions {
  /** At most so long, in milliseconds. */
  withinMs?: number;
  /** Written after the first bytes as fast as the service takes it, until it answers. */
  more?: Iterable<Uint8Array>;
  /** Is done when the first reply is whole (by its Content-Length), and not only when the service closes the connection. */
  once?: boolean;
}

/** Opens a connection; rejects when there is none to be had. Its later errors are nobody's: a reset is an answer, too. */
export function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

/** Sends bytes on a new connection and reads until the service closes it, or the time is up. */
export async function exchange(
  url: string,
  bytes: string | Uint8Array,
  options: ExchangeOptions = {},
): Promise<RawReply> {
  const started = performance.now();
  const socket = await open(url);
  socket.write(bytes);
  return { ...await replyOn(socket, options), ms: performance.now() - started };
}

/** The same on a connection that has said what it says. */
export async function replyOn(
  socket: Socket,
  { withinMs = 5000, more, once = false }: ExchangeOptions = {},
): Promise<Omit<RawReply, "ms">> {
  let text = "";
  let closed = false;
  const ended = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, withinMs);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (once && isWhole(text)) done();
    });
    socket.once("end", () => closed = true);
    socket.once("close", () => {
      closed = true;
      done();
    });
  });
  if (more) await pour(socket, more, () => text !== "" || closed);
  await ended;
  socket.destroy();
  const { lines, body } = taken(text);
  return {
    statuses: [...text.matchAll(/(?:^|\n|\}|\])HTTP\/1\.[01] (\d{3})/g)].map(([, status]) =>
      Number(status)
    ),
    headers: Object.fromEntries(lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    })),
    body: Buffer.from(body, "latin1").toString("utf8"),
    closed,
  };
}

/** The header lines of the first reply, without the first, and what is behind them. */
function taken(text: string): { lines: string[]; body: string } {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return { lines: [], body: "" };
  return { lines: text.slice(0, end).split("\r\n").slice(1), body: text.slice(end + 4) };
}

function isWhole(text: string): boolean {
  const { lines, body } = taken(text);
  const length = lines.map((line) => /^content-length: *(\d+)$/i.exec(line)?.[1]).find(Boolean);
  return length !== undefined && body.length >= Number(length);
}

async function pour(
  socket: Socket,
  more: Iterable<Uint8Array>,
  enough: () => boolean,
): Promise<void> {
  const wakes = ["drain", "data", "close"] as const;
  for (const chunk of more) {
    if (enough() || socket.destroyed) return;
    if (socket.write(chunk)) continue;
    await new Promise<void>((resolve) => {
      const done = () => {
        for (const event of wakes) socket.off(event, done);
        resolve();
      };
      for (const event of wakes) socket.once(event, done);
    });
  }
}
