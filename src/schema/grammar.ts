/**
 * The grammars of values that go into oc's command line, a pod or a URL. Each says whether a text is one; none is
 * slower than linear. None lets a text begin with `-` or hold a blank, a quote or a control character, save where
 * told.
 */

/** One label of a DNS name (RFC 1123): what Kubernetes calls namespaces and parts of node names. */
const DNS_LABEL = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?";
const DNS_NAME = `${DNS_LABEL}(?:\\.${DNS_LABEL})*`;

const DOMAIN = "[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?";
const PATH_PART = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const TAG = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";

const REGISTRY = `(?:${DOMAIN}(?:\\.${DOMAIN})*|\\[[0-9A-Fa-f:]+\\])(?::[0-9]{1,5})?`;
const DIGEST = "[A-Za-z][A-Za-z0-9+._-]{0,63}:[0-9A-Fa-f]{32,128}";
const IMAGE = new RegExp(
  `^(?:${REGISTRY}/)?${PATH_PART}(?:/${PATH_PART})*(?::${TAG})?(?:@${DIGEST})?$`,
);

/** An image reference as registries read it: `registry:5000/path/name:tag@sha256:…`; at most 512 characters. */
export function isImage(text: string): boolean {
  return text.length <= 512 && IMAGE.test(text);
}

/** Longest name of an image, registry and path without tag and digest, that oc reads: docker's own bound. */
const IMAGE_NAME_LENGTH = 255;

/** Hexadecimal digits of the digests that docker knows. */
const DIGEST_LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/**
 * Why oc could not read an image reference, for a person; `undefined` for one that it can. Stricter than {@linkcode isImage},
 * and asked of the service's own default too.
 */
export function badImage(text: string): string | undefined {
  if (!isImage(text)) {
    return "oc cannot read this reference; it should be such as quay.io/org/name:tag, its path in small letters";
  }
  const [tagged = "", digest] = text.split("@");
  const name = tagged.replace(/:[^/:]*$/, "");
  if (name.length > IMAGE_NAME_LENGTH) {
    return `the name is longer than the ${IMAGE_NAME_LENGTH} characters that oc reads`;
  }
  if (/^[0-9a-f]{64}$/.test(name)) return "a name of 64 hexadecimal digits is taken for an id";
  if (digest === undefined) return undefined;
  const [algorithm = "", value = ""] = digest.split(":");
  const length = DIGEST_LENGTHS[algorithm];
  return length === undefined || !/^[0-9a-f]*$/.test(value) || value.length !== length
    ? "the digest is none that registries use; it should be sha256: and 64 small hexadecimal digits"
    : undefined;
}

const IMAGE_STREAM = new RegExp(`^${DNS_LABEL}/${DNS_NAME}(?::${TAG})?$`);

/** An image stream as oc wants it, `namespace/name:tag`; at most 512 characters. */
export function isImageStream(text: string): boolean {
  return text.length <= 512 && IMAGE_STREAM.test(text);
}

const NODE = new RegExp(`^${DNS_NAME}$`);

/** The name of a node: a DNS name of at most 253 characters. */
export function isNodeName(text: string): boolean {
  return text.length <= 253 && NODE.test(text);
}

const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?";
const LABEL_KEY = `(?:(?:${DNS_NAME})/)?${LABEL}`;
// Blanks are taken in one place only: two that may both take them would make a bad selector exponentially slow.
const REQUIREMENT = [
  `(?:! *)?${LABEL_KEY}`,
  `${LABEL_KEY} *(?:==?|!=)(?: *${LABEL})?`,
  `${LABEL_KEY} *[<>] *[0-9]{1,18}`,
  `${LABEL_KEY} +(?:not)?in *\\( *(?:${LABEL} *)?(?:, *(?:${LABEL} *)?)*\\)`,
].join("|");
const SELECTOR = new RegExp(`^ *(?:${REQUIREMENT})(?: *, *(?:${REQUIREMENT}))* *$`);

/** A label selector (`key`, `!key`, `key=value`, `key in (a, b)`, `key>1`, with commas between); at most 1,024. */
export function isNodeSelector(text: string): boolean {
  return text.length <= 1024 && SELECTOR.test(text);
}

/**
 * An absolute folder in a pod, at most 512 characters, without `.` and `..` as parts.
 *
 * Stricter than a file system: oc writes it unquoted into a script that bash runs in the pod.
 */
export function isPodFolder(text: string): boolean {
  return text.length <= 512 && /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9_.+@=,-]+)+\/?$/.test(text);
}

const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:Z|[+-](\d\d):(\d\d))$/;

/** A time as Go reads RFC 3339 (`2026-01-02T15:04:05Z`, `…+02:00`): capital letters, no leap second, real dates. */
export function isTime(text: string): boolean {
  const parts = RFC_3339.exec(text)?.slice(1).map((part) => Number(part ?? 0));
  if (!parts) return false;
  const [
    year = 0,
    month = 0,
    day = 0,
    hour = 0,
    minute = 0,
    second = 0,
    zoneHour = 0,
    zoneMinute = 0,
  ] = parts;
  const lastDay = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate(); // 400 years: the calendar repeats
  return month >= 1 && month <= 12 && day >= 1 && day <= lastDay && hour <= 23 && minute <= 59 &&
    second <= 59 && zoneHour <= 23 && zoneMinute <= 59;
}

/** Text that may stand in a log line, a header and a file's name: well-formed, no control characters. */
export function isPrintable(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}
