/** Trees that look like a must-gather's, made from a seed: the same bytes every time, on every machine. */
import { mkdir, open, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { RandomText } from "./random.ts";

/** The file of a large corpus whose size does not fit in four bytes: bytes. */
const HUGE = 4.2e9;

/** Of a large corpus: entries in all, folders aside, and bytes of all but its largest file and the many small ones. */
const MANY = 70_000;
const OTHERS = 500e6;

/** What of the bytes is what; roughly a must-gather of Forklift and one of OpenShift together. */
const SHARES = { logs: 0.7, manifests: 0.2, events: 0.06, rotated: 0.04 };

/** A container log: up to 100 MB where the corpus is large enough, else a tenth of it. Bytes. */
const LONGEST_LOG = 100e6;

/** Written at a time, bytes. */
const PIECE = 1 << 20;

/**
 * Lines are made so many times and then drawn: far more than deflate sees at once (32 KB), so that it cannot tell, and fifty
 * times faster than making each.
 */
const DRAWN_FROM = 20_000;

/** The newest time that stands in a file: milliseconds. */
const NOW = Date.UTC(2026, 0, 15);

/** What was made. */
export interface Corpus {
  files: number;
  bytes: number;
}

/**
 * Fills `folder`, which must not exist, with about `bytes` bytes. Rejects as `node:fs` does; what is there then stays.
 */
export async function makeCorpus(folder: string, bytes: number, seed: number): Promise<Corpus> {
  const maker = new Maker(folder, new RandomText(seed));
  await maker.logs(bytes * SHARES.logs, Math.min(LONGEST_LOG, bytes / 10));
  await maker.manifests(bytes * SHARES.manifests);
  await maker.events(bytes * SHARES.events);
  await maker.rotated(bytes * SHARES.rotated);
  return { files: maker.files, bytes: maker.bytes };
}

/** {@link makeCorpus} of {@link MANY} files and some 5 GB, with one file of {@link HUGE} bytes. */
export async function makeLargeCorpus(folder: string, seed: number): Promise<Corpus> {
  const { files, bytes } = await makeCorpus(folder, OTHERS, seed);
  const maker = new Maker(folder, new RandomText(seed + 1));
  await maker.huge(HUGE);
  await maker.many(MANY - files - 1);
  return { files: files + maker.files, bytes: bytes + maker.bytes };
}

/** Fills `folder` with so many manifests of 1 to 5 KB. Rejects as {@linkcode makeCorpus} does. */
export async function makeManyFiles(folder: string, files: number, seed: number): Promise<Corpus> {
  const maker = new Maker(folder, new RandomText(seed));
  await maker.many(files);
  return { files: maker.files, bytes: maker.bytes };
}

const NAMESPACES = [
  "openshift-mtv",
  "konveyor-forklift",
  "openshift-cnv",
  "openshift-storage",
  "openshift-monitoring",
  "openshift-image-registry",
  "kube-system",
  "production-web",
];
const WORKLOADS = [
  "forklift-controller",
  "forklift-api",
  "forklift-validation",
  "virt-v2v",
  "cdi-importer",
  "virt-handler",
  "prometheus-k8s",
  "image-registry",
];
const KINDS = [
  "pods",
  "configmaps",
  "persistentvolumeclaims",
  "virtualmachines",
  "plans",
  "events",
];
const LEVELS = ["info", "info", "info", "debug", "warning", "error"];
const MESSAGES = [
  "Reconcile started.",
  "Reconcile ended.",
  "Migration [RUN]",
  "Next condition evaluated",
  "Snapshot created for disk",
  "Transfer progress updated",
  "DataVolume phase changed",
  "Failed to list resource, will retry",
  "Watch closed by the server, restarting from the last known version",
  "Conversion: copying blocks with nbdkit, vddk plugin",
];

class Maker {
  readonly #folder: string;
  readonly #random: RandomText;
  readonly #logLines: readonly string[];
  readonly #manifestFields: readonly string[];
  readonly #eventItems: readonly string[];
  files = 0;
  bytes = 0;

  constructor(folder: string, random: RandomText) {
    this.#folder = folder;
    this.#random = random;
    const draw = (make: () => string) => Array.from({ length: DRAWN_FROM }, make);
    this.#logLines = draw(() => this.#logLine());
    this.#manifestFields = draw(() => this.#manifestField());
    this.#eventItems = draw(() => this.#event());
  }

  /** Container logs, half as long as `longest` to as long. */
  async logs(total: number, longest: number): Promise<void> {
    for (let left = total; left > 0;) {
      const size = Math.min(left, longest / 2 + this.#random.below(longest / 2));
      await this.#stream(`${this.#pod()}/logs/current.log`, size);
      left -= size;
    }
  }

  /** Manifests of 1 to 60 KB. */
  async manifests(total: number): Promise<void> {
    for (let left = total; left > 0;) {
      const random = this.#random;
      const namespace = random.oneOf(NAMESPACES);
      const kind = random.oneOf(KINDS);
      const name = `${random.oneOf(WORKLOADS)}-${random.hex(10)}`;
      const size = 1000 + random.below(59_000);
      let text = this.#manifestHead(kind, namespace, name);
      while (text.length < size) text += random.oneOf(this.#manifestFields);
      await this.#write(`namespaces/${namespace}/core/${kind}/${name}.yaml`, text);
      left -= text.length;
    }
  }

  /** One log. */
  async huge(size: number): Promise<void> {
    await this.#stream(`${this.#pod()}/logs/huge.log`, size);
  }

  /** So many manifests of 1 to 5 KB. */
  async many(files: number): Promise<void> {
    const random = this.#random;
    for (let i = 0; i < files; i++) {
      const namespace = random.oneOf(NAMESPACES);
      const name = `${random.oneOf(WORKLOADS)}-${random.hex(10)}`;
      let text = this.#manifestHead("leases", namespace, name);
      const size = 1000 + random.below(4000);
      while (text.length < size) text += random.oneOf(this.#manifestFields);
      await this.#write(`namespaces/${namespace}/leases/${i % 50}/${name}-${i}.yaml`, text);
    }
  }

  /** Lists of events, in JSON, up to 2 MB. */
  async events(total: number): Promise<void> {
    for (let left = total; left > 0;) {
      const size = Math.min(left, 100_000 + this.#random.below(1_900_000));
      let text = '{"apiVersion":"v1","kind":"EventList","items":[' +
        this.#random.oneOf(this.#eventItems);
      while (text.length < size) {
        text += "," + this.#random.oneOf(this.#eventItems);
      }
      const name = `${this.#random.oneOf(NAMESPACES)}/core/events-${this.#random.hex(6)}.json`;
      await this.#write(`namespaces/${name}`, text + "]}\n");
      left -= text.length;
    }
  }

  /** Logs that were rotated: packed already, so that an archive only carries them. */
  async rotated(total: number): Promise<void> {
    for (let left = total; left > 0;) {
      let text = "";
      while (text.length < 4_000_000) text += this.#random.oneOf(this.#logLines);
      const packed = gzipSync(text, { level: 6 });
      await this.#write(`${this.#pod()}/logs/rotated/0.log.gz`, packed);
      left -= packed.length;
    }
  }

  #pod(): string {
    const random = this.#random;
    const pod = `${random.oneOf(WORKLOADS)}-${random.hex(9)}-${random.hex(5)}`;
    return `namespaces/${random.oneOf(NAMESPACES)}/pods/${pod}/main/main`;
  }

  #time(): string {
    return new Date(NOW - this.#random.below(86_400_000)).toISOString();
  }

  #logLine(): string {
    const random = this.#random;
    return `${this.#time()} {"level":"${random.oneOf(LEVELS)}","ts":"${this.#time()}","logger":"${
      random.oneOf(WORKLOADS)
    }|${random.hex(5)}","msg":"${random.oneOf(MESSAGES)}","plan":{"name":"plan-${
      random.below(40)
    }","namespace":"${random.oneOf(NAMESPACES)}"},"vm":"vm-${random.below(5000)}","completed":${
      random.below(100_000)
    },"uid":"${random.below(8) === 0 ? random.uid() : ""}"}\n`;
  }

  #manifestHead(kind: string, namespace: string, name: string): string {
    return `---\napiVersion: v1\nkind: ${kind}\nmetadata:\n  name: ${name}\n  namespace: ${namespace}\n  uid: ${this.#random.uid()}\n  creationTimestamp: "${this.#time()}"\n  resourceVersion: "${
      this.#random.below(9e8)
    }"\nstatus:\n  conditions:\n`;
  }

  #manifestField(): string {
    const random = this.#random;
    return `  - lastProbeTime: null\n    lastTransitionTime: "${this.#time()}"\n    message: ${
      random.oneOf(MESSAGES)
    }\n    observedGeneration: ${random.below(1000)}\n    reason: ${
      random.oneOf(WORKLOADS)
    }\n    status: "True"\n    containerID: cri-o://${random.hex(random.below(3) * 16)}\n`;
  }

  #event(): string {
    const random = this.#random;
    return `{"metadata":{"name":"${random.oneOf(WORKLOADS)}.${random.hex(16)}","namespace":"${
      random.oneOf(NAMESPACES)
    }","uid":"${random.uid()}"},"reason":"Pulled","message":"${
      random.oneOf(MESSAGES)
    }","firstTimestamp":"${this.#time()}","count":${random.below(500)},"type":"Normal"}`;
  }

  async #write(path: string, content: string | Buffer): Promise<void> {
    await mkdir(dirname(join(this.#folder, path)), { recursive: true });
    await writeFile(join(this.#folder, path), content);
    this.#count(content.length);
  }

  async #stream(path: string, size: number): Promise<void> {
    await mkdir(dirname(join(this.#folder, path)), { recursive: true });
    const file = await open(join(this.#folder, path), "w");
    try {
      let done = 0;
      while (done < size) {
        let piece = "";
        while (piece.length < Math.min(PIECE, size - done)) {
          piece += this.#random.oneOf(this.#logLines);
        }
        await file.writeFile(piece);
        done += piece.length;
      }
      this.#count(done);
    } finally {
      await file.close();
    }
  }

  #count(bytes: number): void {
    this.files++;
    this.bytes += bytes;
  }
}
