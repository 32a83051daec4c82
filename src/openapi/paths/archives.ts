/** The archive of a gather, what is inside it, and what oc printed. */
import { type Operation, problem, type Reply } from "../operation.ts";
import { CONDITIONS, ID_OR_NAME, number, query, toggle } from "../parameters.ts";

const NO_ARCHIVE = problem("There is no such gather, or it has no archive");
const NO_GATHER_DETAIL = "There is no such gather; GET must-gather lists those there are";
const NO_ARCHIVE_DETAIL =
  "This gather has no archive yet; wait until its status is completed or error";

const BUSY = problem("Too many read archives, or convert them, at once", {
  "Retry-After": "seconds",
});

/** Replies for a file that ranges and conditions may be asked of. */
const conditional = (what: string): Readonly<Record<number, Reply>> => ({
  206: {
    description: `The part of ${what} that was asked for`,
    headers: { "Content-Range": "which", "ETag": "of the whole" },
    content: { "*/*": "" },
  },
  304: { description: "It has not changed", headers: { "ETag": "its tag" } },
  412: problem("It is another than If-Match says"),
  416: problem("The range begins behind its end", { "Content-Range": "how long it is" }),
});

const LIST_REPLY = {
  "total": 2,
  "files": [
    {
      "path": "version",
      "type": "file",
      "size": 7,
      "compressed-size": 9,
      "modified": "2026-03-04T05:11:00.000Z",
    },
  ],
  "next": "version",
};

/** `/must-gather/{id}/data`, `/link`, `/log` and `/files`. */
export const archives: readonly Operation[] = [
  {
    method: "get",
    path: "/must-gather/{id}/data",
    id: "downloadArchive",
    tag: "archives",
    summary: "Gives the archive",
    description: "`expires` and `signature`, which a link brings, stand in for a token.",
    parameters: [
      ID_OR_NAME,
      query("format", "`tar.gz` turns a ZIP into one while it is sent, without ranges", {
        type: "string",
        enum: ["zip", "tar.gz"],
      }),
      query("expires", "Of a link: seconds since 1970"),
      query("signature", "Of a link"),
      ...CONDITIONS,
    ],
    replies: {
      200: {
        description: "The archive",
        headers: {
          "Content-Disposition": "an attachment with the archive's name",
          "Accept-Ranges": "`bytes`; `none` for a conversion",
          "ETag": "its digest; not for a conversion?",
          "Repr-Digest": "its SHA-256, as RFC 9530 writes it; not for a conversion?",
        },
        content: { "application/zip": "", "application/gzip": "" },
      },
      ...conditional("the archive"),
      400: problem("The format is not known"),
      404: NO_ARCHIVE,
      406: problem("The archive cannot be turned into that format"),
      503: BUSY,
    },
    examples: {
      whole: { summary: "All of it", with: { id: 1 }, status: 200 },
      part: {
        summary: "Its first bytes",
        with: { id: "plan:web", Range: "bytes=0-3" },
        status: 206,
      },
      "tar.gz": { summary: "In another format", with: { id: 1, format: "tar.gz" }, status: 200 },
      beyond: {
        summary: "Behind its end",
        with: { id: 1, Range: "bytes=99999999999-" },
        status: 416,
      },
      early: {
        summary: "Of a gather that still runs",
        with: { id: 2 },
        status: 404,
        reply: NO_ARCHIVE_DETAIL,
      },
      rar: {
        summary: "In a format that there is not",
        with: { id: 1, format: "rar" },
        status: 400,
        reply: "format: must be zip or tar.gz; without it the archive comes as it is",
      },
    },
  },
  {
    method: "post",
    path: "/must-gather/{id}/link",
    id: "linkArchive",
    tag: "archives",
    summary: "Makes a link to the archive that needs no header, for a while",
    parameters: [ID_OR_NAME],
    replies: {
      201: { description: "The link", content: { "application/json": "Link" } },
      404: NO_ARCHIVE,
    },
    examples: {
      link: {
        summary: "For an hour, unless LINK_MAX_AGE says otherwise",
        with: { id: 1 },
        status: 201,
        reply: {
          "url":
            "must-gather/1/data?expires=1772604727080&signature=hY1x2mJm0x8m7J1d2kq9y4mYwq0dS2M3o5s7u9w1y3A",
          "expires": "2026-03-04T06:12:07.080Z",
        },
      },
      early: {
        summary: "Of a gather that still runs",
        with: { id: 2 },
        status: 404,
        reply: NO_ARCHIVE_DETAIL,
      },
    },
  },
  {
    method: "get",
    path: "/must-gather/{id}/log",
    id: "readLog",
    tag: "archives",
    summary: "Gives what oc printed: its first 16 MiB and last 240 MiB",
    parameters: [
      ID_OR_NAME,
      number("tail", "Only so many of the last lines", 1_000_000),
      toggle("follow", "What is printed from now on, too, until the gather has ended"),
    ],
    replies: {
      200: { description: "It", content: { "text/plain": "" } },
      400: problem("`tail` cannot be read"),
      404: problem("There is no such gather"),
    },
    examples: {
      all: { summary: "All of it", with: { id: 1 }, status: 200 },
      tail: { summary: "The last lines", with: { id: 1, tail: 20 }, status: 200 },
      "bad-tail": {
        summary: "No lines",
        with: { id: 1, tail: 0 },
        status: 400,
        reply: "tail: must be a whole number from 1 to 1000000",
      },
      unknown: {
        summary: "None of this number",
        with: { id: 999 },
        status: 404,
        reply: NO_GATHER_DETAIL,
      },
    },
  },
  {
    method: "get",
    path: "/must-gather/{id}/files",
    id: "listFiles",
    tag: "archives",
    summary: "Lists what is inside the archive, without downloading it",
    parameters: [
      ID_OR_NAME,
      query("folder", "Only what is right inside this folder"),
      query("prefix", "Only paths that begin so"),
      query("glob", "Only paths like this, `**/*.log`"),
      query("q", "Only paths with this in them, in capitals or not"),
      query("after", "Only paths behind this one: the `next` of the page before"),
      number("limit", "So many a page; 1,000 without it", 10_000),
    ],
    replies: {
      200: { description: "A page, by path", content: { "application/json": "FileList" } },
      400: problem("A parameter cannot be read"),
      404: NO_ARCHIVE,
      422: problem("The archive cannot be looked into; it can be downloaded"),
      503: BUSY,
    },
    examples: {
      page: {
        summary: "The first file",
        with: { id: 1, limit: 1 },
        status: 200,
        reply: LIST_REPLY,
      },
      "bad-limit": {
        summary: "No files",
        with: { id: 1, limit: 0 },
        status: 400,
        reply: "limit: must be a whole number from 1 to 10000",
      },
      early: {
        summary: "Of a gather that still runs",
        with: { id: 2 },
        status: 404,
        reply: NO_ARCHIVE_DETAIL,
      },
    },
  },
  {
    method: "get",
    path: "/must-gather/{id}/files/{path}",
    id: "readFile",
    tag: "archives",
    summary: "Gives one file of the archive",
    parameters: [
      ID_OR_NAME,
      {
        in: "path",
        name: "path",
        description: "Its path in the archive, slashes as they are",
        schema: { type: "string", minLength: 1 },
      },
      number("tail", "Only so many of the last lines", 100_000),
      query("grep", "Only lines with this text, each behind its number"),
      toggle("i", "With grep: in capitals or not"),
      ...CONDITIONS,
    ],
    replies: {
      200: {
        description: "The file, or the lines of it",
        headers: { "Content-Security-Policy": "what it may do in a browser: nothing" },
        content: { "*/*": "" },
      },
      ...conditional("the file"),
      400: problem("A parameter cannot be read"),
      404: problem("There is no such file, or no archive"),
      422: problem("The archive cannot be looked into; it can be downloaded"),
      503: BUSY,
    },
    examples: {
      whole: { summary: "All of it", with: { id: 1, path: "GATHER.json" }, status: 200 },
      tail: {
        summary: "Its last line",
        with: { id: 1, path: "GATHER.json", tail: 1 },
        status: 200,
      },
      grep: {
        summary: "The lines that say why it ended",
        with: { id: 1, path: "GATHER.json", grep: "reason", i: "1" },
        status: 200,
      },
      unknown: {
        summary: "One that there is not",
        with: { id: 1, path: "no/such/file" },
        status: 404,
        reply: "There is no such file in the archive; GET files lists those there are",
      },
      both: {
        summary: "Two views at once",
        with: { id: 1, path: "GATHER.json", tail: 1, grep: "reason" },
        status: 400,
        reply: "tail: not with grep",
      },
    },
  },
];
