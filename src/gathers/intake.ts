/** Taking a gather in: a repeated request finds the gather it asked for before, a new one is safe on disk before it is answered. */
import { createHash } from "node:crypto";
import { Problem } from "../problem.ts";
import { requestFingerprint, sameOptions } from "../schema/fingerprint.ts";
import type { GatherRequest, Redact } from "../schema/request.ts";
import { reasonOf } from "../log.ts";
import type { Caller } from "../auth/middleware.ts";
import type { CredentialStore } from "./credentials.ts";
import type { Disk } from "./disk.ts";
import { hasEnded, newEntry } from "./entry.ts";
import type { Journal } from "./journal.ts";
import type { Entry } from "./entry.ts";
import type { Held } from "./held.ts";
import type { Registry } from "./registry.ts";
import { removeGather } from "./removal.ts";
import type { Runner } from "./runner.ts";

/** How long an `Idempotency-Key` is known: 24 h (the contract's), in milliseconds. */
const KEY_MAX_AGE_MS = 24 * 3_600_000;

/** How many of them are known (the contract's); the oldest go. */
const MOST_KEYS = 1000;

/** When to ask again where the queue is full: seconds. A gather takes minutes. */
const RETRY_AFTER_S = 30;

/** Of a custom name, in bytes of UTF-8. */
const LONGEST_NAME = 256;

export interface IntakeDeps {
  registry: Registry;
  journal: Journal<Entry>;
  runner: Runner;
  disk: Disk;
  credentials: CredentialStore;
  workPath: string;
  maxQueued: number;
  /** Asks the cluster about a new gather before it is taken in; rejects with a `Problem` for one that cannot run. */
  prepare: (request: GatherRequest, caller: Caller) => Promise<Prepared>;
}

/** What was found of a new gather. */
export interface Prepared {
  readonly resolved: { readonly command: string; readonly commandLine: string } | undefined;
  /** A sentence for its message, or `""`. */
  readonly note: string;
}

/** What came of a request. */
export interface Taken {
  held: Held;
  /** Whether a gather was made for it, rather than found. */
  created: boolean;
}

/** The door for new gathers. */
export class Intake {
  readonly #deps: IntakeDeps;
  /** By the hash of the key, oldest first. */
  readonly #keys = new Map<string, { id: number; fingerprint: string; at: number }>();
  /** What is being written, so that the same request a moment later waits for it and does not make another. */
  readonly #pending = new Map<number, Promise<void>>();
  #closed = false;

  constructor(deps: IntakeDeps) {
    this.#deps = deps;
  }

  /** Knows again the key of a gather that was read from the journal. */
  recall(entry: Entry): void {
    const { idempotency } = entry;
    if (idempotency) this.#remember(idempotency.key, entry, idempotency.fingerprint);
  }

  /** Takes no more: the service goes down. */
  close(): void {
    this.#closed = true;
  }

  /**
   * Makes a gather, or finds the one that the same request made.
   *
   * Throws a `Problem`: 422 for a key that was used for another request, 503 when the queue is full or the service goes down,
   * 507 when there is no room on disk or in the journal, and what the cluster says against it.
   */
  async take(
    request: GatherRequest,
    idempotencyKey: string | undefined,
    caller: Caller,
  ): Promise<Taken> {
    const { registry, journal, runner, disk, credentials, workPath, prepare } = this.#deps;
    const fingerprint = requestFingerprint(request);
    const key = idempotencyKey === undefined ? undefined : hash(idempotencyKey);
    const before = this.#find(request, key, fingerprint);
    if (before) return await this.#join(before, key, fingerprint);
    this.#admit();
    const prepared = await prepare(request, caller);
    await disk.admit();
    const meanwhile = this.#find(request, key, fingerprint);
    if (meanwhile) return await this.#join(meanwhile, key, fingerprint);
    this.#admit();

    const id = journal.nextId();
    const idempotency = key === undefined ? null : { key, fingerprint };
    const entry = newEntry(id, registry.timestamp(), request, idempotency, prepared);
    const held = registry.add(entry);
    if (key !== undefined) this.#remember(key, held.entry, fingerprint);
    runner.begin(held);
    registry.persist(held);
    // The reply says that the gather exists and will run: it must be true after a crash, too.
    const safe = allOf([
      journal.saved(id),
      credentials.give(id, request.server, caller.token),
    ]);
    this.#pending.set(id, safe);
    try {
      await safe;
    } catch (error) {
      if (key !== undefined) this.#keys.delete(key);
      runner.cancel(held, false);
      await credentials.take(id);
      await removeGather(held, registry, workPath);
      throw noRoom(error);
    } finally {
      this.#pending.delete(id);
    }
    setImmediate(() => runner.enqueue(held)); // its turn comes behind the reply, which shows it as `new`
    return { held, created: true };
  }

  /**
   * Makes a gather that is a redacted copy of the archive of `source`.
   *
   * Throws a `Problem`: 409 where there is no archive, else as {@linkcode Intake.take} does.
   */
  async copy(source: Held, redact: Redact): Promise<Held> {
    const { registry, journal, runner, disk, workPath } = this.#deps;
    this.#admit();
    await disk.admit();
    this.#admit();
    const { id: from, archive, request } = source.entry;
    if (!archive) throw noArchive();
    const id = journal.nextId();
    const held = registry.add(newEntry(id, registry.timestamp(), {
      ...request,
      customName: redactedName(request.customName),
      redact,
      copyOf: { id: from, file: archive.file, name: redactedName(archive.name) },
    }, null));
    runner.begin(held);
    registry.persist(held);
    try {
      await journal.saved(id);
    } catch (error) {
      runner.cancel(held, false);
      await removeGather(held, registry, workPath);
      throw noRoom(error);
    }
    setImmediate(() => runner.enqueue(held));
    return held;
  }

  async #join(held: Held, key: string | undefined, fingerprint: string): Promise<Taken> {
    // Found by its name: a retry with the same key finds it after its end, too.
    if (key !== undefined && this.#keys.get(key)?.id !== held.id) {
      this.#remember(key, held.entry, fingerprint);
    }
    await this.#pending.get(held.id)?.catch((error) => {
      throw noRoom(error);
    });
    return { held, created: false };
  }

  #admit(): void {
    const { registry, runner, maxQueued } = this.#deps;
    if (this.#closed) throw goingDown();
    // Those that a free slot takes at once do not count as waiting.
    if (registry.queued().length - runner.freeSlots() >= maxQueued) throw queueFull(maxQueued);
  }

  #find(request: GatherRequest, key: string | undefined, fingerprint: string): Held | undefined {
    const { registry } = this.#deps;
    const known = key === undefined ? undefined : this.#keys.get(key);
    const ofKey = known && registry.get(known.id);
    if (known && ofKey && Date.now() - known.at < KEY_MAX_AGE_MS) {
      if (known.fingerprint === fingerprint) return ofKey;
      throw new Problem({
        status: 422,
        detail: "This Idempotency-Key was used for another request; use a new one",
      });
    }
    if (request.customName === "") return undefined;
    const ofName = registry.newestNamed(request.customName);
    const isJoinable = ofName && !hasEnded(ofName.summary) && ofName.entry.reason === "" &&
      sameOptions(ofName.entry.request, request);
    return isJoinable ? ofName : undefined;
  }

  #remember(key: string, entry: Entry, fingerprint: string): void {
    this.#keys.delete(key);
    this.#keys.set(key, { id: entry.id, fingerprint, at: Date.parse(entry.createdAt) });
    for (const oldest of this.#keys.keys()) {
      if (this.#keys.size <= MOST_KEYS) break;
      this.#keys.delete(oldest);
    }
  }
}

/** As `Promise.all`, but settled when each of them is: nothing is written any more once what failed is taken back. */
async function allOf(steps: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(steps)) {
    if (result.status === "rejected") throw result.reason;
  }
}

/** Clients may put anything into a key; it is kept as a hash only. */
function hash(key: string): string {
  return createHash("sha256").update(key).digest("base64url");
}

/** What a copy is called: the ending stays where it is, and so does the limit of 256 bytes. */
function redactedName(name: string): string {
  if (name === "") return "";
  const [, stem = name, ending = ""] = /^(.+?)(\.tar\.gz|\.tgz|\.zip)?$/s.exec(name) ?? [];
  const room = LONGEST_NAME - Buffer.byteLength(`-redacted${ending}`);
  let short = stem;
  while (Buffer.byteLength(short) > room) short = [...short].slice(0, -1).join("");
  return `${short}-redacted${ending}`;
}

function noArchive(): Problem {
  return new Problem({
    status: 409,
    detail:
      "This gather has no archive to take secrets out of; one that runs has it when it has ended",
  });
}

function noRoom(error: unknown): Problem {
  return new Problem({
    status: 507,
    detail: `The gather could not be written down (${reasonOf(error)}); remove ended ones with ` +
      `DELETE /must-gather/<id>?purge=1, or give JOURNAL_PATH and WORK_PATH more room`,
  });
}

function queueFull(maxQueued: number): Problem {
  return new Problem({
    status: 503,
    detail: `${maxQueued} gathers wait already (MAX_QUEUED); try again later`,
    headers: { "retry-after": String(RETRY_AFTER_S) },
  });
}

/** The service goes down and takes no more. */
function goingDown(): Problem {
  return new Problem({
    status: 503,
    detail: "The service is going down; try again in a moment",
    headers: { "retry-after": "10" },
  });
}
