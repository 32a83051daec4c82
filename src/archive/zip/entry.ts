/** The content of one entry of a ZIP, checked as it comes. */
import { constants } from "node:fs";
import zlib from "node:zlib";
import { bytesOfFd, PIECE, through } from "../bytes.ts";
import { closeFd, openFd, readFully } from "../fd.ts";
import { DEFLATED, LOCAL_SIGNATURE, STORED } from "./format.ts";

/** Where an entry is, as the ZIP's directory has it. */
export interface ZipPlace {
  /** Of its local header. */
  offset: number;
  /** Bytes in the archive, and unpacked. */
  packed: number;
  size: number;
  crc: number;
  method: number;
}

/** Length of a local header without name and extra fields. */
const LOCAL_HEADER = 30;

/**
 * The content of an entry. Rejects when it has another number of bytes than the directory says, so that a bomb ends there, at
 * its end when its checksum is wrong, and with the signal's reason.
 */
export async function* zipEntry(
  file: string,
  place: ZipPlace,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { method, packed, offset } = place;
  if (method !== STORED && method !== DEFLATED) {
    throw new Error(`The archive uses a compression that is not known here: method ${method}`);
  }
  signal.throwIfAborted();
  const fd = await openFd(file, constants.O_RDONLY);
  try {
    const header = Buffer.alloc(LOCAL_HEADER);
    const length = await readFully(fd, header, offset);
    if (length < LOCAL_HEADER || header.readUInt32LE(0) !== LOCAL_SIGNATURE) {
      throw new Error("The archive is damaged: there is no entry where its directory says");
    }
    const start = offset + LOCAL_HEADER + header.readUInt16LE(26) + header.readUInt16LE(28);
    const raw = bytesOfFd(fd, start, start + packed, signal);
    yield* checked(
      method === STORED ? raw : through(raw, zlib.createInflateRaw({ chunkSize: PIECE })),
      place,
    );
  } finally {
    await closeFd(fd);
  }
}

async function* checked(source: AsyncIterable<Buffer>, place: ZipPlace): AsyncGenerator<Buffer> {
  let size = 0;
  let crc = 0;
  for await (const piece of source) {
    size += piece.length;
    if (size > place.size) {
      throw new Error("The archive is damaged: an entry is longer than it says");
    }
    crc = zlib.crc32(piece, crc);
    yield piece;
  }
  if (size !== place.size || crc !== place.crc) {
    throw new Error("The archive is damaged: an entry has a wrong length or checksum");
  }
}
