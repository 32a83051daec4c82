import { resolve } from "node:path";
import { parseDuration } from "../duration.ts";

/** The environment of a process, as both runtimes give it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Tells that the service cannot start with the environment it was given. `message` is one line: the variable, its
 * value (never that of a secret) and what is expected.
 */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  /** The variable to change. */
  readonly variable: string;

  constructor(variable: string, value: string | undefined, expected: string) {
    const found = value === undefined ? "not set" : `cannot use ${show(variable, value)}`;
    super(`${variable}: ${found}: expected ${expected}`);
    this.variable = variable;
  }
}

/** Variables people paste secrets into where a path is meant; their values are never shown. */
const NEVER_SHOWN = new Set(["API_TLS_KEY", "KUBECONFIG"]);

function show(variable: string, value: string): string {
  if (NEVER_SHOWN.has(variable)) return "its value (not shown)";
  const masked = value.replace(/\/\/[^/@]*@/g, "//***@"); // a URL may carry a password
  return JSON.stringify(masked.length > 100 ? `${masked.slice(0, 100)}…` : masked);
}

/** What bounds a duration or a number; both ends are allowed. */
export interface Bounds {
  /** In words, for the message: `from 1s to 10m`. */
  readonly text: string;
  readonly min: number;
  readonly max: number;
}

/** Typed readers over the environment. An empty string is an unset variable; every reader throws {@linkcode ConfigError}. */
export class Variables {
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  text(name: string): string | undefined {
    return this.#env[name] || undefined;
  }

  /** `1`, `true`, `yes`, `on` and their opposites, in any case. */
  flag(name: string): boolean | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const read = readFlag(value);
    if (read === undefined) throw new ConfigError(name, value, "true or false (also 1 or 0)");
    return read;
  }

  /** As the old service read a switch: any text is on. Words that say no are off, which it got wrong. */
  isSet(name: string): boolean {
    const value = this.text(name);
    return value !== undefined && readFlag(value) !== false;
  }

  choice<const T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.text(name);
    const found = choices.find((choice) => choice === value);
    if (value !== undefined && found === undefined) {
      throw new ConfigError(name, value, `one of ${choices.join(", ")}`);
    }
    return found;
  }

  integer(name: string, min: number, max: number): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = /^\d{1,15}$/.test(value) ? Number(value) : NaN;
    if (!(number >= min && number <= max)) {
      throw new ConfigError(name, value, `a whole number from ${min} to ${max}`);
    }
    return number;
  }

  /** A Go duration (`90s`, `1h30m`) within `bounds`, in milliseconds. */
  durationMs(name: string, bounds: Bounds): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const ms = parseDuration(value);
    if (ms === undefined || ms < bounds.min || ms > bounds.max) {
      throw new ConfigError(name, value, `a duration such as 90s or 1h30m, ${bounds.text}`);
    }
    return ms;
  }

  /** A size as Kubernetes writes it: `512Mi`, `20G`, `1.5Gi`, or plain bytes; in bytes. */
  sizeBytes(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const bytes = parseSize(value);
    if (bytes === undefined) {
      throw new ConfigError(name, value, "a size in bytes, or with a suffix: 500M, 512Mi, 20Gi");
    }
    return bytes;
  }

  /** An absolute path; a relative one is taken from `cwd`. */
  path(name: string, cwd: string): string | undefined {
    const value = this.text(name);
    return value === undefined ? undefined : resolve(cwd, value);
  }
}

/** Reads a yes or a no; `undefined` for any other word. */
function readFlag(value: string): boolean | undefined {
  if (/^(?:1|true|yes|on)$/i.test(value)) return true;
  if (/^(?:0|false|no|off)$/i.test(value)) return false;
  return undefined;
}

const SIZES: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Bytes, rounded down; `undefined` for anything that is no size, for nothing, and for more than 2⁵³. */
function parseSize(text: string): number | undefined {
  const [, number, suffix] = /^(\d{1,16}(?:\.\d{1,9})?)(|[kMGT]|[KMGT]i)$/.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * (SIZES[suffix ?? ""] ?? NaN));
  return bytes >= 1 && Number.isSafeInteger(bytes) ? bytes : undefined;
}
