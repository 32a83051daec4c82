/** The service as its client sees it. */
import { type Client as Routes, createClient } from "../client.ts";
import { isLoopback } from "../guards.ts";
import { SERVICE_NAME } from "../routes/health.ts";
import type { GatherBody } from "../schema/options.ts";
import { ConnectionError, Failure, ServiceError } from "./errors.ts";
import { type Asked, readText, type Reply, send } from "./http.ts";
import { readList, readRecord, type SeenRecord } from "./record.ts";
import { printable } from "./text.ts";

/** `/healthz` answers without asking anybody. Milliseconds. */
const PROBE_MS = 5000;

/** How long other replies may take; a POST with AUTH asks the cluster first. Milliseconds. */
const ANSWER_MS = 30_000;

/** How long the service is asked to hold a reply until there is news (its own bound), in seconds. */
const HOLD_S = 25;

/** Longest explanation of a service that is shown, in characters: the message of a record has up to 2,000. */
const LONGEST_DETAIL = 2000;

/** Who is at an address: the service, nobody, or something else (`why` says what it did). */
export type Probe =
  | { found: "service"; ready: boolean }
  | { found: "nobody"; why: string }
  | { found: "other"; why: string };

export interface ClientOptions {
  /** Where the routes begin; ends in `/`. */
  base: URL;
  /** Bearer token. */
  token?: string | undefined;
  /** PEM of the authority to trust. */
  ca?: string | undefined;
}

/** A record, and what tells it from its later states. */
export interface Seen {
  record: SeenRecord;
  etag: string | undefined;
}

/**
 * Talks to one service. The token goes only to an address that has just named itself the service, and after every break of the
 * connection it is asked for its name again: something else may have taken the port.
 *
 * Methods reject with {@linkcode ConnectionError}, {@linkcode ServiceError} or {@linkcode Failure}.
 */
export class Client {
  readonly base: URL;
  readonly #token: string | undefined;
  readonly #ca: string | undefined;
  /** Where the app has its routes. They are asked over our own connections, with our own authority, and not with `fetch`. */
  readonly #routes: Routes;
  #isKnown = false;

  /** Throws {@linkcode Failure} when the token is none, or would cross a network in clear. */
  constructor({ base, token, ca }: ClientOptions) {
    if (token !== undefined && base.protocol !== "https:" && !isLoopback(base.hostname)) {
      throw new Failure(
        `The token would cross the network to ${base.host} in clear; use an https address, or give no token`,
      );
    }
    if (token !== undefined && !/^[!-~]+$/.test(token)) {
      throw new Failure(
        "The token holds characters that no bearer token has; give it as it was issued",
      );
    }
    this.base = base;
    this.#routes = createClient(base.href);
    this.#token = token;
    this.#ca = ca;
  }

  /** Asks who is there. Sends no token. Rejects only when a certificate is not trusted, or when the signal aborts. */
  async probe(signal: AbortSignal): Promise<Probe> {
    let answer: { status: number; text: string };
    try {
      const reply = await this.#send(this.#routes.healthz.$url(), { timeoutMs: PROBE_MS, signal });
      answer = { status: reply.status, text: await readText(reply) };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ConnectionError)) throw error;
      const isNobody = /^(?:ECONNREFUSED|EADDRNOTAVAIL|ENOTFOUND|EAI_AGAIN|E\w+UNREACH)$/;
      return { found: isNobody.test(error.code) ? "nobody" : "other", why: error.message };
    }
    if (nameIn(answer.text) !== SERVICE_NAME) {
      return { found: "other", why: `its healthz answers ${answer.status} and not our name` };
    }
    this.#isKnown = true;
    return { found: "service", ready: await this.#isReady(signal) };
  }

  /** Posts a gather. Sent again with the same key it makes no second one; `created` is false for one that was there. */
  async start(
    request: GatherBody,
    key: string,
    signal: AbortSignal,
  ): Promise<Seen & { created: boolean }> {
    const reply = await this.#ask(this.#routes["must-gather"].$url(), {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify(request),
      timeoutMs: ANSWER_MS,
      signal,
    });
    return { ...await this.#record(reply), created: reply.status === 201 };
  }

  /** The record once it differs from the one with `etag`; undefined when it still is that after some 25 s. */
  async next(
    id: number,
    etag: string | undefined,
    signal: AbortSignal,
  ): Promise<Seen | undefined> {
    const headers = {
      "prefer": `wait=${HOLD_S}`,
      ...(etag !== undefined && { "if-none-match": etag }),
    };
    const timeoutMs = HOLD_S * 1000 + ANSWER_MS;
    const reply = await this.#ask(this.#routes["must-gather"][":id"].$url(of(id)), {
      headers,
      timeoutMs,
      signal,
    });
    if (reply.status !== 304) return await this.#record(reply);
    reply.body.resume();
    return undefined;
  }

  /** Cancels a gather. */
  async cancel(id: number, signal: AbortSignal): Promise<void> {
    const asked = { method: "DELETE", timeoutMs: ANSWER_MS, signal };
    (await this.#ask(this.#routes["must-gather"][":id"].$url(of(id)), asked)).body.resume();
  }

  /** The archive of a gather, from byte `from` on while its tag is still `etag`, else the whole. */
  async archive(
    id: number,
    from: number,
    etag: string | undefined,
    signal: AbortSignal,
  ): Promise<Reply> {
    const headers = from > 0 && etag !== undefined
      ? { "range": `bytes=${from}-`, "if-range": etag }
      : {};
    return await this.#ask(this.#routes["must-gather"][":id"].data.$url(of(id)), {
      headers,
      timeoutMs: ANSWER_MS,
      signal,
    });
  }

  /** How many gathers besides `id` wait, run, or ended less than `recentMs` ago by the clock of this machine. */
  async others(id: number, recentMs: number, signal: AbortSignal): Promise<number> {
    const reply = await this.#ask(this.#routes["must-gather"].$url({ query: { limit: "100" } }), {
      timeoutMs: ANSWER_MS,
      signal,
    });
    return readList(await readText(reply)).filter((one) => {
      if (one.id === id) return false;
      return one["finished-at"] === null || Date.now() - Date.parse(one["finished-at"]) < recentMs;
    }).length;
  }

  async #isReady(signal: AbortSignal): Promise<boolean> {
    try {
      const { status, body } = await this.#send(this.#routes.readyz.$url(), {
        timeoutMs: PROBE_MS,
        signal,
      });
      body.resume();
      return status !== 503;
    } catch {
      signal.throwIfAborted();
      return false; // it is about to be gone
    }
  }

  async #record(reply: Reply): Promise<Seen> {
    const record = readRecord(await readText(reply));
    if (!record) throw new Failure(`${this.base} answered with something that is no record`);
    const { etag } = reply.headers;
    return { record, etag };
  }

  /** Sends with the token, and gives replies that are no errors. */
  async #ask(url: URL, asked: Asked): Promise<Reply> {
    if (this.#token !== undefined && !this.#isKnown) {
      const probe = await this.probe(asked.signal ?? AbortSignal.timeout(PROBE_MS));
      if (probe.found === "nobody") throw new ConnectionError(probe.why, "ECONNREFUSED");
      if (probe.found === "other") {
        throw new Failure(`${this.base} is no must-gather service any more: ${probe.why}`);
      }
    }
    const authorization = this.#token === undefined
      ? {}
      : { authorization: `Bearer ${this.#token}` };
    const reply = await this.#send(url, {
      ...asked,
      headers: { ...asked.headers, ...authorization },
    });
    if (reply.status === 304 || (reply.status >= 200 && reply.status < 300)) return reply;
    if (reply.status < 400) reply.body.destroy();
    const detail = reply.status < 400
      ? "it sends us elsewhere; give the address where it really is with --url"
      : detailIn(await readText(reply).catch(() => ""));
    throw new ServiceError(this.#mask(detail), reply.status);
  }

  async #send(url: URL, asked: Asked): Promise<Reply> {
    try {
      const reply = await send(url, { ...asked, ca: this.#ca });
      reply.body.on("close", () => this.#isKnown &&= reply.body.complete);
      return reply;
    } catch (error) {
      this.#isKnown = false;
      throw error;
    }
  }

  /** A service, or a proxy before it, may repeat what it was sent. */
  #mask(text: string): string {
    return this.#token === undefined ? text : text.replaceAll(this.#token, "***");
  }
}

/** What the path of a gather's routes is filled with. */
function of(id: number): { param: { id: string } } {
  return { param: { id: String(id) } };
}

function nameIn(text: string): unknown {
  return (parse(text) as { name?: unknown } | null)?.name;
}

/** The `detail` of a problem as RFC 9457 has it. */
function detailIn(text: string): string {
  const detail = (parse(text) as { detail?: unknown } | null)?.detail;
  return typeof detail === "string" ? printable(detail).slice(0, LONGEST_DETAIL) : "";
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
