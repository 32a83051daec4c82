/** The connections of a server: which of them wait, which are answered, and which are stuck. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Log } from "./log.ts";

/** What {@linkcode Connections} holds a server to; `Ms` is milliseconds. */
export interface ConnectionLimits {
  /** How many there may be. */
  readonly connections: number;
  /** Requests on one of them: in all, and at once. */
  readonly requests: number;
  readonly requestsAtOnce: number;
  /** How long a reader may take nothing of what waits for it. */
  readonly stallMs: number;
  /** How long a request may take to arrive; as long again is read on of one that was answered before. */
  readonly requestMs: number;
}

/** Descriptors for all but connections: files of gathers, oc's output, the journal, the runtime's own. */
const OTHER_DESCRIPTORS = 200;

/**
 * How many connections a process may have that is under `limits`, the text of `/proc/self/limits`: at most `wish`, and so few
 * that each may have a socket and a file open.
 */
export function connectionsWithin(limits: string | undefined, wish: number): number {
  const files = /^Max open files\s+(\d+)/m.exec(limits ?? "")?.[1];
  if (files === undefined) return wish;
  return Math.max(10, Math.min(wish, Math.floor((Number(files) - OTHER_DESCRIPTORS) / 2)));
}

interface Connection {
  readonly raw: Socket;
  /** That of its requests: TLS around `raw`, or `raw`. */
  socket: Socket;
  /** One in nearly all cases, and then a set takes more to keep than all else of a poll here. */
  readonly replies: ServerResponse[];
  /** How many requests came on it. */
  requests: number;
  /** The last request that was answered before all of it was here. */
  unread: IncomingMessage | undefined;
  /** What had arrived when its last request had been answered. */
  restedBytes: number;
  /** When that was, in a count of its own; the least has waited longest. */
  restsSince: number;
  /** What the system had taken over for the reader when that was last looked at, and how many looks it has not grown for. */
  taken: number;
  stuckFor: number;
}

/** How often it is looked after readers, at most: milliseconds. */
const SWEEP_MS = 5_000;

/** Once the server closes, what has begun to arrive has this long to get here: milliseconds. */
const ARRIVAL_MS = 1_000;

/**
 * A client that has its answer, and of which nothing more comes for so long, has stopped in the middle of its request. Behind the
 * refusal of what is no request nothing is waited for longer. Milliseconds.
 */
const SILENCE_MS = 2_000;

/** How often it is told that there are too many connections, at most: milliseconds. */
const TELL_MS = 60_000;

/**
 * Watches over a server's connections from the first byte, before any TLS, to the last.
 *
 * When there are too many, the one that has waited longest for its next request makes room, so that whoever holds connections
 * without asking anything keeps nobody out. A reader that takes nothing is cut off; a slow one is not, nor one for whom there is
 * nothing to read.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #log: Log;
  readonly #all = new Set<Connection>();
  #rests = 0;
  readonly #bySocket = new WeakMap<Socket, Connection>();
  readonly #leaving = new WeakSet<Socket>();
  /** Those that have not shaken hands, by both ends: the TLS socket does not tell which socket it is around. */
  readonly #byEnds = new Map<string, Connection>();
  readonly #sweeper: NodeJS.Timeout;
  /** Looks, not time: a machine that was asleep has not looked, and its readers could not read. */
  readonly #looks: number;
  #closing = false;
  #toldAt = -Infinity;

  constructor(server: Server, limits: ConnectionLimits, log: Log) {
    this.#limits = limits;
    this.#log = log;
    server.on("connection", (socket: Socket) => this.#open(socket));
    server.on("secureConnection", (socket: Socket) => this.#secure(socket));
    server.once("close", () => clearInterval(this.#sweeper));
    const sweepMs = Math.min(SWEEP_MS, limits.stallMs / 4);
    this.#looks = Math.ceil(limits.stallMs / sweepMs);
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs);
    this.#sweeper.unref();
  }

  /**
   * A request has come; its connection rests again when `reply` is closed.
   *
   * @returns whether to answer it, to answer it and close the connection, or to refuse it as one of too many at once
   */
  begin(request: IncomingMessage, reply: ServerResponse): "answer" | "last" | "refuse" {
    const { socket } = request;
    const connection = this.#bySocket.get(socket);
    if (!connection) return "last"; // already gone
    const { replies } = connection;
    replies.push(reply);
    reply.on("close", () => {
      replies.splice(replies.indexOf(reply), 1);
      if (!request.complete && !request.destroyed) {
        connection.unread = request;
        passOver(request, this.#limits.requestMs);
      }
      if (replies.length > 0 || !this.#all.has(connection)) return;
      this.#rest(connection);
      if (this.#closing) socket.destroySoon();
    });
    if (replies.length > this.#limits.requestsAtOnce) return "refuse";
    return this.#closing || ++connection.requests >= this.#limits.requests ? "last" : "answer";
  }

  /** Whether what arrives on this connection is being answered, or was before it was all here: nothing else can be said on it. */
  isAnswering(socket: Socket): boolean {
    const connection = this.#bySocket.get(socket);
    if (!connection) return false;
    return connection.unread?.complete === false ||
      connection.replies.some(({ headersSent }) => headersSent);
  }

  /** Says the last on a connection of which nothing more is understood, and passes over what still comes for a moment. */
  leave(socket: Socket, words: string): void {
    this.#leaving.add(socket);
    socket.end(words);
    const late = setTimeout(() => socket.destroy(), SILENCE_MS).unref();
    socket.once("close", () => clearTimeout(late));
  }

  /** Whether the last was said on a connection: what comes on it does not matter. */
  isLeaving(socket: Socket): boolean {
    return this.#leaving.has(socket);
  }

  /** From here on no connection outlives its reply; those that wait end at once, or when what has begun to arrive is late. */
  close(): void {
    this.#closing = true;
    for (const { raw, socket, restedBytes } of this.#waiting()) {
      if (socket.bytesRead === restedBytes) raw.destroy();
    }
    setTimeout(() => {
      for (const { raw } of this.#waiting()) raw.destroy();
    }, ARRIVAL_MS).unref();
  }

  /** Cuts them all. */
  cut(): void {
    for (const { raw, socket } of this.#all) {
      socket.destroy();
      raw.destroy();
    }
  }

  #open(raw: Socket): void {
    const connection: Connection = {
      raw,
      socket: raw,
      replies: [],
      requests: 0,
      unread: undefined,
      restedBytes: 0,
      restsSince: 0,
      taken: 0,
      stuckFor: 0,
    };
    const ends = endsOf(raw);
    this.#all.add(connection);
    this.#bySocket.set(raw, connection);
    this.#byEnds.set(ends, connection);
    this.#rest(connection);
    raw.once("close", () => {
      this.#all.delete(connection);
      if (this.#byEnds.get(ends) === connection) this.#byEnds.delete(ends);
    });
    if (this.#all.size > this.#limits.connections) this.#makeRoom();
  }

  #secure(socket: Socket): void {
    const connection = this.#byEnds.get(endsOf(socket));
    if (!connection) return void socket.destroy(); // gone while it shook hands
    this.#bySocket.set(socket, connection);
    connection.socket = socket;
    connection.restedBytes = socket.bytesRead;
  }

  #rest(connection: Connection): void {
    connection.restedBytes = connection.socket.bytesRead;
    connection.restsSince = ++this.#rests;
  }

  /** Those without a request. */
  #waiting(): Connection[] {
    return [...this.#all].filter(({ replies }) => replies.length === 0);
  }

  /** Ends the connection that has waited longest: the newest itself when all others are in a request. */
  #makeRoom(): void {
    let waiting = 0;
    let longest: Connection | undefined;
    for (const connection of this.#all) {
      if (connection.replies.length > 0) continue;
      waiting++;
      if (!longest || connection.restsSince < longest.restsSince) longest = connection;
    }
    if (longest) {
      this.#all.delete(longest); // now: it closes later, and the next one may be here before
      longest.raw.destroy();
    }
    const now = performance.now();
    if (now - this.#toldAt < TELL_MS) return;
    this.#toldAt = now;
    this.#log.warn("too many connections; those that wait longest are closed", {
      most: this.#limits.connections,
      waiting,
    });
  }

  #sweep(): void {
    for (const connection of this.#all) {
      const { socket, replies } = connection;
      if (replies.length === 0) continue;
      const taken = socket.bytesWritten - socket.writableLength;
      const isStuck = socket.writableLength > 0 && taken === connection.taken;
      connection.taken = taken;
      connection.stuckFor = isStuck ? connection.stuckFor + 1 : 0;
      if (connection.stuckFor >= this.#looks) {
        this.#log.info("a client that stopped reading is cut off", {
          stallMs: this.#limits.stallMs,
        });
        socket.destroy();
      }
    }
  }
}

/**
 * Reads what is left of a request that is answered already, for so long and as long as it comes, and lets it go: closed over what
 * nobody reads, a connection is reset, and a client that still sends may lose the answer.
 */
function passOver(request: IncomingMessage, mostMs: number): void {
  const { socket } = request;
  const close = () => {
    if (!request.complete) socket.destroySoon();
  };
  const late = setTimeout(close, mostMs).unref();
  const silent = setTimeout(close, Math.min(SILENCE_MS, mostMs)).unref();
  request.removeAllListeners("data"); // who read it has stopped, and would hold it up
  request.on("data", () => silent.refresh());
  request.once("close", () => {
    clearTimeout(late);
    clearTimeout(silent);
  });
  request.resume();
}

function endsOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}
