/** Downloads that need no header: signed for one archive and a time. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** What a link carries in its query. */
export interface LinkQuery {
  /** Milliseconds since 1970. */
  expires: string;
  signature: string;
}

/** Makes and checks links. Those of an earlier life of the service are not known: the key is made at start and kept in memory. */
export class Links {
  readonly #key = randomBytes(32);
  readonly #maxAgeMs: number;

  /** @param maxAgeMs how long a link is good for */
  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs;
  }

  /** Signs a link to the archive with this digest. */
  sign(id: number, digest: string): LinkQuery {
    const expires = String(Math.ceil(Date.now() + this.#maxAgeMs));
    return { expires, signature: this.#signature(id, digest, expires) };
  }

  /** Whether a query is one of ours for this very archive, and not too old. */
  isGood(id: number, digest: string, query: LinkQuery): boolean {
    if (!/^\d{1,16}$/.test(query.expires) || Number(query.expires) < Date.now()) return false;
    // As texts: several of them mean the same bytes.
    const given = Buffer.from(query.signature);
    const right = Buffer.from(this.#signature(id, digest, query.expires));
    return given.length === right.length && timingSafeEqual(given, right);
  }

  #signature(id: number, digest: string, expires: string): string {
    const signed = `${id}\n${digest}\n${expires}`;
    return createHmac("sha256", this.#key).update(signed).digest("base64url");
  }
}
