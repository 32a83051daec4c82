/**
 * Fetching what the pods of a must-gather hold, before oc is told to stop: afterwards they are gone, and what they collected
 * with them. oc itself never does this for a gather that it gives up (openshift/oc#203, #2297).
 */
import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../errors.ts";
import type { UntarLimits } from "../archive/untar/unpacker.ts";
import type { Untarred } from "../archive/untar/untar.ts";
import type { OcCall } from "./features.ts";
import { type OcEnd, type OcProgram, streamOc } from "./stream.ts";

export interface SalvageRequest {
  /** Those that this gather's oc made: checked names, `openshift-must-gather-xxxxx`. */
  namespaces: readonly string[];
  /** The folder of the pods that is fetched. */
  sourceDir: string;
  /** oc's destination. What a pod holds goes into `salvaged-<pod>` there: the folder's name as oc makes it, from the image, is not known. */
  tree: string;
  /** For short questions to the cluster. */
  call: OcCall;
  /** For the long ones. */
  run: OcProgram;
  /** The most that is fetched from all pods together, bytes; 20 GiB unless given, and never more. */
  maxBytes?: number | undefined;
}

/** The most that WORK_LIMIT is by itself (the contract's). */
const MOST_BYTES = 20 * 2 ** 30;

/** Of all pods together; what the packer takes (`TREE_LIMITS`). */
const MOST_ENTRIES = 1_000_000;

/** Pods that are fetched at once: each is a stream through the API server, and an oc here. */
const AT_ONCE = 4;

/** Sentences that are told; of the pods behind them only their number. A message holds ten, from all sources. */
const MOST_SENTENCES = 5;

/** Entries left out that a sentence names. */
const MOST_NAMED = 3;

/** Characters of oc's words that a sentence quotes. */
const LONGEST_WORDS = 300;

/** How long an oc may stay when its stream has ended, milliseconds: it has nothing to do any more but to ask for tar's exit code. */
const LONGEST_LINGER_MS = 5000;

const NO_TIME = "there was no more time for it";

/**
 * Fetches what each pod of `namespaces` has collected so far, several at a time, and unpacks it as if oc had copied it.
 *
 * Never rejects. What a pod could not give is told in a sentence that names it; what came of it stays, and the file that was
 * on its way is under the name that rsync would give it. When `signal` aborts it ends within moments; nothing runs afterwards.
 */
export async function salvage(
  request: SalvageRequest,
  signal: AbortSignal,
  trouble: (sentence: string) => void,
): Promise<void> {
  const bytes = Math.min(request.maxBytes ?? MOST_BYTES, MOST_BYTES);
  const limits = { bytes, entries: MOST_ENTRIES };
  const told = new Telling(trouble);
  const listed = await Promise.all(
    request.namespaces.map((namespace) => listPods(namespace, request.call, signal, told)),
  );
  const waiting = listed.flat().values();
  const work = async (): Promise<void> => {
    for (const pod of waiting) await fetchPod(pod, request, limits, signal, told);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  told.end();
}

interface Pod {
  namespace: string;
  name: string;
}

async function listPods(
  namespace: string,
  call: OcCall,
  signal: AbortSignal,
  told: Telling,
): Promise<Pod[]> {
  const nothing = `Nothing could be fetched from namespace ${namespace}`;
  if (signal.aborted) {
    told.say(`${nothing}: ${NO_TIME}`);
    return [];
  }
  const answer = await call(["get", "pods", "-n", namespace, "-o", "name"]);
  if (answer.code !== 0) {
    told.say(`${nothing}: ${signal.aborted ? NO_TIME : wordsOf(answer)}`);
    return [];
  }
  // The pods of a must-gather only, whatever else is there: the names go into command lines and paths.
  const found = answer.stdout.matchAll(/^pod\/(must-gather-[a-z0-9]{5})$/gm);
  const names = new Set([...found].map(([, name]) => name!));
  if (names.size === 0) told.say(`${nothing}: there is no pod in it`);
  return [...names].map((name) => ({ namespace, name }));
}

async function fetchPod(
  { namespace, name }: Pod,
  { sourceDir, tree, run }: SalvageRequest,
  limits: UntarLimits,
  signal: AbortSignal,
  told: Telling,
): Promise<void> {
  if (signal.aborted) return told.say(`Nothing could be fetched from pod ${name}: ${NO_TIME}`);
  const folder = join(tree, `salvaged-${name}`);
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    const why = `its folder cannot be made: ${codeOf(error)}`;
    return told.say(`Nothing could be fetched from pod ${name}: ${why}`);
  }
  const { untar } = await import("../archive/untar/untar.ts"); // few gathers need it; before there is a stream to listen to
  const tar = ["tar", "-C", sourceDir, "-cf", "-", "."];
  const oc = streamOc(["exec", "-n", namespace, name, "-c", "copy", "--", ...tar], run, signal);
  const got = await untar(oc.stdout, folder, limits, signal);
  if (got.end === "stopped") oc.kill();
  const linger = setTimeout(oc.kill, LONGEST_LINGER_MS);
  const end = await oc.ended;
  clearTimeout(linger);
  await rmdir(folder).catch(() => {}); // where there is something in it, it stays

  const why = whyInPart(got, end, signal);
  if (why !== "") {
    told.say(
      kept(got) === ""
        ? `Nothing could be fetched from pod ${name}: ${why}`
        : `Pod ${name} was fetched only in part (${kept(got)}): ${why}`,
    );
  }
  if (got.skipped.total > 0) {
    const named = got.skipped.items.slice(0, MOST_NAMED).map(({ name, why }) => `${name} (${why})`);
    const rest = got.skipped.total > named.length ? ", …" : "";
    told.say(`Left out of pod ${name}, ${got.skipped.total} in all: ${named.join(", ")}${rest}`);
  }
}

/** Why not all of a pod came; `""` when it did. */
function whyInPart(got: Untarred, end: OcEnd, signal: AbortSignal): string {
  // tar's exit 1 is that files changed or went while they were read. oc's own failures are 1 too, but bring no whole tar.
  if (got.end === "whole") {
    return end.code === null || end.code <= 1 ? "" : `tar ended with ${end.code}: ${wordsOf(end)}`;
  }
  if (signal.aborted) return NO_TIME;
  return got.end === "stopped" || end.code === 0 ? got.why : wordsOf(end);
}

/** What a command line says last, and what says nothing. */
const EMPTY_WORDS =
  /^(?:$|command terminated with|tar: Exiting with failure status|tar: Error exit delayed)/;

/** oc's last words, or what is to be said without them; bounded and on one line. */
function wordsOf({ code, stderr }: OcEnd): string {
  const lines = stderr.split("\n").map((line) => line.replace(/\p{C}+/gu, " ").trim());
  const last = lines.findLast((line) => !EMPTY_WORDS.test(line));
  if (last !== undefined) return last.slice(0, LONGEST_WORDS);
  if (code === null) return "oc was ended by a signal";
  return `exit code ${code}, and no word`;
}

/** What there is of a pod of which not all came; `""` for nothing. */
function kept({ files, bytes, unfinished }: Untarred): string {
  return [
    ...(files === 0 ? [] : [`${files} ${files === 1 ? "file" : "files"}, ${sized(bytes)}`]),
    ...(unfinished === undefined ? [] : [`a part of ${unfinished}`]),
  ].join(", and ");
}

function sized(bytes: number): string {
  return bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** Passes the first sentences on and counts the others. */
class Telling {
  readonly #trouble: (sentence: string) => void;
  #said = 0;

  constructor(trouble: (sentence: string) => void) {
    this.#trouble = trouble;
  }

  say(sentence: string): void {
    if (this.#said++ < MOST_SENTENCES) this.#trouble(sentence);
  }

  end(): void {
    const more = this.#said - MOST_SENTENCES;
    if (more > 0) this.#trouble(`${more} more such failures in fetching from pods`);
  }
}
