/** What a content is, told by how it begins and never by what it is called. */

/** `packed`: an archive, or something compressed, that cannot be opened here. */
export type Kind = "text" | "binary" | "gzip" | "tar" | "zip" | "packed";

/** Bytes that are looked at. */
export const HEAD = 8192;

const MAGIC: readonly (readonly [hex: string, kind: Kind])[] = [
  ["1f8b08", "gzip"],
  ["504b0304", "zip"],
  ["504b0506", "zip"],
  ["28b52ffd", "packed"], // zstd
  ["fd377a585a00", "packed"], // xz
  ["425a68", "packed"], // bzip2
  ["377abcaf271c", "packed"], // 7z
  ["526172211a07", "packed"], // rar
  ["04224d18", "packed"], // lz4
  ["1f9d", "packed"], // compress
  ["4d534346", "packed"], // cab
  ["213c617263683e", "packed"], // ar, deb
];

/** A text may hold so many bytes in a hundred that texts do not hold: logs have a NUL here and there. */
const MOST_ODD_PERCENT = 5;

/** The kind of a content that begins with `head`, at least {@linkcode HEAD} bytes of it where it is longer. */
export function kindOf(head: Buffer): Kind {
  for (const [hex, kind] of MAGIC) {
    const magic = Buffer.from(hex, "hex");
    if (!head.subarray(0, magic.length).equals(magic)) continue;
    if (hex === "425a68" && !(head[3] !== undefined && head[3] >= 49 && head[3] <= 57)) continue; // `BZh` begins no text
    return kind;
  }
  if (isTar(head)) return "tar";
  return isText(head) ? "text" : "binary";
}

/** Whether a tar's first header is there: its sum is right (POSIX, ustar; the same in all that came before and after). */
function isTar(head: Buffer): boolean {
  if (head.length < 512 || head[0] === 0) return false;
  const [, octal] = /^ *([0-7]{1,7})[\0 ]/.exec(head.toString("latin1", 148, 156)) ?? [];
  if (octal === undefined) return false;
  let sum = 8 * 32;
  for (let i = 0; i < 512; i++) if (i < 148 || i >= 156) sum += head[i] as number;
  return sum === Number.parseInt(octal, 8);
}

function isText(head: Buffer): boolean {
  let odd = 0;
  const length = Math.min(head.length, HEAD);
  for (let i = 0; i < length; i++) {
    const byte = head[i] as number;
    if (byte < 32 ? !(byte >= 8 && byte <= 13) && byte !== 27 : byte === 127) odd++;
  }
  if (odd * 100 > length * MOST_ODD_PERCENT) return false;
  // Other bytes are letters of UTF-8 or of an older encoding, or there are far more of them than in any text.
  const decoded = new TextDecoder("utf-8").decode(head.subarray(0, Math.max(0, length - 3)));
  let wrong = 0;
  for (const character of decoded) if (character === "\ufffd") wrong++;
  return wrong * 100 <= length * 30;
}
