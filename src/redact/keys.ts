/** Which names say that what follows them is secret. */

/** Texts that stand in such names; a name with one of them is looked at in whole. */
export const KEY_TEXTS: readonly string[] = [
  "password",
  "passwd",
  "passphrase",
  "passcode",
  "pwd",
  "secret",
  "token",
  "apikey",
  "api_key",
  "api-key",
  "api.key",
  "accesskey",
  "access_key",
  "access-key",
  "privatekey",
  "private_key",
  "private-key",
  "accountkey",
  "account_key",
  "sharedkey",
  "shared_key",
  "encryptionkey",
  "encryption_key",
  "encryption-key",
  "signingkey",
  "signing_key",
  "signing-key",
  "masterkey",
  "master_key",
  "key-data",
  "keydata",
  "key_data",
  "credential",
  "authorization",
  "cookie",
  "jsessionid",
  "vmware_soap_session",
  "vmware-api-session-id",
  "signature",
  "pass",
  "auth",
  "sig",
];

/** By the last word of a name, or the end of it: which rule. */
const ENDINGS: readonly (readonly [ending: string, rule: string])[] = [
  ["password", "password"],
  ["passwd", "password"],
  ["passphrase", "password"],
  ["passcode", "password"],
  ["secretaccesskey", "aws-key"],
  ["storageaccountkey", "azure-key"],
  ["accountkey", "azure-key"],
  ["sharedaccesskey", "azure-key"],
  ["apikey", "api-key"],
  ["accesskey", "api-key"],
  ["secretkey", "secret"],
  ["privatekey", "private-key"],
  ["clientkeydata", "private-key"],
  ["sharedkey", "secret"],
  ["encryptionkey", "secret"],
  ["signingkey", "secret"],
  ["masterkey", "secret"],
  ["secret", "secret"],
  ["token", "token"],
  ["credential", "secret"],
  ["credentials", "secret"],
  ["authorization", "authorization"],
  ["cookie", "cookie"],
  ["jsessionid", "session"],
  ["vmwaresoapsession", "session"],
  ["vmwareapisessionid", "session"],
];

/** Only as a whole word: `bypass` and `oauth` are none. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ["pwd", "password"],
  ["pass", "password"],
  ["userpass", "password"],
  ["auth", "auth"],
  ["sig", "signature"],
  ["signature", "signature"],
]);

/** Words that change nothing at the end of a name. */
const SUFFIX =
  /(?:value|plain|plaintext|base64|b64|encoded|encrypted|raw|text|string|hash|digest|old|new|current|previous|data|\d+)$/;

/** Looked at names are kept, so that the same one in every line costs a look into a map. */
const MOST_KNOWN = 4096;
const known = new Map<string, string | undefined>();

/** The rule of a name; undefined where it says nothing of a secret: `secretName`, `tokenExpirationSeconds`. */
export function ruleOfKey(name: string): string | undefined {
  if (known.has(name)) return known.get(name);
  if (known.size >= MOST_KNOWN) known.clear();
  const rule = judge(name);
  known.set(name, rule);
  return rule;
}

function judge(name: string): string | undefined {
  const words = name.replace(/([a-z\d])([A-Z])/g, "$1_$2").replace(/([A-Z]+)([A-Z][a-z])/g, "$1_$2")
    .toLowerCase().split(/[^a-z\d]+/).filter((word) => word !== "");
  const joined = words.join("");
  if (name === "PWD" || name === "OLDPWD") return undefined; // a shell's folder
  while (words.length > 1 && SUFFIX.test(words.at(-1) as string) && !joined.endsWith("keydata")) {
    words.pop();
  }
  const text = words.join("");
  for (const [ending, rule] of ENDINGS) if (text.endsWith(ending)) return rule;
  return WORDS.get(words.at(-1) ?? "");
}
