/** A service's own rules, from a file: ours, or a configuration of must-gather-clean. */
import { RE2JS } from "re2js";
import * as v from "valibot";
import { parse } from "yaml";
import { domains, IPS, MACS } from "./addresses.ts";
import type { Pattern, Span } from "./patterns.ts";

/** Characters of a file, its rules, characters of a pattern, and steps that it compiles to. */
const LONGEST_FILE = 1 << 20;
const MOST_RULES = 100;
const LONGEST_PATTERN = 1000;
const LARGEST_PROGRAM = 10_000;

/** Two times over the file's text: YAML's anchors could make a small file large. */
const MOST_ALIASES = 10;

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(LONGEST_PATTERN));
const group = v.union([text, v.pipe(v.number(), v.integer(), v.minValue(1))]);

const OwnSchema = v.strictObject({
  rules: v.pipe(
    v.array(v.strictObject({
      name: v.pipe(
        text,
        v.regex(/^[a-z\d][a-z\d-]{0,31}$/, "must be of a-z, 0-9 and -, at most 32 characters"),
      ),
      pattern: text,
      keep: v.optional(v.union([group, v.array(group)])),
      target: v.optional(v.picklist(["content", "name", "all"])),
    })),
    v.maxLength(MOST_RULES),
  ),
});

const target = v.optional(v.picklist(["FilePath", "FileContents", "All"]));
const shared = {
  target,
  /** Our tokens are always the same for the same value. */
  replacementType: v.optional(v.picklist(["Consistent", "Static"])),
};

const CleanSchema = v.strictObject({
  config: v.strictObject({
    obfuscate: v.optional(
      v.pipe(
        v.array(v.variant("type", [
          v.strictObject({ type: v.literal("IP"), ...shared }),
          v.strictObject({ type: v.literal("MAC"), ...shared }),
          v.strictObject({ type: v.literal("Domain"), domainNames: v.array(text), ...shared }),
          v.strictObject({ type: v.literal("Regex"), regex: text, ...shared }),
          v.strictObject({
            type: v.literal("Keywords"),
            replacement: v.record(text, v.string()),
            ...shared,
          }),
          v.strictObject({
            type: v.literal("Exact"),
            exactReplacements: v.array(v.strictObject({ original: text, replacement: v.string() })),
            ...shared,
          }),
        ])),
        v.maxLength(MOST_RULES),
      ),
      [],
    ),
    omit: v.optional(
      v.array(v.strictObject({
        type: v.literal("Kubernetes", "only Secrets are read here, whose values go out anyway"),
        kubernetesResource: v.strictObject({
          kind: v.literal("Secret", "only Secrets are read here, whose values go out anyway"),
          apiVersion: v.optional(v.literal("v1")),
        }),
      })),
    ),
    randSeed: v.optional(v.number()),
  }),
});

/** A file of rules cannot be used; the message says where and why, and never repeats a value. */
export class RulesError extends Error {
  override readonly name = "RulesError";
}

/**
 * Reads rules. Patterns have Go's syntax (RE2), which takes time in proportion to the text, whatever the pattern; what RE2 has
 * not, such as lookaround and back-references, is refused. Throws a {@linkcode RulesError}.
 */
export function readRules(file: string): Pattern[] {
  if (file.length > LONGEST_FILE) {
    throw new RulesError(`it is longer than ${LONGEST_FILE} characters`);
  }
  let data: unknown;
  try {
    data = parse(file, { maxAliasCount: MOST_ALIASES });
  } catch {
    throw new RulesError("it is not well-formed YAML");
  }
  const isClean = typeof data === "object" && data !== null && "config" in data;
  return isClean ? cleanRules(check(CleanSchema, data)) : ownRules(check(OwnSchema, data));
}

function check<T extends v.GenericSchema>(schema: T, data: unknown): v.InferOutput<T> {
  const result = v.safeParse(schema, data);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue) ?? "it";
  const isOurs = !issue.message.startsWith("Invalid");
  throw new RulesError(
    `${path}: ${isOurs ? issue.message : `must be ${issue.expected ?? "something else"}`}`,
  );
}

function ownRules({ rules }: v.InferOutput<typeof OwnSchema>): Pattern[] {
  const names = new Set<string>();
  return rules.map(({ name, pattern, keep = [], target = "all" }, i) => {
    if (names.has(name)) throw new RulesError(`rules.${i}.name: ${name} is there twice`);
    names.add(name);
    return made(name, pattern, [keep].flat(), target, `rules.${i}`);
  });
}

const TARGETS = { FilePath: "name", FileContents: "content", All: "all" } as const;

function cleanRules({ config }: v.InferOutput<typeof CleanSchema>): Pattern[] {
  return config.obfuscate.flatMap((item, i): Pattern[] => {
    const target = TARGETS[item.target ?? "FileContents"];
    const where = `config.obfuscate.${i}`;
    switch (item.type) {
      case "IP":
        return [{ ...IPS, target }];
      case "MAC":
        return [{ ...MACS, target }];
      case "Domain":
        return [{ ...domains(item.domainNames), target }];
      case "Regex":
        return [made(`regex-${i + 1}`, item.regex, [], target, where)];
      case "Keywords":
        return Object.keys(item.replacement).map((word) =>
          made(`keyword-${i + 1}`, `\\b${RE2JS.quote(word)}\\b`, [], target, where)
        );
      case "Exact":
        return item.exactReplacements.map(({ original }) =>
          made(`exact-${i + 1}`, RE2JS.quote(original), [], target, where)
        );
    }
  });
}

function made(
  name: string,
  pattern: string,
  keep: readonly (string | number)[],
  target: Pattern["target"],
  where: string,
): Pattern {
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(Buffer.from(pattern).toString("latin1")); // as the text is: a byte a character
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/:? ?`.*$/s, "") : "";
    throw new RulesError(`${where}: its pattern is none of RE2, the syntax of Go (${why})`);
  }
  if (compiled.programSize() > LARGEST_PROGRAM) {
    throw new RulesError(`${where}: its pattern is too large`);
  }
  if (compiled.test("")) {
    throw new RulesError(`${where}: its pattern matches nothing at all; it must name something`);
  }
  for (const each of keep) {
    const has = typeof each === "number"
      ? each <= compiled.groupCount()
      : each in compiled.namedGroups();
    if (!has) throw new RulesError(`${where}.keep: its pattern has no group ${each}`);
  }
  return { name, target, find: (text) => find(compiled, keep, text) };
}

/** Line by line, so that a pattern never takes in two lines. */
function* find(pattern: RE2JS, keep: readonly (string | number)[], text: string): Generator<Span> {
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    const line = text.slice(start, text[end - 1] === "\r" ? end - 1 : end);
    const matcher = pattern.matcher(line);
    while (matcher.find()) {
      let from = matcher.start();
      const kept = keep.map((each): Span => [matcher.start(each), matcher.end(each)])
        .filter(([at]) => at >= 0).sort(([one], [other]) => one - other);
      for (const [keptFrom, keptTo] of kept) {
        if (keptFrom > from) yield [start + from, start + keptFrom];
        from = Math.max(from, keptTo);
      }
      if (matcher.end() > from) yield [start + from, start + matcher.end()];
    }
    start = end + 1;
  }
}
