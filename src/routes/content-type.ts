/** What a file of an archive is shown as. */

/** By the ending of the name; everything that people read as text is text. */
const TYPES: Readonly<Record<string, string>> = {
  json: "application/json",
  html: "text/html; charset=utf-8",
  htm: "text/html; charset=utf-8",
  svg: "image/svg+xml",
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  pdf: "application/pdf",
  gz: "application/gzip",
  tgz: "application/gzip",
  zip: "application/zip",
  tar: "application/x-tar",
  xz: "application/x-xz",
  bz2: "application/x-bzip2",
  zst: "application/zstd",
  bin: "application/octet-stream",
  pprof: "application/octet-stream",
  db: "application/octet-stream",
};

/** The content type of a file by its name; text where the name tells nothing, as logs have all kinds of names. */
export function contentTypeOf(path: string): string {
  const ending = /\.([A-Za-z0-9]+)$/.exec(path)?.[1]?.toLowerCase() ?? "";
  return (Object.hasOwn(TYPES, ending) ? TYPES[ending] : undefined) ?? "text/plain; charset=utf-8";
}
