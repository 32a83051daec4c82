/** Takes the secrets out of files on their way into an archive. */
import { bytesOfFd, PIECE } from "../archive/bytes.ts";
import { PackError } from "../archive/errors.ts";
import { readFully, writeFully } from "../archive/fd.ts";
import type { Rewriter } from "../archive/pack/rewriter.ts";
import { LeftOut } from "../archive/pack/tree.ts";
import { ClosedError, type Contents, rewrite, rewriteWhole } from "./contents.ts";
import { HEAD, kindOf } from "./kinds.ts";
import { Spool } from "./spool.ts";

/** What is not opened goes into no archive and is in the ledger; see {@linkcode rewrite}. */
export function createRewriter(contents: Contents): Rewriter {
  const { redactor, folder, signal } = contents;
  const leave = (name: string) => (error: unknown): never => {
    if (!(error instanceof ClosedError)) throw error;
    redactor.ledger.leaveOut(redactor.name(name), error.message);
    throw new LeftOut(error.message);
  };
  return {
    name: (path) => redactor.name(path),
    async data(name, data) {
      const whole = rewriteWhole(contents, { path: name, depth: 0 }, data);
      if (whole) return whole;
      const out: Buffer[] = [];
      const source = async function* () {
        yield data;
      };
      await rewrite(contents, { path: name, depth: 0 }, source(), (piece) => {
        out.push(piece);
        return Promise.resolve();
      }).catch(leave(name));
      return Buffer.concat(out);
    },
    async file(name, fd, size) {
      const spool = new Spool(folder);
      try {
        if (await rewriteText(contents, name, fd, size, spool)) {
          return { fd: await spool.toFile(), size: spool.size };
        }
        await rewrite(
          contents,
          { path: name, depth: 0 },
          bytesOfFd(fd, 0, size, signal),
          spool.write,
        ).catch(leave(name));
        return { fd: await spool.toFile(), size: spool.size };
      } catch (error) {
        await spool.close();
        throw error;
      }
    },
    async image(_name, fd, size, to) {
      let written = 0;
      const sink = async (piece: Buffer) => {
        await writeFully(to, piece, written);
        written += piece.length;
      };
      let damage: string | null = null;
      const onCut = (why: string) => {
        damage = `The archive that the image made is not whole: ${why}`;
      };
      const source = bytesOfFd(fd, 0, size, signal);
      try {
        await rewrite({ ...contents, onCut }, { path: "", depth: 0 }, source, sink);
      } catch (error) {
        if (!(error instanceof ClosedError)) throw error;
        throw new PackError(
          "EVERIFY",
          `Secrets cannot be taken out of the archive that the image made, so it is not kept: ${error.message}`,
        );
      }
      return damage;
    },
  };
}

/** Rewrites an open file where it is a text, with one piece of memory for all of it. Gives false where it is none. */
async function rewriteText(
  { redactor, signal }: Contents,
  name: string,
  fd: number,
  size: number,
  spool: Spool,
): Promise<boolean> {
  const piece = Buffer.allocUnsafeSlow(Math.min(PIECE, size));
  const head = await readFully(fd, piece.subarray(0, Math.min(HEAD, size)), 0);
  if (kindOf(piece.subarray(0, head)) !== "text") return false;
  const scanner = redactor.file();
  for (let at = 0; at < size;) {
    signal.throwIfAborted();
    const length = await readFully(fd, piece.subarray(0, Math.min(PIECE, size - at)), at);
    if (length === 0) break; // shorter than it was: what reads it back says so
    at += length;
    for (const out of scanner.push(piece.subarray(0, length))) await spool.write(out);
  }
  for (const out of scanner.end()) await spool.write(out);
  if (scanner.values > 0) redactor.ledger.file(redactor.name(name), scanner.values);
  return true;
}
