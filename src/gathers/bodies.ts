/** Records as the bytes of a reply: made once a revision, not once a request. */
import { asExecOutput } from "../oc/output.ts";
import { logTail } from "../oc/exec-log.ts";
import { EXEC_OUTPUT_BYTES, LIST_EXEC_OUTPUT_BYTES } from "../schema/record.ts";
import { Lru } from "../lru.ts";
import { gatherFolder } from "./folders.ts";
import { toListItem, toRecord } from "./record.ts";
import type { Durations } from "./progress.ts";
import type { Held } from "./held.ts";
import type { Registry } from "./registry.ts";

/** How many bodies of single records are kept; one has up to some 70 KiB. */
const MOST_BODIES = 32;

/** How many items of the list are kept; one has some 2.5 KiB. A list has 1,000 unless asked for another number. */
const MOST_ITEMS = 1000;

/** How many lists are kept as they were sent, and how large one may be: bytes. One of 1,000 has some 2.5 MiB. */
const MOST_LISTS = 4;
const LARGEST_KEPT_LIST = 4 * 2 ** 20;

/** One larger list is kept besides, up to so many bytes: 10,000 have some 25 MiB, and take 0.4 s of CPU to be made anew (2 × AMD EPYC). */
const LARGEST_LIST = 32 * 2 ** 20;

const OPEN = Buffer.from("[");
const COMMA = Buffer.from(",");
const CLOSE = Buffer.from("]");

/** A body and what tells it from others. */
export interface Body {
  /** Another for each revision of each life of the service. */
  etag: string;
  bytes: Buffer;
}

/** A list as it was when the revision was that. */
export interface List {
  /** All that it depends on besides the records. */
  readonly query: string;
  readonly revision: number;
  readonly bytes: Buffer;
}

/** The bodies of records and lists. */
export class Bodies {
  readonly #registry: Registry;
  readonly #workPath: string;
  readonly #durations: Durations;
  /** Revisions begin anew with each life of the service. */
  readonly #boot = Date.now().toString(36);
  readonly #bodies = new Lru<number, Body & { revision: number }>(MOST_BODIES);
  readonly #items = new Lru<number, { revision: number; json: Buffer }>(MOST_ITEMS);
  readonly #lists = new Lru<string, List>(MOST_LISTS);
  #large: List | undefined;
  /** Lists that are being made: who asks for one meanwhile waits for it. */
  readonly #making = new Map<string, { revision: number; list: Promise<List> }>();

  constructor(registry: Registry, workPath: string, durations: Durations) {
    this.#durations = durations;
    this.#registry = registry;
    this.#workPath = workPath;
  }

  /** What a record is told from its earlier and later states by. */
  etag(held: Held): string {
    return `"${this.#boot}-${held.id}-${held.revision}"`;
  }

  /** The body of one record where it was made before: most polls find it so. */
  kept(held: Held): Body | undefined {
    const kept = this.#bodies.get(held.id);
    return kept?.revision === held.revision ? kept : undefined;
  }

  /** The body of one record. */
  async record(held: Held): Promise<Body> {
    const kept = this.kept(held);
    if (kept) return kept;
    const { id, revision } = held;
    const etag = this.etag(held);
    const execOutput = await this.#execOutput(held, EXEC_OUTPUT_BYTES);
    const queuePosition = this.#queuePosition(held);
    const estimate = this.#durations.estimate(held.entry, Date.now());
    const bytes = Buffer.from(
      JSON.stringify(toRecord(held.entry, { execOutput, queuePosition, estimate })),
    );
    const body = { revision, etag, bytes };
    this.#bodies.set(id, body);
    return body;
  }

  /** The body of a list where it was made before, and no record has changed since. */
  keptList(query: string): List | undefined {
    const kept = this.#large?.query === query ? this.#large : this.#lists.get(query);
    return kept?.revision === this.#registry.revision ? kept : undefined;
  }

  /**
   * The body of a list; the same query finds it made as long as no record has changed.
   *
   * @param query the text of all that `select` depends on besides the records
   */
  async list(
    query: string,
    select: () => readonly Held[],
  ): Promise<List> {
    const kept = this.keptList(query);
    if (kept) return kept;
    const { revision } = this.#registry;
    const earlier = this.#making.get(query);
    if (earlier?.revision === revision) return await earlier.list;
    const making = {
      revision,
      list: this.#makeList(select()).then((bytes): List => ({ query, revision, bytes })),
    };
    this.#making.set(query, making);
    try {
      const list = await making.list;
      this.#keep(list);
      return list;
    } finally {
      if (this.#making.get(query) === making) this.#making.delete(query);
    }
  }

  async #makeList(all: readonly Held[]): Promise<Buffer> {
    const parts: Buffer[] = [OPEN];
    for (const held of all) {
      const item = this.#keptItem(held) ?? (isReadable(held) && await this.#item(held));
      if (item && parts.length > 1) parts.push(COMMA);
      if (item) parts.push(item);
    }
    parts.push(CLOSE);
    return Buffer.concat(parts);
  }

  #keep(list: List): void {
    const { query, bytes } = list;
    if (this.#large?.query === query) this.#large = undefined;
    this.#lists.delete(query);
    if (bytes.length <= LARGEST_KEPT_LIST) this.#lists.set(query, list);
    else if (bytes.length <= LARGEST_LIST) this.#large = list;
  }

  #keptItem(held: Held): Buffer | undefined {
    const kept = this.#items.get(held.id);
    return kept?.revision === held.revision ? kept.json : undefined;
  }

  async #item(held: Held): Promise<Buffer> {
    const { revision } = held;
    const execOutput = await this.#execOutput(held, LIST_EXEC_OUTPUT_BYTES);
    const queuePosition = this.#queuePosition(held);
    const estimate = this.#durations.estimate(held.entry, Date.now());
    const json = Buffer.from(
      JSON.stringify(toListItem(held.entry, { execOutput, queuePosition, estimate })),
    );
    this.#items.set(held.id, { revision, json });
    return json;
  }

  #queuePosition(held: Held): number | null {
    if (held.summary.status !== "new") return null;
    return this.#registry.queued().indexOf(held) + 1 || null;
  }

  async #execOutput(held: Held, limit: number): Promise<string> {
    if (held.output) return held.output.execOutput(limit);
    if (held.entry.startedAt === null) return "";
    const folder = gatherFolder(this.#workPath, held.id).path;
    return asExecOutput(await logTail(folder, limit - 1), limit);
  }
}

/** Whether its journal file is as it was left; the journal has told of one that is not. */
function isReadable(held: Held): boolean {
  try {
    return held.entry.id === held.id;
  } catch {
    return false;
  }
}
