import { Buffer } from "node:buffer";
import { ending, type Header, header, padded } from "./tar.ts";

/** One dangerous entry, and the text in it. */
interface Trap extends Header {
  text?: string;
}

const TRAPS: Trap[] = [
  { path: "../escaped-by-dots.txt", text: "x\n" },
  { path: "./a/../../escaped-inside.txt", text: "x\n" },
  { path: "/tmp/escaped-absolute.txt", text: "x\n" },
  { path: "./out", type: "2", link: ".." },
  { path: "./out/escaped-by-link.txt", text: "x\n" },
  { path: "./passwd", type: "2", link: "/etc/passwd" },
  { path: "./passwd", text: "written through a link\n" },
  { path: "./hard", type: "1", link: "/etc/passwd" },
  { path: "./hard-dots", type: "1", link: "../../../etc/passwd" },
  { path: "./device", type: "3" },
  { path: "./block", type: "4" },
  { path: "./fifo", type: "6" },
  { path: "./new\nline.txt", text: "x\n" },
  { path: "./back\\slash.txt", text: "x\n" },
  { path: `./${"n".repeat(255)}`, text: "x\n" },
  { path: `./${"deep/".repeat(100)}file.txt`, text: "x\n" },
  { path: "./setuid", text: "x\n", mode: 0o4755 },
  { path: "./no-permissions", text: "x\n", mode: 0 },
  { path: "./good.txt", text: "good\n" },
  { path: "./good.txt", text: "twice\n" },
];

/** Streams a tar that tries everything a tar can try against whoever unpacks it. */
export function* hostile(): Generator<Buffer> {
  for (const { text = "", ...trap } of TRAPS) {
    const data = Buffer.from(text);
    yield header({ ...trap, size: data.length });
    yield padded(data);
  }
  yield ending();
}
