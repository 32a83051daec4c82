/** The console: the page at `/` and the files it is made of. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { Hono } from "hono";
import { matches } from "./conditions.ts";

/** Nothing but what this service serves is run, shown or asked; no frame, no form that goes anywhere. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const PAGE = "index.html";

/** All that is served. No path of a request reaches the file system: what is not named here is not there. */
const FILES = [
  PAGE,
  "api.js",
  "checks.js",
  "console.js",
  "contents.css",
  "contents.js",
  "controls.css",
  "dialog.js",
  "dom.js",
  "drawing.css",
  "format.js",
  "forms.css",
  "frame.css",
  "gather.css",
  "gather.js",
  "icon.svg",
  "lines.js",
  "list.css",
  "list.js",
  "live.js",
  "pick.js",
  "start.js",
  "steps.js",
  "theme.css",
] as const;

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** A file in memory, plain and compressed. */
interface Asset {
  type: string;
  /** Of what is in it, without quotes. */
  hash: string;
  plain: Uint8Array<ArrayBuffer>;
  gzipped: Uint8Array<ArrayBuffer>;
}

/** The files of the console, by name. */
export type ConsoleFiles = ReadonlyMap<string, Asset>;

/** Reads the console's files, once. Rejects when one is missing: the installation is broken then. */
export async function readConsole(): Promise<ConsoleFiles> {
  const folder = new URL("../web/", import.meta.url);
  const read = FILES.map(async (name): Promise<[string, Asset]> => {
    const content = await readFile(new URL(name, folder));
    return [name, {
      type: TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream",
      hash: createHash("sha256").update(content).digest("base64url"),
      plain: new Uint8Array(content),
      gzipped: new Uint8Array(gzipSync(content, { level: 9 })),
    }];
  });
  return new Map(await Promise.all(read));
}

export interface ConsoleRoutesDeps {
  console: ConsoleFiles;
}

/** `/` for browsers, and `/console/<file>`. Neither needs a token: nothing of a gather is in them. */
export function consoleRoutes({ console }: ConsoleRoutesDeps) {
  return new Hono()
    .get("/", async (c, next) => {
      const page = console.get(PAGE);
      if (page === undefined || !acceptsHtml(c.req.header("accept"))) return await next();
      return send(page, c.req.raw.headers, "Accept, Accept-Encoding");
    })
    .get("/console/:file", async (c, next) => {
      const file = console.get(c.req.param("file"));
      if (file === undefined || c.req.param("file") === PAGE) return await next();
      return send(file, c.req.raw.headers, "Accept-Encoding");
    });
}

/** Whether a client names HTML among what it takes: a browser does, a script that takes anything does not. */
export function acceptsHtml(accept: string | undefined): boolean {
  return (accept ?? "").split(",").some((each) => {
    const [type, ...parameters] = each.trim().toLowerCase().split(/\s*;\s*/);
    return type === "text/html" &&
      !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}

/** Names do not change with what is in a file, so a browser asks each time; that costs it no body. */
function send(asset: Asset, asked: Headers, vary: string): Response {
  const isGzipped = /(?:^|,)\s*gzip\s*(?:,|$|;(?!\s*q=0(?:\.0*)?\s*(?:,|$)))/i.test(
    asked.get("accept-encoding") ?? "",
  );
  const etag = `"${asset.hash}${isGzipped ? "-gzip" : ""}"`;
  const headers = new Headers({
    "cache-control": "no-cache",
    "content-security-policy": POLICY,
    "etag": etag,
    "vary": vary,
    "x-content-type-options": "nosniff",
  });
  const known = asked.get("if-none-match");
  if (known !== null && matches(known, etag)) return new Response(null, { status: 304, headers });
  const body = isGzipped ? asset.gzipped : asset.plain;
  headers.set("content-type", asset.type);
  headers.set("content-length", String(body.length));
  if (isGzipped) headers.set("content-encoding", "gzip");
  return new Response(body, { headers });
}
