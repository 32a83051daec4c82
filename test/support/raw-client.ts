/** A client that says exactly what a test tells it to, over TCP or TLS. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";

/** How long anything is waited for, in milliseconds: far more than it takes. */
const PATIENCE_MS = 20_000;

/** A connection whose reading the test holds in its hand. */
export interface RawClient {
  readonly socket: Socket;
  send: (text: string) => void;
  /** What came so far, as text. */
  readonly text: () => string;
  /** How many bytes came so far. */
  readonly received: () => number;
  /** Fulfils when what came matches; rejects with it when the connection ends before, or after 20 s. */
  until: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Fulfils when the other side has closed, with all that came. */
  closed: () => Promise<string>;
  destroy: () => void;
  /** The serial number of the certificate that it was shown; `""` without TLS. */
  readonly serial: string;
}

/** Opens one to a port of 127.0.0.1; with `ca`, TLS that trusts it. */
export async function openClient(port: number, ca?: string): Promise<RawClient> {
  const socket = ca === undefined
    ? connect({ port, host: "127.0.0.1" })
    : connectTls({ port, host: "127.0.0.1", ca });
  let text = "";
  let received = 0;
  let change = Promise.withResolvers<void>();
  const changed = () => {
    change.resolve();
    change = Promise.withResolvers();
  };
  socket.on("error", () => {});
  socket.on("close", changed);
  socket.on("data", (data: Buffer) => {
    received += data.length;
    if (text.length < 1_000_000) text += data.toString("latin1");
    changed();
  });
  await once(socket, ca === undefined ? "connect" : "secureConnect");
  // Read now: a connection that has ended since knows it no more.
  const peer = ca === undefined ? undefined : (socket as TLSSocket).getPeerCertificate();

  async function wait<T>(look: () => T | undefined, what: string): Promise<T> {
    const late = setTimeout(
      () => change.reject(new Error(`waited for ${what}: ${text}`)),
      PATIENCE_MS,
    );
    try {
      for (;;) {
        const found = look();
        if (found !== undefined) return found;
        await change.promise;
      }
    } finally {
      clearTimeout(late);
    }
  }
  return {
    socket,
    send: (data) => void socket.write(data),
    text: () => text,
    received: () => received,
    until: (pattern) =>
      wait(() => {
        const found = pattern.exec(text);
        if (!found && socket.closed) throw new Error(`closed without ${pattern}: ${text}`);
        return found ?? undefined;
      }, String(pattern)),
    closed: () => wait(() => socket.closed ? text : undefined, "the end"),
    destroy: () => void socket.destroy(),
    serial: peer?.serialNumber ?? "",
  };
}

/** What `promise` gives; rejects when that takes longer than 20 s. */
export async function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`waited for ${what}`)), PATIENCE_MS);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The certificate that a TLS client was shown: its serial number. */
export function serialOf({ serial }: RawClient): string {
  return serial;
}
