import { FLAGS, GLOBAL_FLAGS, SHORT_FLAGS } from "./flags.ts";
import {
  readBoolean,
  readDuration,
  readInteger,
  readTime,
  readTimeout,
  ValueError,
} from "./values.ts";

/** A command line that oc refuses: `message` is what it says behind `error: `. */
export class UsageError extends Error {
  override name = "UsageError";
  /** Whether oc points to its help: it does for what its flag parser refuses. */
  readonly seeHelp: boolean;

  constructor(message: string, seeHelp = true) {
    super(message);
    this.seeHelp = seeHelp;
  }
}

/** What the command line of `adm must-gather` asks for. */
export type Request = Readonly<{
  help: boolean;
  /** Empty: a folder of oc's choice in the working folder. */
  destination: string;
  /** How long gathering may take, in milliseconds. */
  timeout: number;
  /** Entries of the journal newer than this, where it was asked for. */
  since: Date | undefined;
  /** `--since` and `--since-time` as they came, for a command's environment. */
  sinceText: Readonly<{ since: string; sinceTime: string }>;
  /** The words after `--`; none: the built-in collectors. */
  words: readonly string[];
  /** Flags that were given and select nothing here, as `--image`. */
  selectNothing: readonly string[];
}>;

type Values = Map<string, string[]>;

/** Takes flags off the front of `args`; gives their values, the other words, and where `--` stood among them. */
function parse(args: readonly string[], short: boolean): { values: Values; words: string[] } {
  const values: Values = new Map();
  const words: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (arg === "--") {
      // As oc does: what stands behind `--` is the command, and words before it are dropped; none behind it counts as none.
      const behind = args.slice(at + 1);
      return { values, words: behind.length > 0 ? behind : words };
    }
    if (!arg.startsWith("-") || arg === "-") {
      if (short) return { values, words: args.slice(at) };
      words.push(arg);
      continue;
    }
    const equals = arg.indexOf("=");
    const given = equals < 0 ? arg : arg.slice(0, equals);
    const name = flagName(arg, given);
    let value = equals < 0 ? undefined : arg.slice(equals + 1);
    if (!given.startsWith("--") && given.length > 2) value = arg.slice(2); // -nNAME
    const needsNone = name === "help" || FLAGS[name]?.kind === "boolean" || GLOBAL_FLAGS[name];
    if (value === undefined && needsNone) value = "true";
    if (value === undefined) {
      at += 1;
      value = args[at];
      if (value === undefined) throw new UsageError(`flag needs an argument: ${given}`);
    }
    values.set(name, [...values.get(name) ?? [], value]);
  }
  return { values, words };
}

function flagName(arg: string, given: string): string {
  if (given.startsWith("--")) {
    const name = given.slice(2);
    if (name === "help" || Object.hasOwn(FLAGS, name) || Object.hasOwn(GLOBAL_FLAGS, name)) {
      return name;
    }
    throw new UsageError(`unknown flag: ${given}`);
  }
  const letter = given.charAt(1);
  if (letter === "h") return "help";
  const long = Object.hasOwn(SHORT_FLAGS, letter) ? SHORT_FLAGS[letter] : undefined;
  if (long === undefined) {
    throw new UsageError(`unknown shorthand flag: '${letter}' in ${arg}`);
  }
  return long;
}

/** Gives the command line without the global flags in front of the command, which oc allows there. */
export function withoutGlobalFlags(args: readonly string[]): string[] {
  return parse(args, true).words;
}

/** Reads the value of a flag, and tells in oc's words which flag it was that could not be read. */
function checked<T>(name: string, text: string, read: (text: string) => T, seeHelp = true): T {
  try {
    return read(text);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    const what = `invalid argument ${JSON.stringify(text)} for "--${name}" flag: ${error.message}`;
    throw new UsageError(what, seeHelp);
  }
}

/**
 * Reads what stands behind `adm must-gather`.
 *
 * Throws a {@linkcode UsageError} for what oc refuses before it says which image it uses; `validate` refuses the rest.
 *
 * @param warn is given the lines that oc prints on stderr and goes on
 */
export function readRequest(args: readonly string[], warn: (line: string) => void): {
  request: Request;
  validate: () => void;
} {
  const { values, words } = parse(args, false);
  const last = (name: string): string => values.get(name)?.at(-1) ?? "";
  const list = (name: string): string[] =>
    (values.get(name) ?? []).flatMap((value) => value.split(",")).filter((value) => value !== "");
  const flag = (name: string): boolean =>
    values.has(name) && checked(name, last(name), readBoolean);

  const allImages = flag("all-images");
  const hostNetwork = flag("host-network");
  const help = values.has("help");
  const percentage = values.has("volume-percentage")
    ? checked("volume-percentage", last("volume-percentage"), readInteger)
    : 70;
  const since = values.has("since") ? checked("since", last("since"), readDuration) : 0;
  const timeout = checked(
    "timeout",
    last("timeout") || "10m",
    (text) => help ? 0 : readTimeout(text, warn),
    false,
  );
  if (allImages && !help) {
    const others: [string, boolean][] = [
      ["image", list("image").length > 0],
      ["host-network", hostNetwork],
      ["image-streams", list("image-stream").length > 0], // oc's own spelling
      ["node-name", last("node-name") !== ""],
    ];
    for (const [other, given] of others) {
      if (!given) continue;
      throw new UsageError(
        `--${other} and --all-images are mutually exclusive: please specify one or the other`,
        false,
      );
    }
  }
  const sinceTime = last("since-time");
  const request: Request = {
    help,
    destination: last("dest-dir"),
    timeout,
    since: since === 0 ? readTime(sinceTime) : new Date(Date.now() - since),
    sinceText: { since: since === 0 ? "" : last("since"), sinceTime },
    words,
    selectNothing: [...values.keys()].filter((name) => FLAGS[name]?.selectsNothing)
      .map((name) => `--${name}`),
  };
  const validate = (): void => {
    const problem = problemOf({
      nodeName: last("node-name"),
      nodeSelector: last("node-selector"),
      destination: request.destination,
      percentage,
      since,
      sinceTime,
    });
    if (problem !== undefined) throw new UsageError(problem, false);
  };
  return { request, validate };
}

/** What oc refuses after it said which image it uses, in its order. */
function problemOf(given: {
  nodeName: string;
  nodeSelector: string;
  destination: string;
  percentage: number;
  since: number;
  sinceTime: string;
}): string | undefined {
  if (given.nodeName !== "" && given.nodeSelector !== "") {
    return "--node-name and --node-selector are mutually exclusive: please specify one or the other";
  }
  if (/[/%]/.test(given.nodeName)) return "--node-name may not contain '/' or '%'";
  if (given.destination.includes(":")) {
    return "--dest-dir may not contain special characters such as colon(:)";
  }
  if (given.percentage <= 0 || given.percentage > 100) {
    return "invalid volume usage percentage, please specify a value between 0 and 100";
  }
  if (given.sinceTime !== "" && given.since !== 0) {
    return "at most one of `--since-time` or `--since` may be specified";
  }
  if (given.sinceTime !== "" && readTime(given.sinceTime) === undefined) {
    return "--since-time only accepts times matching RFC3339, eg '2006-01-02T15:04:05Z'";
  }
  return undefined;
}
