import * as v from "valibot";

/** Newest output of oc in one record, in bytes of UTF-8. */
export const EXEC_OUTPUT_BYTES = 64 * 1024;

/** The same in the list, which every client polls. */
export const LIST_EXEC_OUTPUT_BYTES = 1024;

/** The life of a gather as clients know it. A fifth value makes the UI poll for ever. */
export const StatusSchema = v.picklist(["new", "inprogress", "completed", "error"]);

/** Why a gather ended in `error`; `""` unless it did. */
export const ReasonSchema = v.picklist([
  "",
  "cancelled",
  "timeout",
  "disk-full",
  "interrupted",
  "failed",
  "no-data",
]);

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** One width and one zone, so that clients may sort times as strings. */
const time = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
);

/** How far a gather has come. */
export const ProgressSchema = v.strictObject({
  "phase": v.string(),
  "percent": v.pipe(
    v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(100))),
    v.description("null where nothing is known"),
  ),
  "lines": v.pipe(count, v.description("lines oc has printed")),
  "bytes": v.pipe(count, v.description("bytes fetched so far")),
  "queue-position": v.pipe(
    v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
    v.description("1 is next; null once it has started"),
  ),
  "eta": v.pipe(
    v.nullable(time),
    v.description("when it is expected to end; null where not known"),
  ),
});

const verdictCount = (what: string) => v.pipe(count, v.description(what));

/** What reading an archive back found. */
export const VerdictSchema = v.strictObject({
  "entries": verdictCount("files, folders and links in the archive"),
  "files": count,
  "bytes": verdictCount("of all files, unpacked"),
  "empty-files": count,
  "error-files": v.pipe(
    v.strictObject({ "count": count, "paths": v.pipe(v.array(v.string()), v.maxLength(20)) }),
    v.description("files that hold nothing but an error of oc; the first 20 are named"),
  ),
  "missing": v.pipe(
    v.array(v.string()),
    v.description("folders that a must-gather image makes, and one here did not"),
  ),
});

const named = v.pipe(v.array(v.string()), v.maxLength(100));

/** What was taken out of an archive. Never a value. */
export const RedactionSchema = v.strictObject({
  "rules": v.pipe(v.record(v.string(), count), v.description("values that went out, by rule")),
  "values": count,
  "distinct": v.pipe(count, v.description("those of them that were different")),
  "files": v.pipe(
    v.strictObject({
      "count": count,
      "paths": v.pipe(
        v.array(v.strictObject({ "path": v.string(), "values": count })),
        v.maxLength(100),
      ),
    }),
    v.description("files in which values were; the 100 with the most are named"),
  ),
  "binary": v.pipe(
    v.strictObject({ "count": count, "paths": named }),
    v.description("files that are no text and passed as they are; the first 100 are named"),
  ),
  "left-out": v.pipe(
    v.strictObject({
      "count": count,
      "paths": v.pipe(
        v.array(v.strictObject({ "path": v.string(), "why": v.string() })),
        v.maxLength(100),
      ),
    }),
    v.description("archives that could not be opened and are not in it; the first 100 are named"),
  ),
  "residue": v.pipe(
    v.strictObject({ "count": count, "paths": named }),
    v.description("files in which a rule still found something; the gather is an error then"),
  ),
});

/** One step of the machine. */
export const TransitionSchema = v.strictObject({
  "at": time,
  "event": v.string(),
  "from": v.string(),
  "to": v.string(),
});

const execOutput = (bytes: number) =>
  v.pipe(
    v.string(),
    v.maxBytes(bytes),
    v.check(
      (output) => output === "" || output.startsWith("\n"),
      "every line starts with a newline",
    ),
    v.description("the newest lines oc printed, each after a newline"),
  );

/**
 * One gather, as every reply shows it. The first 15 keys are those of the service this one replaces: always
 * there, never null, in this order.
 */
export const GatherRecordSchema = v.strictObject({
  "id": v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  "created-at": time,
  "updated-at": time,
  "custom-name": v.pipe(v.string(), v.maxBytes(256), v.regex(/^\P{Cc}*$/u)),
  "status": StatusSchema,
  "image": v.pipe(v.string(), v.description("several are joined by commas")),
  "image-stream": v.string(),
  "node-name": v.string(),
  "command": v.pipe(v.string(), v.description("as sent; words of an array joined by spaces")),
  "source-dir": v.string(),
  "timeout": v.pipe(v.string(), v.description("a Go duration")),
  "server": v.string(),
  "archive-size": v.pipe(count, v.description("bytes; 0 until there is an archive")),
  "archive-name": v.string(),
  "exec-output": execOutput(EXEC_OUTPUT_BYTES),

  "reason": ReasonSchema,
  "message": v.pipe(v.string(), v.description("one sentence: what happened, and oc's last words")),
  "state": v.pipe(v.string(), v.description("the machine's full state")),
  "exit-code": v.pipe(v.nullable(v.pipe(v.number(), v.safeInteger())), v.description("oc's")),
  "started-at": v.nullable(time),
  "finished-at": v.nullable(time),
  "images": v.array(v.string()),
  "progress": ProgressSchema,
  "partial": v.pipe(
    v.boolean(),
    v.description("the archive holds what a gather that did not finish had"),
  ),
  "archive-url": v.pipe(
    v.string(),
    v.regex(/^(?:must-gather\/\d+\/data)?$/),
    v.description("relative to the service's base URL"),
  ),
  "archive-digest": v.pipe(
    v.string(),
    v.regex(/^(?:sha-256=:[A-Za-z0-9+/]{43}=:)?$/),
    v.description("as RFC 9530 writes it"),
  ),
  "leftovers": v.pipe(
    v.array(v.string()),
    v.description("what of this gather still stands in the cluster"),
  ),
  "verdict": v.pipe(
    v.nullable(VerdictSchema),
    v.description("what reading the archive back found; null where it could not be read"),
  ),
  "resolved-command": v.pipe(
    v.string(),
    v.description("what ran, where plan or VM were looked up; empty where it ran as sent"),
  ),
  "redaction": v.pipe(
    v.nullable(RedactionSchema),
    v.description("what was taken out of the archive; null where that was not asked for"),
  ),
  "transitions": v.pipe(v.array(TransitionSchema), v.description("oldest first")),
});

const { transitions: _transitions, ...listEntries } = GatherRecordSchema.entries;

/** One gather in the list: no `transitions`, and less of `exec-output`. */
export const GatherListItemSchema = v.strictObject({
  ...listEntries,
  "exec-output": execOutput(LIST_EXEC_OUTPUT_BYTES),
});

/** See {@link StatusSchema}. */
export type GatherStatus = v.InferOutput<typeof StatusSchema>;
/** See {@link ProgressSchema}. */
export type GatherProgress = v.InferOutput<typeof ProgressSchema>;
/** See {@link RedactionSchema}. */
export type GatherRedaction = v.InferOutput<typeof RedactionSchema>;
/** See {@link GatherRecordSchema}. */
export type GatherRecord = v.InferOutput<typeof GatherRecordSchema>;
/** See {@link GatherListItemSchema}. */
export type GatherListItem = v.InferOutput<typeof GatherListItemSchema>;
