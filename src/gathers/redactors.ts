/** What takes the secrets out of a gather, for those that asked for it. */
import { hosts, IPS, MACS } from "../redact/addresses.ts";
import { createRules, Redactor } from "../redact/redactor.ts";
import type { RuleSet } from "../redact/rules.ts";
import { readRules } from "../redact/rules-file.ts";
import type { Entry } from "./entry.ts";

/** @param rulesFile text of the service's own rules, checked; `""` for none */
export function createRedactors(rulesFile: string): (entry: Entry) => Redactor | undefined {
  const own = rulesFile === "" ? [] : readRules(rulesFile);
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
