import * as v from "valibot";
import { parseDuration } from "../duration.ts";
import {
  isImage,
  isImageStream,
  isNodeName,
  isNodeSelector,
  isPodFolder,
  isPrintable,
  isTime,
} from "./grammar.ts";

/** Most images, and most image streams, of one gather: each is a pod, and oc runs four at a time. */
const MOST_IMAGES = 20;

/** Most words of a command. */
const MOST_WORDS = 256;

const text = v.string("must be a string");
const percentage = "must be an integer from 1 to 100";

/** The parts of a list written with commas; blanks around them and empty ones are dropped. */
export function splitList(value: string | readonly string[]): string[] {
  return [value].flat().flatMap((part) => part.split(",")).map((part) => part.trim()).filter(
    Boolean,
  );
}

const listOf = (isOne: (text: string) => boolean, wanted: string) =>
  v.pipe(
    v.union([v.string(), v.array(v.string())], "must be a string or an array of strings"),
    v.transform((value) => splitList(value)),
    v.maxLength(MOST_IMAGES, `may name at most ${MOST_IMAGES}`),
    v.everyItem(isOne, wanted),
  );

const duration = v.pipe(
  text,
  v.check(
    (value) => (parseDuration(value) ?? 0) > 0,
    "must be a duration above zero, such as 20m, 1h30m or 90s",
  ),
);

/** As Go's `strconv.ParseBool`, and what HTML forms send. */
const flag = v.pipe(
  v.union([
    v.boolean(),
    v.pipe(
      v.string(),
      v.regex(/^(?:1|t|true|yes|on|0|f|false|no|off)$/i, "must be true or false"),
    ),
  ], "must be true or false"),
  v.transform((value) => typeof value === "boolean" ? value : /^(?:1|t|true|yes|on)$/i.test(value)),
);

/** What goes out of an archive besides secrets. */
const Redact = v.union([
  flag,
  v.pipe(
    v.custom<object>((value) => typeof value === "object" && !Array.isArray(value)),
    v.strictObject({ ips: v.optional(flag), hosts: v.optional(flag) }),
  ),
], "must be true, or an object of ips and hosts");

/**
 * What a POST may set, by the names clients use. Values that are null or empty are taken out before: they are unset.
 * No message here repeats a value.
 */
export const RequestSchema = v.object({
  "custom-name": v.optional(v.pipe(
    text,
    v.maxBytes(256, "must be at most 256 bytes"),
    v.check(isPrintable, "must hold no control characters"),
    v.description("A name to find the gather by; need not be unique"),
  )),
  "image": v.optional(v.pipe(
    listOf(isImage, "must be an image reference such as quay.io/org/name:tag"),
    v.description("Must-gather images: one, several with commas, or an array"),
  )),
  "image-stream": v.optional(v.pipe(
    listOf(isImageStream, "must be an image stream such as openshift/must-gather:latest"),
    v.description(
      "Image streams that hold must-gather images: one, several with commas, or an array",
    ),
  )),
  "node-name": v.optional(v.pipe(
    text,
    v.check(isNodeName, "must be the name of a node (a DNS name)"),
    v.description("The node to run on"),
  )),
  "command": v.optional(v.pipe(
    v.union([v.string(), v.array(v.string())], "must be a string or an array of words"),
    v.check(
      (value) => typeof value === "string" || value.length <= MOST_WORDS,
      "has too many words",
    ),
    v.description(
      "What runs in the pod instead of the image's own script: one text, or an array of words",
    ),
  )),
  "source-dir": v.optional(v.pipe(
    text,
    v.check(
      isPodFolder,
      "must be an absolute folder of letters, digits and _ . + @ = , - such as /must-gather/",
    ),
    v.description("The folder of the pod that is fetched"),
  )),
  "timeout": v.optional(v.pipe(duration, v.description("How long the gather may take"))),
  "server": v.optional(v.pipe(
    text,
    v.maxLength(2048, "must be at most 2048 characters"),
    v.check(isPrintable, "must hold no control characters"),
    v.description("The API server's URL; one that the service's configuration knows"),
  )),
  "all-images": v.optional(v.pipe(flag, v.description("Run the images of all operators"))),
  "node-selector": v.optional(v.pipe(
    text,
    v.check(isNodeSelector, "must be a label selector such as node-role.kubernetes.io/worker="),
    v.description("The nodes to run on, by label"),
  )),
  "host-network": v.optional(v.pipe(flag, v.description("Run on the node's own network"))),
  "since": v.optional(v.pipe(duration, v.description("Only logs newer than this duration"))),
  "since-time": v.optional(v.pipe(
    text,
    v.check(isTime, "must be a time of RFC 3339 such as 2026-01-02T15:04:05Z"),
    v.description("Only logs after this time"),
  )),
  "volume-percentage": v.optional(v.pipe(
    v.union([
      v.number(),
      v.pipe(v.string(), v.regex(/^\d{1,3}$/, percentage), v.transform(Number)),
    ], percentage),
    v.integer(percentage),
    v.minValue(1, percentage),
    v.maxValue(100, percentage),
    v.description("How much of the pod's volume may be used, in per cent"),
  )),
  "redact": v.optional(v.pipe(
    Redact,
    v.description(
      "Take secrets out of the archive and the output; {ips: true, hosts: true} takes addresses and host names too",
    ),
  )),
});

/** What a POST may hold. */
export type GatherBody = v.InferInput<typeof RequestSchema>;

/** A key that a POST may set. */
export type RequestKey = keyof typeof RequestSchema.entries;

/** Every key that a POST may set. */
export const REQUEST_KEYS = Object.keys(RequestSchema.entries) as readonly RequestKey[];

/** What a body or a query brought, not yet checked: the keys a POST may set and nothing else. */
export type RawGatherRequest = Readonly<Partial<Record<RequestKey, unknown>>>;
