import { parseArgs, type ParseArgsConfig } from "node:util";
import * as v from "valibot";
import { REQUEST_KEYS, type RequestKey, RequestSchema } from "../schema/options.ts";
import { UsageError } from "./errors.ts";

/** What the command line and the environment ask for. */
export interface Options {
  help: boolean;
  json: boolean;
  /** The service to use; without it one on this machine, started where there is none. */
  url: URL | undefined;
  /** As given; `-` is read from standard input. */
  token: string | undefined;
  /** The token stood on the command line, for all to see. */
  tokenIsVisible: boolean;
  /** A file or a folder. */
  output: string | undefined;
  /** The path of a PEM file. */
  ca: string | undefined;
  /** The body of the POST. */
  request: Readonly<Record<string, unknown>>;
}

/** A flag as help shows it. */
export interface Flag {
  name: string;
  short?: string;
  /** What stands behind it; `""` where nothing does. */
  value: string;
  description: string;
}

/** The variable that holds the token. */
export const TOKEN_VARIABLE = "MUST_GATHER_TOKEN";

/** The client's own flags. */
export const OWN_FLAGS: readonly Flag[] = [
  {
    name: "url",
    value: "URL",
    description: "The service to use; without it the one on PORT, started where there is none",
  },
  {
    name: "token",
    value: "TOKEN",
    description:
      `Bearer token; - reads it from standard input. Others on this machine can read a command line: ${TOKEN_VARIABLE} is better`,
  },
  { name: "ca", value: "FILE", description: "Certificate (PEM) of the authority to trust" },
  {
    name: "output",
    short: "o",
    value: "PATH",
    description: "File or folder for the archive; a file that is there is replaced",
  },
  { name: "json", value: "", description: "Print the last record, and nothing else, as JSON" },
  { name: "help", short: "h", value: "", description: "Print this" },
];

/** The flags that are keys of the request; what they mean is said once, where requests are checked. */
export const REQUEST_FLAGS: readonly Flag[] = REQUEST_KEYS.map((name) => {
  const schema = RequestSchema.entries[name].wrapped;
  return {
    name,
    value: isSwitch(name) ? "" : isList(name) ? "NAME ..." : "VALUE",
    description: v.getDescription(schema) ?? "",
  };
});

/**
 * Reads the command line (without program and script).
 *
 * Throws {@linkcode UsageError}. No message repeats a value: one may be a token.
 *
 * @param env may hold the token, and what npm took for its own flags
 */
export function readArguments(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Options {
  if (env["npm_lifecycle_event"] === "gather") refuseSwallowed(env);
  const { values, tokens } = parse(args);
  const terminator = tokens.find(({ kind }) => kind === "option-terminator")?.index ?? Infinity;
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind !== "positional") continue;
    if (token.index < terminator) {
      throw new UsageError(
        `Word ${token.index + 1} belongs to no flag; the words of a command go behind --`,
      );
    }
    words.push(token.value);
  }

  const request: Record<string, unknown> = {};
  for (const key of REQUEST_KEYS) {
    const value = values[key];
    if (value !== undefined) request[key] = Array.isArray(value) && !value[1] ? value[0] : value;
  }
  if (words.length > 0) {
    if (request["command"] !== undefined) {
      throw new UsageError("Give --command or words behind --, not both");
    }
    request["command"] = words;
  }
  const token = text(values["token"]);
  return {
    help: values["help"] === true,
    json: values["json"] === true,
    url: readUrl(text(values["url"])),
    token: token ?? (env[TOKEN_VARIABLE] || undefined),
    tokenIsVisible: token !== undefined && token !== "-",
    output: text(values["output"]),
    ca: text(values["ca"]),
    request,
  };
}

function parse(args: readonly string[]) {
  const options: NonNullable<ParseArgsConfig["options"]> = {};
  for (const { name, short, value } of [...OWN_FLAGS, ...REQUEST_FLAGS]) {
    options[name] = {
      type: value === "" ? "boolean" : "string",
      multiple: isList(name),
      ...(short !== undefined && { short }),
    };
  }
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, tokens: true });
  } catch (error) {
    const [sentence = ""] = (error as Error).message.split(/\.\s|\n/);
    throw new UsageError(sentence.replace(/\.$/, ""));
  }
}

/** `npm run gather --image x` gives us neither: npm takes the flag for its own. A gather of something else would be a trap. */
function refuseSwallowed(env: Readonly<Record<string, string | undefined>>): void {
  for (const { name } of [...REQUEST_FLAGS, ...OWN_FLAGS]) {
    const isNpms = ["json", "help", "ca"].includes(name);
    if (isNpms || env[`npm_config_${name.replaceAll("-", "_")}`] === undefined) continue;
    throw new UsageError(
      `npm took --${name} for a flag of its own; write npm run gather -- --${name}`,
    );
  }
}

function readUrl(given: string | undefined): URL | undefined {
  if (given === undefined) return undefined;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new UsageError("--url must be an address that begins with http:// or https://");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new UsageError("--url must have no user, no password, no query and no fragment");
  }
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function isSwitch(name: RequestKey): boolean {
  return v.is(RequestSchema.entries[name], true);
}

/** Whether a flag may stand more than once. `command` is a list too, but its words go behind `--`. */
function isList(name: string): boolean {
  return name !== "command" && REQUEST_KEYS.some((key) => key === name) &&
    v.is(RequestSchema.entries[name as RequestKey], []);
}
