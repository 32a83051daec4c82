/** Looks through a finished archive once more. */
import { constants } from "node:fs";
import { bytesOfFd } from "../archive/bytes.ts";
import { closeFd, openFd, statFd } from "../archive/fd.ts";
import { type Contents, NOWHERE, rewrite } from "./contents.ts";
import { MOST_NAMED } from "./ledger.ts";
import { rewriteZipFile } from "./zip-contents.ts";

/** Where something was still found. */
export interface Residue {
  "count": number;
  "paths": string[];
}

/** The files of an archive in which any rule of `contents` still finds something, through all archives in it. */
export async function residueOf(file: string, contents: Contents): Promise<Residue> {
  const redactor = contents.redactor.fresh();
  const dry = { ...contents, redactor, dry: true };
  const fd = await openFd(file, constants.O_RDONLY);
  try {
    const { size } = await statFd(fd);
    const source = bytesOfFd(fd, 0, size, contents.signal);
    const place = { path: "", depth: 0 };
    if (file.endsWith(".zip")) await rewriteZipFile(dry, { ...place, depth: 1 }, file, fd);
    else await rewrite(dry, place, source, NOWHERE);
  } finally {
    await closeFd(fd);
  }
  const { values, files } = redactor.ledger.report();
  const paths = files.paths.map(({ path }) => path);
  const inFiles = files.paths.reduce((sum, each) => sum + each.values, 0);
  const inNames = files.count <= MOST_NAMED && values > inFiles;
  if (inNames) paths.unshift("(names of files)");
  return { "count": files.count + (inNames ? 1 : 0), "paths": paths.slice(0, MOST_NAMED) };
}
