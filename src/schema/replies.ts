/** What replies besides records hold. */
import * as v from "valibot";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A refusal or failure, as RFC 9457 has it. */
export const ProblemSchema = v.strictObject({
  "type": v.literal("about:blank"),
  "title": v.pipe(v.string(), v.description("the status's own phrase")),
  "status": v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599)),
  "detail": v.pipe(v.string(), v.minLength(1), v.description("what was wrong, and what to change")),
});

/** A link that needs no header. */
export const LinkSchema = v.strictObject({
  "url": v.pipe(
    v.string(),
    v.regex(/^must-gather\/\d+\/data\?expires=\d+&signature=[\w-]+$/),
    v.description("relative to the service's base URL"),
  ),
  "expires": v.pipe(v.string(), v.isoTimestamp()),
});

/** A page of what is in an archive. */
export const FileListSchema = v.strictObject({
  "total": v.pipe(count, v.description("how many there are, on all pages")),
  "files": v.array(v.strictObject({
    "path": v.string(),
    "type": v.pipe(
      v.picklist(["file", "archive", "folder", "link"]),
      v.description("an archive is listed as a folder is, and read as a file is"),
    ),
    "size": v.pipe(count, v.description("bytes")),
    "compressed-size": v.pipe(
      v.nullable(count),
      v.description("bytes in the archive; null where a file has none of its own"),
    ),
    "modified": v.nullable(v.pipe(v.string(), v.isoTimestamp())),
  })),
  "next": v.pipe(
    v.nullable(v.string()),
    v.description("the `after` of the next page; null on the last"),
  ),
});

const snapshot = v.record(v.string(), v.unknown());

/** An event of a machine. */
export const MachineEventSchema = v.looseObject({
  "type": v.pipe(v.string(), v.description("its name; what it says besides stands beside it")),
});

/** A gather's machine. */
export const GatherMachineSchema = v.strictObject({
  "id": v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  "state": v.pipe(v.string(), v.description("dotted, as in its record")),
  "tags": v.array(v.string()),
  "snapshot": v.pipe(
    v.nullable(snapshot),
    v.description("XState's own; null when the gather has ended"),
  ),
  "accepts": v.pipe(
    v.array(MachineEventSchema),
    v.description("what can be sent and would do something now"),
  ),
});

/** The service's own machine. */
export const ServiceMachineSchema = v.strictObject({
  "state": v.string(),
  "tags": v.array(v.string()),
  "snapshot": v.pipe(snapshot, v.description("XState's own")),
  "may-send": v.pipe(v.boolean(), v.description("whether events may be sent to gathers")),
});

/** How the service is. */
export const HealthSchema = v.strictObject({
  "name": v.pipe(v.string(), v.description("tells the service from whatever else listens there")),
  "version": v.string(),
  "status": v.picklist(["ok", "ready"]),
});

/** See {@linkcode FileListSchema}. */
export type FileList = v.InferOutput<typeof FileListSchema>;
