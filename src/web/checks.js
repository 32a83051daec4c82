/**
 * What the options of a gather may be, checked as they are typed. The service has the last word: these are the rules of its
 * `src/schema/options.ts`, and a test compares the two.
 */

const LABEL = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?";
const DNS = `${LABEL}(?:\\.${LABEL})*`;
const DOMAIN = "[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?";
const PART = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const TAG = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
const IMAGE = new RegExp(
  `^(?:(?:${DOMAIN}(?:\\.${DOMAIN})*|\\[[0-9A-Fa-f:]+\\])(?::[0-9]{1,5})?/)?${PART}(?:/${PART})*(?::${TAG})?` +
    "(?:@[A-Za-z][A-Za-z0-9+._-]{0,63}:[0-9A-Fa-f]{32,128})?$",
);
const STREAM = new RegExp(`^${LABEL}/${DNS}(?::${TAG})?$`);
const NODE = new RegExp(`^${DNS}$`);
const FOLDER = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9_.+@=,-]+)+\/?$/;
const DURATION = /^\+?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

const list = (isOne, wanted) => (text) =>
  text.split(",").map((each) => each.trim()).filter(Boolean).every(isOne) ? "" : wanted;
const duration = (text) =>
  text.length <= 100 && DURATION.test(text) && /[1-9]/.test(text)
    ? ""
    : "A duration above zero, such as 20m, 1h30m or 90s";

/** By key: gives `""` for a value that is good, else what it should be. Empty values are unset and never asked about. */
export const CHECKS = {
  "custom-name": (text) =>
    new TextEncoder().encode(text).length > 256
      ? "At most 256 bytes"
      : /\p{Cc}/u.test(text)
      ? "No control characters"
      : "",
  "image": list(
    (text) => text.length <= 512 && IMAGE.test(text),
    "An image reference such as quay.io/org/name:tag",
  ),
  "image-stream": list(
    (text) => text.length <= 512 && STREAM.test(text),
    "An image stream such as openshift/must-gather:latest",
  ),
  "node-name": (text) =>
    text.length <= 253 && NODE.test(text) ? "" : "The name of a node (a DNS name)",
  "source-dir": (text) =>
    text.length <= 512 && FOLDER.test(text) ? "" : "An absolute folder such as /must-gather/",
  "timeout": duration,
  "since": duration,
  "since-time": (text) =>
    TIME.test(text) && !Number.isNaN(Date.parse(text)) ? "" : "A time such as 2026-01-02T15:04:05Z",
  "volume-percentage": (text) =>
    /^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= 100
      ? ""
      : "A whole number from 1 to 100",
  "namespace": (text) =>
    text.length <= 63 && new RegExp(`^${LABEL}$`).test(text)
      ? ""
      : "A namespace: small letters, digits and -",
  "command": (text) => {
    const bad = /[^A-Za-z0-9_\-~/:.=@,+% ()'"#&|;<>*?[\]{}!]/u.exec(text)?.[0];
    return bad === undefined
      ? ""
      : `May not hold ${bad.trim() === "" ? "this kind of blank" : bad}`;
  },
};

/** What cannot be asked for together. */
export const EXCLUSIONS = [
  ["node-name", "node-selector"],
  ["since", "since-time"],
  ["all-images", "image"],
  ["all-images", "image-stream"],
  ["all-images", "node-name"],
  ["all-images", "host-network"],
];

/**
 * The command of a gather for a plan, a VM or a namespace, as the Forklift UI writes it; without a namespace the service looks the
 * name up.
 */
export function targetedCommand({ namespace, plan, vm }) {
  return [
    namespace && `NS=${namespace}`,
    plan && `PLAN=${plan}`,
    vm && `VM=${vm}`,
    "/usr/bin/targeted",
  ].filter(Boolean).join(" ");
}
