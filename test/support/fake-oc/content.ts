import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { tar } from "./tar.ts";

/** What the image of a pod gathers. */
export type Content =
  /** One archive made in the pod, as Forklift's image does; `targeted` holds less. */
  | { kind: "archive"; targeted?: boolean }
  /** The tree of 174 files and links that was recorded. */
  | { kind: "plain" }
  | { kind: "partial" }
  /** A log of one line a second; without `lines` it never ends. */
  | { kind: "slow"; lines?: number }
  /** Files named `blob1` and on, each of so many bytes. */
  | { kind: "blobs"; files: number; bytes: number }
  /** Files of the test's own: path → text. */
  | { kind: "files"; files: Record<string, string> }
  | { kind: "empty" };

/** A file, or with `link` a symbolic link, below the folder that a pod gathers into. */
export interface Entry {
  path: string;
  size: number;
  /** Its bytes; without them it is `size` times the byte `fill`. */
  data?: Buffer;
  fill?: number;
  link?: string;
}

/** Seconds after which Forklift's image starts to make its archive, and has made it (recorded). */
const TARRING = 3.4;
const ARCHIVED = 3.9;

/** Seconds that the image with the blobs takes for each (recorded: 15 in 6). */
const BLOB = 0.4;

/** Lists what a pod has gathered so many seconds (of the recording's clock) after its start. */
export function contentAt(content: Content, seconds: number): Entry[] {
  switch (content.kind) {
    case "archive":
      if (seconds >= ARCHIVED) {
        return [file("must-gather.tar.gz", archive(content.targeted ?? false))];
      }
      return seconds < 0.5 || seconds > TARRING ? [] : forklift(content.targeted ?? false);
    case "plain":
      return seconds < 0.5 ? [] : plain();
    case "partial":
      return [file("partial/data.txt", "partial\n")];
    case "slow": {
      const lines = Math.min(Math.floor(seconds) + 1, content.lines ?? 120);
      return [
        file("slow.log", Array.from({ length: lines }, (_, n) => `line ${n + 1}\n`).join("")),
      ];
    }
    case "blobs":
      return Array.from({ length: content.files }, (_, n) => ({
        path: `blob${n + 1}`,
        size: content.bytes,
        fill: n + 1,
      })).filter((_, n) => seconds >= BLOB * (n + 1));
    case "files":
      return Object.entries(content.files).map(([path, text]) => file(path, text));
    case "empty":
      return [];
  }
}

/** Gives the bytes of an entry, 64 KiB at a time. */
export function* bytesOf(entry: Entry): Generator<Buffer> {
  if (entry.data) return yield entry.data;
  const chunk = Buffer.alloc(Math.min(entry.size, 65_536), entry.fill ?? 0);
  for (let left = entry.size; left > 0; left -= chunk.length) {
    yield left < chunk.length ? chunk.subarray(0, left) : chunk;
  }
}

/**
 * Puts entries into rsync's order and names the folders between them: in each folder first its files,
 * then its folders (their names end in `/`).
 */
export function listing(entries: Entry[]): (Entry | string)[] {
  const listed: (Entry | string)[] = [];
  const visit = (prefix: string) => {
    const below = entries.filter((entry) => entry.path.startsWith(prefix));
    const isHere = (entry: Entry) => !entry.path.slice(prefix.length).includes("/");
    listed.push(...below.filter(isHere).sort((a, b) => (a.path < b.path ? -1 : 1)));
    const folders = below.filter((entry) => !isHere(entry))
      .map((entry) => entry.path.slice(0, entry.path.indexOf("/", prefix.length) + 1));
    for (const folder of [...new Set(folders)].sort()) {
      listed.push(folder);
      visit(folder);
    }
  };
  visit("");
  return listed;
}

function file(path: string, text: string | Buffer): Entry {
  const data = Buffer.from(text);
  return { path, size: data.length, data };
}

function yaml(kind: string, name: string, namespace: string, size: number): string {
  const head =
    `apiVersion: forklift.konveyor.io/v1beta1\nkind: ${kind}\nmetadata:\n  name: ${name}\n` +
    `  namespace: ${namespace}\n`;
  return `${head}# ${"-".repeat(Math.max(0, size - head.length - 3))}\n`;
}

function log(pod: string, size: number): string {
  const line =
    `{"level":"info","ts":"2026-11-22 13:10:58","logger":"${pod}","msg":"reconcile done"}\n`;
  return line.repeat(Math.ceil(size / line.length)).slice(0, size);
}

const KINDS = [
  "forkliftcontroller",
  "hook",
  "host",
  "migration",
  "networkmap",
  "plan",
  "provider",
  "storagemap",
];

/** Bytes of each pod's log in the recorded tree: of its container `inventory`, and of `main`. */
const LOGS: Record<string, [number, number]> = {
  "forklift-controller-6f5c9-abcde": [226_800, 217_800],
  "forklift-operator-844b-pppp": [219_600, 210_600],
  "forklift-ui-5d8-qwert": [208_800, 199_800],
  "forklift-validation-7bd-xyz12": [223_200, 214_200],
  "must-gather-api-66c9-zzzzz": [217_800, 208_800],
};

function plain(): Entry[] {
  const entries = [
    file("empty file with spaces.txt", ""),
    file("version", "localhost/plain-must-gather 1.0"),
    { path: "version-link", size: 0, link: "version" },
    ...[1, 2, 3].map((n) =>
      file(`cluster-scoped-resources/core/nodes/node${n}.yaml`, "kind: Node\n")
    ),
  ];
  for (const namespace of ["ns-one", "ns-two"]) {
    for (const kind of KINDS) {
      for (let n = 1; n <= 8; n++) {
        const size = kind === "forkliftcontroller" ? 203 : 175;
        const text = yaml(kind, `${kind}${n}`, namespace, size);
        entries.push(file(`namespaces/${namespace}/crs/${kind}s/${kind}${n}.yaml`, text));
      }
    }
    for (const [pod, sizes] of Object.entries(LOGS)) {
      for (const [n, container] of ["inventory", "main"].entries()) {
        const folder = `namespaces/${namespace}/logs/${pod}/${container}`;
        entries.push(file(`${folder}/current.log`, log(pod, sizes[n] ?? 0)));
        entries.push(file(`${folder}/previous.log`, log(pod, 3492)));
      }
    }
  }
  return entries;
}

function forklift(targeted: boolean): Entry[] {
  const namespaces = targeted
    ? ["konveyor-forklift"]
    : ["openshift-mtv", "openshift-migration", "konveyor-forklift"];
  return namespaces.flatMap((namespace) => [
    ...["plan", "provider", "networkmap"].map((kind) =>
      file(
        `namespaces/${namespace}/crs/${kind}s/${kind}1.yaml`,
        yaml(kind, `${kind}1`, namespace, 400),
      )
    ),
    file(
      `namespaces/${namespace}/logs/forklift-controller-6f5c9-abcde/main/current.log`,
      log("forklift-controller", 20_000),
    ),
  ]);
}

/** The archive that Forklift's image makes: its tree below one folder, as a gzipped tar. */
function archive(targeted: boolean): Buffer {
  const entries = forklift(targeted).map((entry) => ({
    ...entry,
    path: `must-gather/${entry.path}`,
  }));
  return gzipSync(Buffer.concat([...tar(entries)]));
}
