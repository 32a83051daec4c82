/** The console: the page at `/` and the files it is made of. */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import zlib from "node:zlib";
import { Hono } from "hono";
import { matches } from "./conditions.ts";

const gzip = promisify(zlib.gzip);

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

const PAGES: readonly string[] = [PAGE, "inspect.html"];

/** All that is served. No path of a request reaches the file system: what is not named here is not there. */
const FILES = [
  ...PAGES,
  "api.js",
  "checks.js",
  "console.js",
  "contents.css",
  "contents.js",
  "controls.css",
  "dialog.js",
  "dom.js",
  "drawing.css",
  "drawing.js",
  "facts.js",
  "format.js",
  "forms.css",
  "frame.css",
  "gather.css",
  "gather.js",
  "icon.svg",
  "inspect-list.js",
  "inspect-machine.js",
  "inspect-one.js",
  "inspect.css",
  "inspect.js",
  "lines.js",
  "list.css",
  "list.js",
  "live.js",
  "output.js",
  "pick.js",
  "replay.js",
  "shell.js",
  "snapshot.js",
  "start.js",
  "steps.js",
  "theme.css",
  "ways.js",
  "words.js",
];

/** The machines, drawn by `npm run draw`. */
const DRAWINGS = ["gather.svg", "service.svg", "stop.svg"];

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

/** Reads the console's files, all at once. Rejects when one is missing: the installation is broken then. */
export async function readConsole(): Promise<ConsoleFiles> {
  const web = new URL("../web/", import.meta.url);
  const machines = new URL("../../machines/", import.meta.url);
  const files = FILES.map(async (name) => {
    return [name, await toAsset(name, await readFile(new URL(name, web)))] as const;
  });
  const drawings = DRAWINGS.map(async (name) => {
    const svg = await readFile(new URL(name, machines), "utf8");
    // A page brings the same rules in its own stylesheet; the policy lets none in that stand in the file.
    const plain = svg.replace(/<style>[^]*<\/style>\n/, "");
    return [name, await toAsset(name, Buffer.from(plain))] as const;
  });
  return new Map(await Promise.all([...files, ...drawings]));
}

async function toAsset(name: string, content: Buffer): Promise<Asset> {
  return {
    type: TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream",
    hash: createHash("sha256").update(content).digest("base64url"),
    plain: new Uint8Array(content),
    gzipped: new Uint8Array(await gzip(content, { level: 9 })),
  };
}

export interface ConsoleRoutesDeps {
  /** Reads them with the first call: most callers never want any. */
  console: () => Promise<ConsoleFiles>;
}

/** `/` for browsers, and `/console/<file>`. Neither needs a token: nothing of a gather is in them. */
export function consoleRoutes({ console }: ConsoleRoutesDeps) {
  return new Hono()
    .get("/", async (c, next) => {
      if (!acceptsHtml(c.req.header("accept"))) return await next();
      const page = (await console()).get(PAGE);
      if (page === undefined) return await next();
      return sendFile(page, c.req.raw.headers, "Accept, Accept-Encoding");
    })
    .get("/console/:file", async (c, next) => {
      const name = c.req.param("file");
      const file = PAGES.includes(name) ? undefined : (await console()).get(name);
      if (file === undefined) return await next();
      return sendFile(file, c.req.raw.headers, "Accept-Encoding");
    });
}

/** Whether a client names HTML among what it takes: a browser does, a script that takes anything does not. */
function acceptsHtml(accept: string | undefined): boolean {
  return (accept ?? "").split(",").some((each) => {
    const [type, ...parameters] = each.trim().toLowerCase().split(/\s*;\s*/);
    return type === "text/html" &&
      !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}

/** Names do not change with what is in a file, so a browser asks each time; that costs it no body. */
export function sendFile(asset: Asset, asked: Headers, vary: string): Response {
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
