/** What tells a Secret's `data` from others', and how far it may be looked for. */

/** What the report calls values of Secrets. */
export const SECRET_DATA = "secret-data";

/** What is held back until it is known whether it is a Secret's, in bytes: etcd takes no object over 1.5 MiB. */
export const MOST_HELD = 3 * 2 ** 20;

/**
 * Bytes of a file that are looked at ahead for that, in all: 64 MiB take a second or two. A file made to take longer has
 * objects in objects; from there on whatever could be a Secret's is taken for one.
 */
const MOST_LOOKED = 2 ** 26;

/** Base64 as Secrets have it. */
export const PLAIN_BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** What may still be looked at ahead in a file. */
export class Sight {
  #left = MOST_LOOKED;

  /** Whether there is some left after so many bytes more. */
  spend(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left > 0;
  }
}

/** What is known of an object of which it is not yet known whether it is a Secret. */
export class Evidence {
  hasType = false;
  /** Undefined where nothing says so. */
  isSecret: boolean | undefined;

  /** `kind` comes behind `data` where keys are sorted; items of a SecretList may have none, but have a `type`. */
  get verdict(): boolean {
    return this.isSecret ?? this.hasType;
  }

  note(key: string, value: string): void {
    if (key === "type") this.hasType = true;
    if (key === "kind") this.isSecret = value === "Secret" || value === "SecretList";
  }
}
