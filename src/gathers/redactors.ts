/** What takes the secrets out of a gather, for those that asked for it. */
import { ConfigError } from "../config/environment.ts";
import { hosts, IPS, MACS } from "../redact/addresses.ts";
import type { Pattern } from "../redact/patterns.ts";
import { createRules, Redactor } from "../redact/redactor.ts";
import type { RuleSet } from "../redact/rules.ts";
import type { Entry } from "./entry.ts";

/**
 * Reads the service's own rules. Rejects with a `ConfigError` for those that cannot be used.
 *
 * @param rulesFile their text; `""` for none
 */
export async function createRedactors(
  rulesFile: string,
): Promise<(entry: Entry) => Redactor | undefined> {
  const own = rulesFile === "" ? [] : await readOwn(rulesFile);
  let rules: RuleSet | undefined;
  return ({ request: { redact } }) => {
    if (!redact) return undefined;
    rules ??= createRules();
    return new Redactor(rules, [
      ...own,
      ...(redact.ips ? [IPS, MACS] : []),
      ...(redact.hosts ? [hosts()] : []),
    ]);
  };
}

async function readOwn(text: string): Promise<Pattern[]> {
  const { readRules, RulesError } = await import("../redact/rules-file.ts"); // with its parser of patterns
  try {
    return readRules(text);
  } catch (error) {
    if (!(error instanceof RulesError)) throw error;
    throw new ConfigError("REDACT_RULES", "the file", `rules, but ${error.message}`);
  }
}
