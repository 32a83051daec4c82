/** What clients were told, and whether the service still says so after any number of crashes. */
import assert from "node:assert/strict";
import type { GatherListItem } from "../../src/schema/record.ts";

/** Whether a gather has ended for its clients. */
export function hasEnded({ status }: GatherListItem): boolean {
  return status === "completed" || status === "error";
}

/** Book of every answer that binds the service. */
export class Ledger {
  /** Answered with 201. */
  readonly #accepted = new Set<number>();
  /** Answered with 204: must not come back. */
  readonly #purged = new Set<number>();
  /** Asked to be purged, and the answer was cut or said that it goes when it has ended. */
  readonly #mayBePurged = new Set<number>();
  /** How gathers were seen to have ended. */
  readonly #ends = new Map<number, string>();
  #highest = 0;

  get accepted(): number {
    return this.#accepted.size;
  }

  get purged(): number {
    return this.#purged.size;
  }

  /** A POST was answered with 201. Throws where the id is not above all that were ever seen. */
  accept(id: number): void {
    assert.ok(id > this.#highest, `id ${id} was given after ${this.#highest}`);
    this.#highest = id;
    this.#accepted.add(id);
  }

  /** A purge is about to be asked for. */
  asksToPurge(id: number): void {
    this.#mayBePurged.add(id);
  }

  /** A purge was answered with 204. */
  purge(id: number): void {
    this.#purged.add(id);
    this.#ends.delete(id);
  }

  /** Checks a list of all gathers, as the service gives it. Throws with the first promise that is broken. */
  check(list: readonly GatherListItem[]): void {
    let before: GatherListItem | undefined;
    for (const record of list) {
      const { id } = record;
      assert.ok(!before || before.id < id, `${id} is listed behind ${before?.id}`);
      const [earlier, later] = [before?.["created-at"] ?? "", record["created-at"]];
      assert.ok(earlier < later, `created-at of ${id} is ${later}, of the one before ${earlier}`);
      assert.ok(!this.#purged.has(id), `${id} was purged and is there again`);
      this.#checkEnd(record);
      before = record;
    }
    const listed = new Set(list.map(({ id }) => id));
    for (const id of this.#accepted) {
      const mayBeGone = this.#purged.has(id) || this.#mayBePurged.has(id);
      assert.ok(listed.has(id) || mayBeGone, `gather ${id} was answered with 201 and is lost`);
    }
    this.#highest = Math.max(this.#highest, before?.id ?? 0);
  }

  /** What has ended stays as it ended. */
  #checkEnd(record: GatherListItem): void {
    const { id, status, reason } = record;
    const end = hasEnded(record) ? `${status} ${reason} ${record["archive-digest"]}` : "";
    const known = this.#ends.get(id);
    if (known !== undefined) assert.equal(end, known, `gather ${id} had ended`);
    else if (end !== "") this.#ends.set(id, end);
    if (status === "completed") assert.ok(record["archive-url"], `${id} completed without archive`);
  }
}
