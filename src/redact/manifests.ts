/** `data` and `stringData` of Secrets, in YAML and JSON, also within lists and within JSON that is itself a text. */
import type { Looked } from "./encoded.ts";
import { JsonDoubt, JsonMap } from "./json-secret.ts";
import { Sight } from "./secret-evidence.ts";
import { columnOf } from "./values.ts";
import {
  type Answer,
  BLANK,
  bytesOf,
  isIn,
  KEY,
  MORE,
  type Next,
  skip,
  SPACE,
  type Window,
} from "./window.ts";
import { YamlDoubt, YamlMap } from "./yaml-secret.ts";

const SLASHES = bytesOf("\\");

/** What was said of the objects around the place at hand; one a file. */
export class Manifests implements Looked {
  /** YAML: columns of the keys `kind` whose value is Secret or SecretList, outermost first. */
  #kinds: { column: number; isList: boolean }[] = [];
  readonly #sight = new Sight();
  /** JSON: whether the last `kind` was one of those. */
  #jsonIsSecret = false;

  decodedTo = 0;

  /** Whether lines matter. */
  get isWatching(): boolean {
    return this.#kinds.length > 0;
  }

  /** A line begins at `w.at`: what is indented further than it has ended. */
  line(w: Window): Answer {
    const at = skip(BLANK, w.bytes, w.at, w.end);
    if (at + 3 > w.end && !w.isLast) return MORE;
    if (at >= w.end || SPACE[w.bytes[at] as number] === 1) return undefined;
    const column = at - w.at;
    const text = w.text(at, Math.min(w.end, at + 3));
    if (column === 0 && (text === "---" || text === "...")) this.#kinds = [];
    else this.#kinds = this.#kinds.filter((kind) => kind.column <= column);
    return undefined;
  }

  /** Behind `kind`. */
  kind(w: Window): Answer {
    const { bytes } = w;
    const start = w.at - 4;
    const colon = /^\\*["']?[ \t]*:[ \t]*/.exec(w.text(w.at, Math.min(w.end, w.at + 200)));
    if (!colon) return w.at + 200 > w.end ? w.short() : undefined;
    if (isIn(KEY, w, start - 1)) return undefined;
    const from = w.at + colon[0].length;
    const value = w.text(from, Math.min(w.end, from + 80));
    const [all = "", slashes, kind] = /^(\\*)["']?([A-Za-z]*)/.exec(value) ?? [];
    if (all.length === value.length && value.length < 80 && !w.isLast) return MORE;
    const isSecret = kind === "Secret" || kind === "SecretList";
    if (colon[0].includes('"') || slashes) this.#jsonIsSecret = isSecret;
    else if (isSecret || this.#kinds.length > 0) {
      const column = columnOf(w, start);
      if (column < 0 || bytes[start] !== 107) return undefined;
      // Their columns ascend: there are no more of them than a line may be indented and still be looked at.
      this.#kinds = this.#kinds.filter((other) => other.column < column);
      if (isSecret) this.#kinds.push({ column, isList: kind === "SecretList" });
    }
    return undefined;
  }

  /** Behind `data` or `Data`: undefined, or the mode that takes over. */
  data(w: Window): Answer | Next {
    const { bytes } = w;
    const after = w.at < w.end ? bytes[w.at] : 58;
    if (after !== 58 && after !== 34 && after !== 92) return undefined; // : " \
    const isString = w.text(w.at - 10, w.at) === "stringData";
    const start = w.at - (isString ? 10 : 4);
    if (!isString && bytes[start] !== 100) return undefined;
    if (isIn(KEY, w, start - 1)) return undefined;
    const slashes = skip(SLASHES, bytes, w.at, w.end);
    if (slashes + 1 >= w.end && !w.isLast) return MORE;
    if (slashes < w.end && bytes[slashes] === 34) return this.#json(w, slashes, isString);
    const colon = /^:[ \t]*(?:#[^\n]*)?\r?(?=\n)/.exec(w.text(w.at, Math.min(w.end, w.at + 200)));
    if (!colon) return bytes[w.at] === 58 && w.at + 200 > w.end ? w.short() : undefined;
    const column = columnOf(w, start);
    if (column < 0) return undefined;
    const next = w.at + colon[0].length;
    const isSecret = isString ||
      this.#kinds.some((kind) => kind.isList ? kind.column < column : kind.column === column);
    return { next, mode: isSecret ? new YamlMap(column) : new YamlDoubt(column, this.#sight) };
  }

  #json(w: Window, quote: number, isString: boolean): Answer | Next {
    const level = quote - w.at;
    const rest = w.text(quote + 1, Math.min(w.end, quote + 400));
    const open = /^(?:\s|\\+[nrt])*:(?:\s|\\+[nrt])*\{/.exec(rest);
    if (!open) return /^[\s\\nrt:]*$/.test(rest) && rest.length < 399 ? w.short() : undefined;
    const next = quote + 1 + open[0].length;
    const isSecret = isString || this.#jsonIsSecret;
    return { next, mode: isSecret ? new JsonMap(level) : new JsonDoubt(level, this.#sight) };
  }
}
