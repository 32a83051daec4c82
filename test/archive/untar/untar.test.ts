/** Unpacking tars that strangers made. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { pack } from "tar-stream";
import type { UntarLimits } from "../../../src/archive/untar/unpacker.ts";
import { untar, type Untarred } from "../../../src/archive/untar/untar.ts";
import { programCommand } from "../../support/self.ts";

const MTIME = new Date("2024-02-29T12:34:56Z");
const ROOM = (): UntarLimits => ({ bytes: 2 ** 30, entries: 1000 });

/** A temp folder with `in/` to unpack into and `out/` that nothing may touch. */
async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "untar-"));
  try {
    await mkdir(join(folder, "in"));
    await mkdir(join(folder, "out"));
    await writeFile(join(folder, "out/secret"), "untouched");
    await use(folder);
    assert.deepEqual(await readdir(join(folder, "out")), ["secret"]);
    assert.equal(await readFile(join(folder, "out/secret"), "utf8"), "untouched");
    assert.deepEqual((await readdir(folder)).sort(), ["in", "out"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Header {
  name: string;
  type?: string;
  size?: number | string;
  link?: string;
  mode?: number;
}

/** One header block as GNU tar writes it; strings are bytes (latin1), nothing is checked. */
function header({ name, type = "0", size = 0, link = "", mode = 0o644 }: Header): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0, 100, "latin1");
  block.write(`${mode.toString(8).padStart(7, "0")}\0`, 100);
  block.write("0000000\0".repeat(2), 108);
  block.write(
    typeof size === "string" ? size : `${size.toString(8).padStart(11, "0")}\0`,
    124,
    "latin1",
  );
  block.write(`${(MTIME.getTime() / 1000).toString(8).padStart(11, "0")}\0        ${type}`, 136);
  block.write(link, 157, 100, "latin1");
  block.write("ustar  \0", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

function entry(head: Header, content: string | Buffer = ""): Buffer {
  const data = Buffer.from(content as string, "latin1");
  const padding = Buffer.alloc((512 - data.length % 512) % 512);
  return Buffer.concat([header({ size: data.length, ...head }), data, padding]);
}

const END = Buffer.alloc(1024);

/** Unpacks these blocks into `folder`/in, cut into pieces of a length that fits nothing. */
function unpack(
  folder: string,
  blocks: Buffer[],
  { room = ROOM(), piece = 777 } = {},
): Promise<Untarred> {
  const tar = Buffer.concat(blocks);
  const pieces = function* (): Generator<Buffer> {
    for (let at = 0; at < tar.length; at += piece) yield tar.subarray(at, at + piece);
  };
  return untar(
    Readable.from(pieces(), { objectMode: false }),
    join(folder, "in"),
    room,
    new AbortController().signal,
  );
}

const whys = (result: Untarred): string[] =>
  result.skipped.items.map(({ name, why }) => `${name}: ${why}`);

test("files, folders and links come out as they went in, with their times and bare modes", () =>
  inFolder(async (folder) => {
    const tar = pack();
    const long = `${"folder/".repeat(30)}${"n".repeat(255)}`;
    const deep = `${"d/".repeat(100)}file`;
    const content = { mtime: MTIME, mode: 0o644 };
    tar.entry({ name: "./", type: "directory" });
    tar.entry({ name: "./a.log", ...content }, "hello");
    tar.entry({ name: "./empty", ...content }, "");
    tar.entry({ name: "./bin/run", ...content, mode: 0o6755 }, "#!/bin/sh");
    tar.entry({ name: "./folder", type: "directory", mode: 0o1777 });
    tar.entry({ name: long, ...content }, "long");
    tar.entry({ name: deep, ...content }, "deep");
    tar.entry({ name: "./é\n%\\", ...content }, "odd");
    tar.entry({ name: "./link", type: "symlink", linkname: "/etc/passwd" });
    tar.finalize();
    const result = await untar(Readable.from(tar), join(folder, "in"), ROOM(), AbortSignal.any([]));
    assert.deepEqual(
      { ...result, skipped: whys(result) },
      { end: "whole", why: "", files: 7, bytes: 25, unfinished: undefined, skipped: [] },
    );
    const at = (name: string) => join(folder, "in", name);
    for (
      const [name, text] of [["a.log", "hello"], ["empty", ""], ["é\n%\\", "odd"], [long, "long"], [
        deep,
        "deep",
      ]]
    ) {
      assert.equal(await readFile(at(name!), "utf8"), text);
      const { mode, mtimeMs } = await stat(at(name!));
      assert.equal(mode & 0o7777, 0o600);
      assert.equal(mtimeMs, MTIME.getTime());
    }
    assert.equal((await stat(at("bin/run"))).mode & 0o7777, 0o700);
    assert.equal((await stat(at("folder"))).mode & 0o7777, 0o700);
    assert.equal(await readlink(at("link")), "/etc/passwd");
  }));

test("nothing is written outside, by an absolute path, by `..` or through a link", () =>
  inFolder(async (folder) => {
    const out = join(folder, "out");
    const result = await unpack(folder, [
      entry({ name: join(out, "absolute") }, "x"),
      entry({ name: "../out/up" }, "x"),
      entry({ name: "a/../../out/up" }, "x"),
      entry({ name: ".." }, "x"),
      entry({ name: "../out/folder/", type: "5" }),
      entry({ name: "../out/link", type: "2", link: "secret" }),
      entry({ name: "door", type: "2", link: out }),
      entry({ name: "door/behind" }, "x"),
      entry({ name: "door/folder/", type: "5" }),
      entry({ name: "door/link", type: "2", link: "secret" }),
      entry({ name: "far/door", type: "2", link: "../../out" }),
      entry({ name: "far/door/behind" }, "x"),
      entry({ name: "good" }, "good"),
      END,
    ]);
    assert.equal(result.end, "whole");
    assert.equal(result.files, 3);
    assert.equal(result.skipped.total, 10);
    assert.match(whys(result)[0]!, /absolute: an absolute path$/);
    assert.match(whys(result)[1]!, /^\.\.\/out\/up: its path leads upwards$/);
    assert.match(whys(result)[6]!, /^door\/behind: it lies behind what is no folder$/);
    assert.deepEqual((await readdir(join(folder, "in"))).sort(), ["door", "far", "good"]);
    assert.equal(await readlink(join(folder, "in/door")), out);

    const later = await unpack(folder, [
      entry({ name: "a/file" }, "x"),
      entry({ name: "b/file" }, "x"),
      entry({ name: "a/b", type: "2", link: out }),
      entry({ name: "a/b/behind" }, "x"),
      END,
    ]);
    assert.deepEqual(whys(later), ["a/b/behind: it lies behind what is no folder"]);
  }));

test("of two entries of one name the later stays, and what it replaces is never written through", () =>
  inFolder(async (folder) => {
    const secret = join(folder, "out/secret");
    const result = await unpack(folder, [
      entry({ name: "a" }, "first, and longer"),
      entry({ name: "a" }, "second"),
      entry({ name: "b", type: "2", link: secret }),
      entry({ name: "b" }, "a file now"),
      entry({ name: "c" }, "a file"),
      entry({ name: "c", type: "2", link: secret }),
      entry({ name: "d", type: "2", link: join(folder, "out") }),
      entry({ name: "d/", type: "5" }),
      entry({ name: "d/inside" }, "inside"),
      entry({ name: "e/inside" }, "inside"),
      entry({ name: "e" }, "a file cannot replace a folder"),
      entry({ name: "e", type: "2", link: join(folder, "out") }),
      entry({ name: "e/other" }, "other"),
      END,
    ]);
    const at = (name: string) => join(folder, "in", name);
    assert.equal(await readFile(at("a"), "utf8"), "second");
    assert.equal((await lstat(at("b"))).isFile(), true);
    assert.equal(await readFile(at("b"), "utf8"), "a file now");
    assert.equal(await readlink(at("c")), secret);
    assert.equal(await readFile(at("d/inside"), "utf8"), "inside");
    assert.deepEqual((await readdir(at("e"))).sort(), ["inside", "other"]);
    assert.deepEqual(whys(result), [
      "e: cannot be written: EISDIR",
      "e: cannot be written: EISDIR",
    ]);
    assert.deepEqual((await readdir(at(""))).sort(), ["a", "b", "c", "d", "e"]);
  }));

test("devices, fifos and kinds that nobody knows are skipped with all that follows them", () =>
  inFolder(async (folder) => {
    const result = await unpack(folder, [
      entry({ name: "null", type: "3" }),
      entry({ name: "sda", type: "4" }),
      entry({ name: "pipe", type: "6" }, "a fifo has no content, this one says it has"),
      entry({ name: "what", type: "Z" }, "x".repeat(100_000)),
      entry({ name: "old-sparse", type: "S" }, "x"),
      entry({ name: "folder/", type: "5", size: 512 }),
      entry({ name: "good" }, "good"),
      END,
    ]);
    assert.deepEqual(whys(result), [
      "null: a device",
      "sda: a device",
      "pipe: a fifo",
      "what: of an unknown kind",
      "old-sparse: of an unknown kind",
    ]);
    assert.equal(result.end, "whole");
    assert.deepEqual((await readdir(join(folder, "in"))).sort(), ["folder", "good"]);
  }));

test("a hard link becomes a second name of a file of the same tar, and of nothing else", () =>
  inFolder(async (folder) => {
    const secret = join(folder, "out/secret");
    const room = ROOM();
    const result = await unpack(folder, [
      entry({ name: "a/file" }, "content"),
      entry({ name: "b/same", type: "1", link: "./a/file" }),
      entry({ name: "b/same", type: "1", link: "a/file" }),
      entry({ name: "link", type: "2", link: secret }),
      entry({ name: "door", type: "2", link: join(folder, "out") }),
      entry({ name: "1", type: "1", link: secret }),
      entry({ name: "2", type: "1", link: "../out/secret" }),
      entry({ name: "3", type: "1", link: "link" }),
      entry({ name: "4", type: "1", link: "door/secret" }),
      entry({ name: "5", type: "1", link: "a" }),
      entry({ name: "6", type: "1", link: "later" }),
      END,
    ], { room });
    assert.equal(result.end, "whole");
    assert.equal(result.skipped.total, 6);
    assert.equal(await readFile(join(folder, "in/b/same"), "utf8"), "content");
    assert.equal((await stat(join(folder, "in/a/file"))).nlink, 2);
    assert.equal((await stat(secret)).nlink, 1);
    assert.deepEqual((await readdir(join(folder, "in"))).sort(), ["a", "b", "door", "link"]);
    assert.deepEqual(await readdir(join(folder, "in/b")), ["same"]);

    const bomb = [entry({ name: "big" }, "x".repeat(10_000))];
    for (let i = 0; i < 20; i++) bomb.push(entry({ name: `copy${i}`, type: "1", link: "big" }));
    const bombed = await unpack(folder, [...bomb, END], {
      room: { bytes: 100_000, entries: 1000 },
    });
    assert.equal(bombed.why, "the limit on bytes is reached");
    assert.equal(bombed.bytes <= 100_000, true);
  }));

test("names of any bytes become names that both runtimes can open", () =>
  inFolder(async (folder) => {
    const pax = Buffer.from("24 path=in\0side\n", "latin1"); // the length of the record lies
    const nul = Buffer.from("16 path=nul\0nul\n", "latin1");
    const result = await unpack(folder, [
      entry({ name: "bad\xff\xfe/na\xc3me" }, "bytes"),
      entry({ name: "bad\xff\xfe/other" }, "bytes"),
      entry({ name: "link", type: "2", link: "to\xff" }),
      entry({ name: "x", type: "x" }, nul),
      entry({ name: "nul" }, "x"),
      entry({ name: "/\xe2\x80\xaegnp.exe" }, "x"),
      entry({ name: "x", type: "x" }, pax),
      entry({ name: "lie" }, "x"),
      entry({ name: "" }, "x"),
      entry({ name: "./." }, "x"),
      END,
    ]);
    assert.deepEqual(await readdir(join(folder, "in/bad%FF%FE")), ["na%C3me", "other"]);
    assert.deepEqual(whys(result).slice(0, 3), [
      "link: a link whose target is no path",
      "nul%00nul: a NUL in its name",
      "/?gnp.exe: an absolute path",
    ]);
    assert.equal(result.end, "whole");
    assert.match(whys(result).at(-1)!, /: it has no name$/);
  }));

test("a time that cannot be is no reason to lose a file", () =>
  inFolder(async (folder) => {
    for (
      const [name, field] of [["far", "\x80\0\0\0\0\0\x07\xdb\xb1\x0e\0\0"], [
        "never",
        "\x80" + "\xff".repeat(11),
      ], ["before", "\xff".repeat(11) + "\0"]] as const
    ) {
      const block = entry({ name }, name);
      block.write(field, 136, 12, "latin1");
      block.write("        ", 148);
      const sum = block.subarray(0, 512).reduce((total, byte) => total + byte, 0);
      block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
      const result = await unpack(folder, [block, END]);
      assert.deepEqual([result.end, result.files, whys(result)], ["whole", 1, []]);
      assert.equal(await readFile(join(folder, "in", name), "utf8"), name);
    }
  }));

test("paths beyond the limits are skipped, however long they are", () =>
  inFolder(async (folder) => {
    const long = (name: string) => entry({ name: "././@LongLink", type: "L" }, `${name}\0`);
    const result = await unpack(folder, [
      long("d/".repeat(200) + "file"),
      entry({ name: "short" }, "allowed"),
      long("d/".repeat(201) + "file"),
      entry({ name: "short" }, "x"),
      long("n".repeat(256)),
      entry({ name: "short" }, "x"),
      long(`${"n".repeat(250)}/`.repeat(30) + "file"),
      entry({ name: "short" }, "x"),
      long("n".repeat(512)), // its second block is empty, and no end of the tar
      entry({ name: "short" }, "x"),
      entry({ name: "good" }, "good"),
      END,
    ]);
    assert.equal(result.end, "whole");
    assert.deepEqual(result.skipped.items.map(({ why }) => why), [
      "more than 200 folders deep",
      "its name is too long",
      "cannot be written: ENAMETOOLONG",
      "its name is too long",
    ]);
    assert.equal(await readFile(join(folder, `in/${"d/".repeat(200)}file`), "utf8"), "allowed");
    assert.equal(await readFile(join(folder, "in/good"), "utf8"), "good");
    assert.equal(result.files, 2);
  }));

test("a stream that ends inside a file leaves the whole files, and the half one under rsync's name", () =>
  inFolder(async (folder) => {
    const half = entry({ name: "sub/half.log" }, "y".repeat(5000)).subarray(0, 512 + 3000);
    const result = await unpack(folder, [entry({ name: "whole" }, "x".repeat(2000)), half]);
    assert.equal(result.end, "early");
    assert.equal(result.why, "the stream ended before the tar did");
    assert.equal(result.files, 1);
    assert.equal((await stat(join(folder, "in/whole"))).size, 2000);
    const [name] = await readdir(join(folder, "in/sub"));
    assert.match(name!, /^\.half\.log\.[A-Za-z0-9]{6}$/);
    assert.equal(result.unfinished, `sub/${name}`);
    assert.equal((await stat(join(folder, "in/sub", name!))).size, 3000);
  }));

test("a stream that ends anywhere else before the end mark is told from a whole one", () =>
  inFolder(async (folder) => {
    const first = entry({ name: "whole" }, "x".repeat(2000));
    for (
      const rest of [[], [header({ name: "next", size: 10 })], [Buffer.alloc(512), first], [
        header({ name: "next" }).subarray(0, 300),
      ]]
    ) {
      const result = await unpack(folder, [first, ...rest]);
      assert.equal(result.end, "early");
      assert.deepEqual(await readdir(join(folder, "in")), ["whole"]);
    }
    assert.equal((await unpack(folder, [])).end, "early");
    assert.equal((await unpack(folder, [END])).end, "whole");
    assert.equal(
      (await unpack(folder, [first, END, Buffer.alloc(2000, "padding that is none")])).end,
      "whole",
    );
  }));

test("what is no tar, or lies about its sizes, ends with a reason and keeps what came", () =>
  inFolder(async (folder) => {
    const good = entry({ name: "good" }, "good");
    const extended = (type: string, size: number | string) => header({ name: "x", type, size });
    const damaged = "what came is no tar, or a damaged one";
    const refused = "the tar has an extended header that is empty, too long or damaged";
    const cases: [string, Buffer[], string][] = [
      ["garbage", [Buffer.from("error: it is not a tar\n".repeat(100))], damaged],
      [
        "a size beyond the stream",
        [header({ name: "huge", size: 0o77777777777 }), END],
        "the stream ended before the tar did",
      ],
      ["a size of 2^95", [
        header({ name: "huge", size: "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" }),
        END,
      ], "the stream ended before the tar did"],
      [
        "a size below zero",
        [header({ name: "neg", size: `${"\xff".repeat(11)}\0` }), END],
        damaged,
      ],
      [
        "a size that is none",
        [header({ name: "odd", size: "\x90".repeat(12) }), END],
        "the tar is damaged: an entry has no size",
      ],
      ["a size that is text", [header({ name: "odd", size: "many" }), END], damaged],
      ["a general header of 4 MiB", [
        entry({ name: "g", type: "g" }, "9 a=b\n".repeat(700_000)),
        END,
      ], refused],
      [
        "an extended header without an end",
        [extended("x", "\x80\0\0\x7f\0\0\0\0\0\0\0\0"), END],
        refused,
      ],
      ["an empty extended header", [extended("x", 0), good, END], refused],
      ["a long name of two sizes", [extended("L", "1 7777777\0"), END], refused],
    ];
    for (const [what, blocks, why] of cases) {
      const started = performance.now();
      const result = await unpack(folder, [good, ...blocks]);
      assert.equal(result.why, why, what);
      assert.equal(result.files, 1, what);
      assert.deepEqual(
        (await readdir(join(folder, "in"))).filter((name) => !name.startsWith(".huge.")),
        ["good"],
        what,
      );
      assert.ok(performance.now() - started < 5000, what);
    }
  }));

test("bytes and entries are bounded, and the bound is shared by all who use it", () =>
  inFolder(async (folder) => {
    const tar = (
      name: string,
    ) => [entry({ name }, "x".repeat(5000)), entry({ name: `${name}2` }, "y"), END];
    const room = { bytes: 15_000, entries: 1000 };
    assert.equal((await unpack(folder, tar("first"), { room })).end, "whole");
    const second = await unpack(folder, tar("second"), { room });
    assert.equal(second.end, "stopped");
    assert.equal(second.why, "the limit on bytes is reached");

    const few = { bytes: 2 ** 30, entries: 3 };
    await unpack(folder, tar("third"), { room: few });
    const fourth = await unpack(folder, tar("fourth"), { room: few });
    assert.equal(fourth.why, "the limit on entries is reached");
    assert.equal(fourth.files, 1);
  }));

test("an abort ends it at once, also when the stream is silent, and keeps what there is", () =>
  inFolder(async (folder) => {
    const stop = new AbortController();
    const stream = new Readable({ read() {} });
    const unpacking = untar(stream, join(folder, "in"), ROOM(), stop.signal);
    stream.push(entry({ name: "whole" }, "x"));
    stream.push(Buffer.concat([header({ name: "half", size: 1e6 }), Buffer.alloc(2048, "h")]));
    const half = async (): Promise<number> => {
      const name = (await readdir(join(folder, "in"))).find((name) => name.startsWith(".half."));
      return name === undefined ? 0 : (await stat(join(folder, "in", name))).size;
    };
    for (let i = 0; i < 500 && await half() < 2048; i++) await sleep(10);
    stop.abort();
    const result = await unpacking;
    assert.equal(result.end, "stopped");
    assert.equal(result.why, "there was no more time for it");
    assert.equal(result.files, 1);
    assert.match(result.unfinished!, /^\.half\.\w{6}$/);
    assert.equal(stream.destroyed, true);

    const late = Readable.from([entry({ name: "late" }, "x"), END]);
    const { end, files } = await untar(late, join(folder, "in"), ROOM(), stop.signal);
    assert.deepEqual([end, files, late.destroyed], ["stopped", 0, true]);
  }));

test("a stream that breaks is told, with its code", () =>
  inFolder(async (folder) => {
    const stream = new Readable({ read() {} });
    const unpacking = untar(stream, join(folder, "in"), ROOM(), new AbortController().signal);
    stream.push(entry({ name: "whole" }, "x"));
    stream.push(header({ name: "half", size: 1e6 }));
    stream.destroy(Object.assign(new Error("broken"), { code: "ECONNRESET" }));
    const result = await unpacking;
    assert.equal(result.end, "early");
    assert.equal(result.why, "the stream failed: ECONNRESET");
  }));

test("no more is read than is written: 20 MB go through a window of less than one", () =>
  inFolder(async (folder) => {
    const size = 20_000_000;
    let pulled = 0;
    let ahead = 0;
    const stream = Readable.from(
      async function* () {
        yield header({ name: "big", size });
        for (; pulled < size; pulled += 50_000) {
          const [name] = await readdir(join(folder, "in"));
          const written = name === undefined ? 0 : (await stat(join(folder, "in", name))).size;
          ahead = Math.max(ahead, pulled - written);
          yield Buffer.alloc(50_000, "x");
        }
        yield Buffer.alloc(512 - size % 512);
        yield END;
      }(),
      { objectMode: false, highWaterMark: 65_536 },
    );
    const result = await untar(stream, join(folder, "in"), ROOM(), new AbortController().signal);
    assert.equal(result.end, "whole");
    assert.equal(result.bytes, size);
    assert.equal((await stat(join(folder, "in/big"))).size, size);
    assert.ok(ahead < 1_000_000, `${ahead} bytes were in memory`);
  }));

test("a full disk ends it: what was whole stays, nothing half-written does", async () => {
  const folder = await mkdtemp(join(tmpdir(), "untar-"));
  try {
    await writeFile(
      join(folder, "tar"),
      Buffer.concat([
        entry({ name: "small" }, "x".repeat(1000)),
        entry({ name: "large" }, "y".repeat(3e6)),
        END,
      ]),
    );
    await mkdir(join(folder, "small"));
    const [program, args] = programCommand(
      fileURLToPath(new URL("unpack-here.ts", import.meta.url)),
    );
    const script = 'mount -t tmpfs -o size=1m tmpfs small && exec "$@"';
    const flags = process.getuid?.() === 0 ? "-m" : "-rm";
    const output = await new Promise<string>((resolve, reject) =>
      execFile(
        "unshare",
        [flags, "sh", "-c", script, "sh", program, ...args],
        { cwd: folder, timeout: 30_000 },
        (error, stdout, stderr) => error ? reject(new Error(stderr)) : resolve(stdout),
      )
    );
    const result = JSON.parse(output);
    assert.equal(result.end, "stopped");
    assert.equal(result.why, "no room is left on the disk of the service (ENOSPC)");
    assert.deepEqual(result.there, ["small"]);
    assert.equal(result.files, 1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("no descriptor stays open, however it ends", () =>
  inFolder(async (folder) => {
    // Those in this folder only: on Deno other tests run in this process at the same time.
    const open = async () => {
      const links = (await readdir("/proc/self/fd")).map((fd) =>
        readlink(`/proc/self/fd/${fd}`).catch(() => "")
      );
      return (await Promise.all(links)).filter((link) => link.startsWith(folder)).length;
    };
    const good = entry({ name: "good" }, "x".repeat(3000));
    const ends: [Buffer[], UntarLimits][] = [
      [[good, END], ROOM()],
      [[good.subarray(0, 2000)], ROOM()],
      [[good, Buffer.alloc(512, "garbage")], ROOM()],
      [[good, END], { bytes: 2000, entries: 10 }],
      [[good, END], { bytes: 20_000, entries: 0 }],
      [[entry({ name: "good/inside" }), END], ROOM()],
    ];
    await unpack(folder, [good, END]);
    const before = await open();
    for (const [blocks, room] of ends) {
      for (let i = 0; i < 5; i++) await unpack(folder, blocks, { room: { ...room } });
    }
    assert.equal(await open(), before);
    await link(join(folder, "in/good"), join(folder, "in/still-there"));
  }));
