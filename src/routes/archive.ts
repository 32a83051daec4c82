/** The archive of a gather, links to it, and what oc printed. */
import { join } from "node:path";
import { create as contentDisposition } from "content-disposition";
import { Hono } from "hono";
import { codeOf } from "../errors.ts";
import type { CallerVariables } from "../auth/middleware.ts";
import type { Log } from "../log.ts";
import type { Tally } from "../metrics/tally.ts";
import { type Archive, hasEnded } from "../gathers/entry.ts";
import { gatherFolder } from "../gathers/folders.ts";
import type { Held } from "../gathers/held.ts";
import type { Registry } from "../gathers/registry.ts";
import { positionOfLastLines } from "../oc/exec-log.ts";
import { Problem } from "../problem.ts";
import { audit } from "./audit.ts";
import { Conversions, convertedName, isConversion } from "./conversion.ts";
import { fileStream } from "./file-stream.ts";
import { logStream } from "./log-stream.ts";
import type { Links } from "./links.ts";
import { findGather } from "./lookup.ts";
import { numberIn } from "./query.ts";
import { replyWith } from "./ranged.ts";

/** Most lines that `?tail=` gives. */
const LONGEST_TAIL = 1_000_000;

export interface ArchiveRoutesDeps {
  registry: Registry;
  links: Links;
  workPath: string;
  log: Log;
  tally: Tally;
  /** Aborts when the service ends: who follows is let go. */
  ending: AbortSignal;
}

/** `/must-gather/:id/data`, `/link` and `/log`. */
export function archiveRoutes(
  { registry, links, workPath, log, tally, ending }: ArchiveRoutesDeps,
) {
  const conversions = new Conversions();
  const handedOver = (bytes: number) => void (tally.downloadedBytes += bytes);
  return new Hono<CallerVariables>()
    .get("/must-gather/:id/data", async (c) => {
      const held = findGather(c, registry);
      const archive = archiveOf(held);
      const path = join(gatherFolder(workPath, held.id).path, archive.file);
      if (isConversion(c.req.query("format"), archive)) {
        const isHead = c.req.method === "HEAD";
        const converted = isHead
          ? null
          : await conversions.start(path, c.req.raw.signal, handedOver);
        if (converted) audit(log, c.get("caller"), "downloads", held);
        return new Response(converted, {
          headers: {
            "content-type": "application/gzip",
            "content-disposition": contentDisposition(convertedName(archive.name)),
            "accept-ranges": "none",
            "cache-control": "private, no-cache",
          },
        });
      }
      const lastModified = Date.parse(held.entry.finishedAt ?? held.entry.updatedAt);
      const file = {
        what: "archive",
        size: archive.size,
        etag: `"${archive.digest.slice("sha-256=:".length, -1)}"`,
        lastModified,
        async read(start: number, end: number) {
          const body = await fileStream(path, start, end - 1, handedOver).catch(removedMeanwhile);
          if (start === 0) audit(log, c.get("caller"), "downloads", held);
          return body;
        },
      };
      const headers = new Headers({
        "content-type": archive.name.endsWith(".zip") ? "application/zip" : "application/gzip",
        "content-disposition": contentDisposition(archive.name),
        "cache-control": "private, no-cache",
        "last-modified": new Date(lastModified).toUTCString(),
        "repr-digest": archive.digest,
      });
      return await replyWith(c, file, headers);
    })
    .post("/must-gather/:id/link", (c) => {
      const held = findGather(c, registry);
      const archive = archiveOf(held);
      const { id } = held.entry;
      const { expires, signature } = links.sign(id, archive.digest);
      audit(log, c.get("caller"), "made a link", held);
      const url = `must-gather/${id}/data?expires=${expires}&signature=${signature}`;
      return c.json({ url, expires: new Date(Number(expires)).toISOString() }, 201, {
        "Cache-Control": "no-store",
      });
    })
    .get("/must-gather/:id/log", async (c) => {
      const held = findGather(c, registry);
      const folder = gatherFolder(workPath, held.id).path;
      const lines = numberIn(c.req.query(), "tail", 1, LONGEST_TAIL);
      const start = lines === undefined ? 0 : await positionOfLastLines(folder, lines);
      const follows = c.req.query("follow") === "1";
      const body = c.req.method === "HEAD"
        ? null
        : logStream(held, folder, start, follows ? { registry, ending } : undefined);
      return new Response(body, {
        headers: {
          "content-type": "text/plain; charset=utf-8",
          "x-content-type-options": "nosniff",
          "cache-control": "no-store",
        },
      });
    });
}

/** Whether a URL is a download that carries a signature of ours for the archive as it is. */
export function hasGoodLink(registry: Registry, links: Links, url: URL): boolean {
  const [, id] = /\/must-gather\/([1-9]\d{0,14})\/data\/?$/.exec(url.pathname) ?? [];
  const expires = url.searchParams.get("expires");
  const signature = url.searchParams.get("signature");
  const digest = registry.get(Number(id))?.entry.archive?.digest;
  if (id === undefined || expires === null || signature === null || digest === undefined) {
    return false;
  }
  return links.isGood(Number(id), digest, { expires, signature });
}

/** The archive of a gather; throws a `Problem` of status 404 when it has none. */
export function archiveOf(held: Held): Archive {
  if (held.entry.archive) return held.entry.archive;
  throw new Problem({
    status: 404,
    detail: hasEnded(held.entry)
      ? `This gather has no archive: ${held.entry.message}`
      : "This gather has no archive yet; wait until its status is completed or error",
  });
}

/** Says so where the file is not there any more; else passes the error on. */
function removedMeanwhile(error: unknown): never {
  if (codeOf(error) !== "ENOENT") throw error;
  throw new Problem({
    status: 404,
    detail: "The archive of this gather is not on the disk any more; start another gather",
  });
}
