/** All rules, and the texts that call them. */
import { encodedSecret, encodedTexts } from "./encoded.ts";
import { keyValue, namedValue } from "./key-values.ts";
import { KEY_TEXTS } from "./keys.ts";
import type { Manifests } from "./manifests.ts";
import {
  azureSecret,
  basic,
  bearer,
  commandPassword,
  jwt,
  ownToken,
  privateKey,
  shaped,
  SHAPES,
  urlPassword,
} from "./tokens.ts";
import { buildTriggers, type Trigger, type Triggers } from "./triggers.ts";
import type { Answer, Next, Window } from "./window.ts";

/** Is called behind its text. */
export type Rule = (w: Window, manifests: Manifests) => Answer | Next;

/** What a scanner works with; made once, used for all files. */
export interface RuleSet {
  triggers: Triggers;
  rules: readonly Rule[];
}

/** What is looked for besides the rules that are always there. */
export interface Extra {
  text: string;
  exact?: boolean;
  rule: Rule;
}

/** Makes the rules that are built in, and `extras`. */
export function makeRules(
  holds: ((decoded: Buffer) => boolean) | undefined,
  extras: readonly Extra[] = [],
): RuleSet {
  const rules: Rule[] = [];
  const texts: Trigger[] = [];
  const add = (rule: Rule, all: readonly string[], exact = false) => {
    for (const text of all) texts.push({ text, exact, rule: rules.length });
    rules.push(rule);
  };
  add(ownToken, ["<redacted:"], true);
  // Of two rules whose texts end at one place the longer text's is asked first.
  add((w, manifests) => manifests.line(w), ["\n"]);
  add((w, manifests) => manifests.kind(w), ["kind"], true);
  add((w, manifests) => manifests.data(w), ["data"]);
  add(keyValue, KEY_TEXTS);
  add(namedValue, ["value"]);
  add(bearer, ["bearer"]);
  add(basic, ["basic"]);
  add(jwt, ["eyJ"], true);
  add(azureSecret, ["Q~"], true);
  add(urlPassword, ["://", "%3A%2F%2F"]);
  add(privateKey, ["-----BEGIN"], true);
  add(commandPassword, [" -u", "--user", "-user", "sshpass -p"], true);
  for (const shape of SHAPES) add(shaped(shape), [shape.begins], true);
  if (holds) {
    for (const encoded of encodedTexts()) {
      add(encodedSecret(encoded, holds), [encoded.text], true);
    }
  }
  for (const { text, exact, rule } of extras) add(rule, [text], exact);
  return { triggers: buildTriggers(texts), rules };
}
