/** What a process holds, as Linux tells it. */
import { readdir, readFile, readlink } from "node:fs/promises";

/** A page of memory, in bytes: 4 KiB on all machines that the tests run on. */
const PAGE_BYTES = 4096;

/** The memory that a process has in use (resident), in bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const [, pages = ""] = (await readFile(`/proc/${pid}/statm`, "utf8")).split(" ");
  return Number(pages) * PAGE_BYTES;
}

/** The files, sockets and pipes that a process has open, but for the databases in which Deno caches code. */
export async function descriptors(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const links = (await readdir(folder)).map((name) =>
    readlink(`${folder}/${name}`).catch(() => "")
  );
  return (await Promise.all(links)).filter((link) =>
    link !== "" && !link.includes("/.cache/deno/")
  );
}

/** How many files this process may have open. */
export async function mostDescriptors(): Promise<number> {
  const limits = await readFile("/proc/self/limits", "utf8");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
}
