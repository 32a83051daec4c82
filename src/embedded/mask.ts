/** What stands in place of a secret. */
const MASK = "***";

/**
 * A name that promises a secret, such as `--admin-token`, `DB_PASSWORD`, `client-secret`. It starts where a word starts and
 * is bounded on both sides, so that a line of any length is read in linear time.
 */
const NAME =
  "[\\w.-]{0,60}?(?:token|passw(?:or)?d|passphrase|passcode|secret|api[-_]?key|access[-_]?key|" +
  "private[-_]?key|fastopen_key|credential|authorization|cookie)[\\w.-]{0,40}";

const WORD_STARTS = "(?<![\\w.-])";

/** The rules, in order: an expression and what it leaves of what it finds. */
const RULES: readonly (readonly [RegExp, string])[] = [
  // A PEM private key; one that is cut off is masked to the end.
  [
    /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g,
    MASK,
  ],
  // JSON: "token": "…"
  [
    new RegExp(`("${NAME}"\\s{0,9}:\\s{0,9})(?:"(?:[^"\\\\\\n]|\\\\.)*"|[^\\s,{}\\[\\]"]+)`, "gi"),
    `$1"${MASK}"`,
  ],
  // Authorization: Bearer …, Cookie: a=b; c=d: the rest of the line.
  [/((?<![\w-])(?:proxy-)?(?:authorization|(?:set-)?cookie):[ \t]*)[^\r\n'"]+/gi, `$1${MASK}`],
  // token=…, password: …, also quoted
  [
    new RegExp(
      `(${WORD_STARTS}-{0,2}${NAME}[\\\\"']{0,4}[ \\t]{0,3}[=:][ \\t]{0,3})(?!"[*]{3}")` +
        `(?:\\\\"[^"\\\\\\n]*\\\\"|"[^"\\n]*"|'[^'\\n]*'|[^\\s"']\\S*|["']\\S*)`,
      "gi",
    ),
    `$1${MASK}`,
  ],
  // --token …
  [
    new RegExp(
      `(${WORD_STARTS}--?${NAME}[ \\t]+)(?!--)(?:"[^"\\n]*"|'[^'\\n]*'|\\S+)`,
      "gi",
    ),
    `$1${MASK}`,
  ],
  // https://user:password@host, and https://a-long-token@host
  [/(:\/\/[^\s/:@'"]{0,256}:)[^\s/'"]{1,512}@/g, `$1${MASK}@`],
  [/(:\/\/)[^\s/:@'"]{20,512}@/g, `$1${MASK}@`],
  // curl -u user:password
  [/((?<!\S)(?:-u\s{0,3}|--(?:proxy-)?user[= ])[^\s:]{1,64}:)\S+/g, `$1${MASK}`],
  // sshpass -p …, mysql -p…, redis-cli -a …
  [/(\b(?:sshpass|mysql\w{0,20}|mariadb[\w-]{0,20})\b[^\n]{0,500}?\s-p)\s?\S+/g, `$1${MASK}`],
  [/(\bredis-cli\b[^\n]{0,500}?\s-a)\s?\S+/g, `$1 ${MASK}`],
  // Tokens known by their look: HTTP schemes, JWT, OpenShift, GitHub, GitLab, Slack.
  [/\b(Bearer|Basic|Negotiate)\s+[\w.~+/=-]{16,}/gi, `$1 ${MASK}`],
  [/\beyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*)?/g, MASK],
  [/\b(?:sha256~|gh[pousr]_|github_pat_|glpat-|xox[abprs]-)[\w-]{16,}/g, MASK],
];

/**
 * Puts {@linkcode MASK} in place of what looks like a secret: values of flags, variables and JSON keys whose names promise
 * one, passwords in URLs, authorization headers, private keys, and tokens known by their look.
 *
 * It knows only looks: a secret that looks like any other word stays.
 */
export function maskSecrets(text: string): string {
  return RULES.reduce((masked, [pattern, left]) => masked.replace(pattern, left), text);
}

const SECRET_FLAG = new RegExp(`^--?${NAME}$`, "i");
const SECRET_VALUE = new RegExp(`^(-{0,2}${NAME}=)[\\s\\S]*$`, "i");

/**
 * Masks the arguments of a process and gives them as one line. With the arguments apart a secret with blanks in it is
 * masked to its end, which the line that `ps` prints does not allow.
 */
export function maskArguments(args: readonly string[]): string {
  const masked = args.map((arg, at) => {
    if (SECRET_FLAG.test(args[at - 1] ?? "") && !arg.startsWith("--")) return MASK;
    return arg.replace(SECRET_VALUE, `$1${MASK}`);
  });
  // deno-lint-ignore no-control-regex
  return maskSecrets(masked.join(" ")).replace(/[\x00-\x1f\x7f]+/g, " ");
}
