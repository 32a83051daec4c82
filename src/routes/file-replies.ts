/** What is answered to who looks into an archive: what is in it, or one file of it. */
import { create as contentDisposition } from "content-disposition";
import type { Context } from "hono";
import { type ArchiveFile, ArchiveReader, BusyError } from "../archive/look/archive-reader.ts";
import { type Bytes, PIECE } from "../archive/bytes.ts";
import { TooMuchError } from "../archive/look/caps.ts";
import { UnreadableError } from "../archive/errors.ts";
import { codeOf } from "../errors.ts";
import { globMatcher } from "../archive/look/glob.ts";
import type { ItemList } from "../archive/look/item-list.ts";
import { childrenOf, type Item } from "../archive/look/items.ts";
import { batched, grep, tailOf } from "../archive/look/lines.ts";
import { Turns } from "../archive/turns.ts";
import { gatherFolder } from "../gathers/folders.ts";
import type { Registry } from "../gathers/registry.ts";
import { type Log, reasonOf } from "../log.ts";
import { badRequest, Problem } from "../problem.ts";
import type { FileList } from "../schema/replies.ts";
import { archiveOf } from "./archive.ts";
import { contentTypeOf } from "./content-type.ts";
import { findGather } from "./lookup.ts";
import { numberIn } from "./query.ts";
import { replyWith } from "./ranged.ts";
import { asJson } from "./typed.ts";

/** So many are listed unless asked otherwise, and at most so many at a time. */
const PAGE = 1000;
const LONGEST_PAGE = 10_000;

/** Most lines of `?tail=`. */
const LONGEST_TAIL = 100_000;

/** Longest texts of a query, in characters; a path in a tar may be long. */
const LONGEST_TEXT = 1000;
const LONGEST_PATH = 20_000;

/** What a file of an archive may do in a browser: it may be anything, and comes from the cluster's pods. */
const POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

export interface FileRepliesDeps {
  registry: Registry;
  workPath: string;
  log: Log;
}

/** Makes what answers, with a reader of its own. */
export function createFileReplies({ registry, workPath, log }: FileRepliesDeps) {
  const reader = new ArchiveReader();

  const open = async (c: Context) => {
    const held = findGather(c, registry);
    const { file, digest } = archiveOf(held);
    const archive = { folder: gatherFolder(workPath, held.id).path, file, digest };
    const items = await reader.list(archive).catch((error: unknown) => refuse(error, archive));
    return { held, archive, items };
  };

  /** Answers what an archive cannot give with the reason. */
  const refuse = (error: unknown, archive: ArchiveFile): never => {
    const instead = "download it instead";
    if (error instanceof BusyError) {
      const detail = `This archive cannot be looked into now: ${error.message}`;
      throw new Problem({ status: 503, detail, headers: { "retry-after": "30" } });
    }
    if (error instanceof TooMuchError) {
      const detail = `This archive is not looked into: ${error.message}; ${instead}`;
      throw new Problem({ status: 422, detail });
    }
    if (codeOf(error) === "ENOENT") {
      const detail = "The archive of this gather was removed meanwhile";
      throw new Problem({ status: 404, detail });
    }
    log.warn("archive cannot be looked into", {
      folder: archive.folder,
      reason: reasonOf(error),
    });
    const why = error instanceof UnreadableError ? `: ${error.message}` : "";
    const detail = `This archive cannot be looked into${why}; ${instead}`;
    throw new Problem({ status: 422, detail });
  };

  return {
    /** A page of the list of what is in it. */
    async list(c: Context) {
      const query = queryOf(c);
      const limit = numberIn(query, "limit", 1, LONGEST_PAGE) ?? PAGE;
      const { items } = await open(c);
      const { total, page, isLast } = await select(items, query, limit);
      const files = page.map(({ text }) => text).join(",");
      const next = JSON.stringify(isLast ? null : page.at(-1)?.path ?? null);
      c.header("Cache-Control", "no-store");
      c.header("Content-Type", "application/json");
      return asJson<FileList, 200>(
        c.body(`{"total":${total},"files":[${files}],"next":${next}}`),
      );
    },

    /** One file, a range of it, its end, or the lines with a text in them. */
    async file(c: Context) {
      const query = queryOf(c);
      const tail = numberIn(query, "tail", 1, LONGEST_TAIL);
      const text = query["grep"];
      if (text === "" || text?.includes("\n")) throw badRequest("grep: must be one line of text");
      if (tail !== undefined && text !== undefined) throw badRequest("tail: not with grep");
      const { held, archive, items } = await open(c);
      const item = find(c, items);
      const name = item.path.slice(item.path.lastIndexOf("/") + 1);
      const isView = tail !== undefined || text !== undefined;
      const headers = new Headers({
        "content-type": isView ? "text/plain; charset=utf-8" : contentTypeOf(item.path),
        "content-disposition": contentDisposition(name, { type: "inline" }),
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
      });
      const gone = new AbortController();
      const read = async (start: number, end: number, view = (bytes: Bytes) => bytes) => {
        const { signal } = c.req.raw;
        if (signal.aborted) gone.abort();
        signal.addEventListener("abort", () => gone.abort(), { once: true });
        const bytes = view(reader.content(archive, item, start, end, gone.signal));
        return await bodyOf(bytes, gone).catch((error: unknown) => refuse(error, archive));
      };
      if (isView) {
        const view = (bytes: Bytes) =>
          text === undefined ? tailOf(bytes, tail ?? 1) : grep(bytes, text, query["i"] === "1");
        const body = c.req.method === "HEAD"
          ? null
          : await read(0, item.size, (bytes) => batched(view(bytes), PIECE));
        return new Response(body, { headers });
      }
      const file = {
        what: "file",
        size: item.size,
        etag: `"${archive.digest.slice("sha-256=:".length, -1)}-${fingerprint(item)}"`,
        lastModified: Date.parse(held.entry.finishedAt ?? held.entry.updatedAt),
        read,
      };
      return await replyWith(c, file, headers);
    },
  };
}

/** The query, with nothing in it too long to work with. */
function queryOf(c: Context): Record<string, string> {
  const query = c.req.query();
  for (const [name, value] of Object.entries(query)) {
    const most = name === "after" || name === "prefix" || name === "folder"
      ? LONGEST_PATH
      : LONGEST_TEXT;
    if (value.length > most) throw badRequest(`${name}: must have at most ${most} characters`);
  }
  return query;
}

/** A page of what is asked for: paths, and JSON, which takes as long as all else together where there are 10,000. */
async function select(
  items: ItemList,
  { folder, prefix = "", glob, q, after }: Readonly<Record<string, string>>,
  limit: number,
): Promise<{ total: number; page: { path: string; text: string }[]; isLast: boolean }> {
  const text = q?.toLowerCase();
  const isLike = glob === undefined ? undefined : globMatcher(glob);
  const all = folder === undefined ? items : await childrenOf(items, folder.replace(/\/+$/, ""));
  const first = after === undefined ? 0 : all.placeBehind(after);
  const page: { path: string; text: string }[] = [];
  const turns = new Turns();
  let total = 0;
  let isLast = true;
  for (let i = all.placeOf(prefix); i < all.length; i++) {
    if (turns.isOver) await turns.next();
    const path = all.pathAt(i);
    if (!path.startsWith(prefix)) break;
    if (isLike && !isLike(path)) continue;
    if (text !== undefined && !path.toLowerCase().includes(text)) continue;
    total++;
    if (i < first) continue;
    if (page.length < limit) page.push({ path, text: JSON.stringify(shown(all.at(i))) });
    else isLast = false;
  }
  return { total, page, isLast };
}

/** The file that a path names, decoded or, as clients do not all encode names, as it came. */
function find(c: Context, items: ItemList): Item {
  const raw = new URL(c.req.url).pathname.split("/").slice(4).join("/");
  const item = items.find(decoded(raw)) ?? items.find(raw);
  const detail = !item
    ? "There is no such file in the archive; GET files lists those there are"
    : item.type === "folder"
    ? "This is a folder; GET files?folder= lists what is in it"
    : item.type === "link"
    ? "This is a link to another file; what it points to may be in the archive under its own name"
    : undefined;
  if (item && detail === undefined) return item;
  throw new Problem({ status: 404, detail: detail ?? "" });
}

/** Undoes what is encoded, and leaves what only looks so. */
function decoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (sequence) => {
    try {
      return decodeURIComponent(sequence);
    } catch {
      return sequence;
    }
  });
}

/** What tells a file from the others of its archive. */
function fingerprint({ place, way }: Item): string {
  return [place?.offset ?? "", ...way].join("-");
}

function shown({ path, type, size, packed, modified }: Item): FileList["files"][number] {
  return {
    "path": path,
    "type": type,
    "size": size,
    "compressed-size": packed,
    "modified": modified === null ? null : new Date(modified).toISOString(),
  };
}

/**
 * The body of a reply. Rejects where not even the first piece can be had, so that it can still be answered why; what goes
 * wrong later breaks the reply. All behind it is let go when the reader goes away.
 */
async function bodyOf(bytes: Bytes, gone: AbortController): Promise<ReadableStream<Uint8Array>> {
  const iterator = bytes[Symbol.asyncIterator]();
  const leave = () => void iterator.return?.().catch(() => {});
  // Nobody may ever take or cancel the body of a reply whose reader was gone before it began.
  gone.signal.addEventListener("abort", leave, { once: true });
  let next: Promise<IteratorResult<Buffer>> | undefined = iterator.next();
  await next;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await (next ?? iterator.next());
      next = undefined;
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel() {
      gone.abort();
    },
  }, { highWaterMark: 0 });
}
