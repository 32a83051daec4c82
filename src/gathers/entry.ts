/** One gather as the journal keeps it: plain data, written as JSON. Never a token, never output. */
import * as v from "valibot";
import {
  ReasonSchema,
  RedactionSchema,
  StatusSchema,
  TransitionSchema,
  VerdictSchema,
} from "../schema/record.ts";
import type { GatherRequest } from "../schema/request.ts";
import { JOURNAL_VERSION } from "./journal.ts";

/** How many steps of a machine are kept; it takes some ten, and copying may add none. */
export const MOST_TRANSITIONS = 100;

/** How many objects in the cluster are kept of one oc, which makes two. */
export const MOST_MADE = 20;

const text = v.string();
const time = v.nullable(text);

/** An object in the cluster that this oc said it created. */
const MadeSchema = v.pipe(
  v.strictObject({
    kind: v.picklist(["namespace", "clusterrolebinding"]),
    /** As oc makes them; nothing else is ever deleted. */
    name: v.pipe(text, v.regex(/^(?:openshift-)?must-gather-[a-z0-9]{5}$/)),
    /** oc said it deleted it, or the API server took our deletion. */
    deleted: v.boolean(),
    /** It was looked for after that, and is not there any more. */
    gone: v.boolean(),
  }),
  v.check(
    ({ kind, name }) => name.startsWith("openshift-") === (kind === "namespace"),
    "oc gives no such name",
  ),
);

const ArchiveSchema = v.strictObject({
  /** The name that a download has. */
  name: text,
  /** The file in the gather's folder. */
  file: v.picklist(["archive", "archive.zip", "archive.tar.gz"]),
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  digest: text,
  partial: v.boolean(),
  /** Not in journals from before there was one. */
  verdict: v.optional(v.nullable(VerdictSchema)),
});

const RequestSchema = v.looseObject({
  customName: text,
  images: v.array(text),
  imageStreams: v.array(text),
  command: text,
  commandLine: text,
  sourceDir: text,
  timeout: text,
  timeoutMs: v.number(),
  server: text,
  nodeName: text,
});

/** What a journal file holds. A file of an older version is brought to this form by {@linkcode checkEntry}. */
const EntrySchema = v.strictObject({
  version: v.literal(JOURNAL_VERSION),
  id: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  createdAt: text,
  updatedAt: text,
  startedAt: time,
  finishedAt: time,
  request: v.custom<GatherRequest>((data) => v.is(RequestSchema, data)),
  /** The command with what was looked up in the cluster, where that is another than was sent. */
  resolved: v.optional(v.strictObject({ command: text, commandLine: text })),
  /** A sentence on what was looked up and not found; stands in the message. */
  note: v.optional(text),
  status: StatusSchema,
  /** The machine's full state, e.g. `inprogress.packing`. */
  state: text,
  reason: ReasonSchema,
  message: text,
  exitCode: v.nullable(v.number()),
  lines: v.number(),
  bytes: v.number(),
  archive: v.nullable(ArchiveSchema),
  /** What was taken out of the archive. */
  redaction: v.optional(RedactionSchema),
  /** The name of an archive that was removed to make room, or did not outlive the container: the record still shows it. */
  formerArchiveName: v.optional(text),
  made: v.pipe(v.array(MadeSchema), v.maxLength(MOST_MADE)),
  leftovers: v.array(text),
  /** The running oc, so that a later life of the service can end it. */
  process: v.nullable(v.strictObject({ pid: v.number(), start: text })),
  transitions: v.pipe(v.array(TransitionSchema), v.maxLength(MOST_TRANSITIONS)),
  /** The machine's snapshot while it is live; what boot does with it depends on its state. */
  snapshot: v.nullable(v.record(text, v.unknown())),
  /** It is to be purged when it has ended. */
  purge: v.optional(v.boolean()),
  /** Whose `Idempotency-Key` made it (hashed), with what request. */
  idempotency: v.nullable(v.strictObject({ key: text, fingerprint: text })),
});

/** See {@link EntrySchema}. */
export type Entry = v.InferOutput<typeof EntrySchema>;

/** See {@link MadeSchema}. */
export type Made = v.InferOutput<typeof MadeSchema>;

/** What is known of an archive. */
export type Archive = v.InferOutput<typeof ArchiveSchema>;

/** Gives a journal file's data as an entry, or throws with what is wrong with it. */
export function checkEntry(data: unknown): Entry {
  const version = (data as { version?: unknown } | null)?.version;
  if (typeof version === "number" && version > JOURNAL_VERSION) {
    throw new TypeError(
      `Cannot read version ${version}: this service knows up to ${JOURNAL_VERSION}`,
    );
  }
  const result = v.safeParse(EntrySchema, data);
  if (result.success) return result.output;
  throw new TypeError(
    `Cannot use ${v.getDotPath(result.issues[0]) ?? "it"}: ${result.issues[0].message}`,
  );
}

/** A gather that was just asked for. */
export function newEntry(
  id: number,
  createdAt: string,
  request: GatherRequest,
  idempotency: Entry["idempotency"],
  { resolved, note = "" }: Pick<Entry, "resolved" | "note"> = {},
): Entry {
  return {
    version: JOURNAL_VERSION,
    id,
    createdAt,
    updatedAt: createdAt,
    startedAt: null,
    finishedAt: null,
    request,
    ...(resolved && { resolved: { ...resolved } }),
    ...(note && { note }),
    status: "new",
    state: "new",
    reason: "",
    message: "",
    exitCode: null,
    lines: 0,
    bytes: 0,
    archive: null,
    made: [],
    leftovers: [],
    process: null,
    transitions: [],
    snapshot: null,
    idempotency,
  };
}

/** Whether a gather has ended for good. */
export function hasEnded({ status }: Pick<Entry, "status">): boolean {
  return status === "completed" || status === "error";
}
