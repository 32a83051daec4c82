import { readAccess, readCluster, readOc } from "./config/cluster.ts";
import { type Environment, Variables } from "./config/environment.ts";
import {
  readAllowedImages,
  readArchive,
  readImage,
  readRedaction,
  readTimes,
} from "./config/gathering.ts";
import { readOrigins, readServing } from "./config/serving.ts";
import { readJournal, readWork } from "./config/storage.ts";

export { ConfigError, type Environment } from "./config/environment.ts";

/** What the service has to know of the machine in order to choose defaults. */
export interface System {
  readonly runtime: "node" | "deno";
  /** The absolute path of an executable file: a name is looked for on PATH, anything with a slash is taken as a path. */
  findProgram(name: string): string | undefined;
  /** Whether `path` is a folder that can be written in, or could be made (with its parents) and then be one. */
  isWritableFolder(path: string): boolean;
  /** The text of a file, `undefined` where it cannot be read. */
  readText(path: string): string | undefined;
  /** Whether a regular file is at `path`. */
  isFile(path: string): boolean;
  readonly tmpdir: string;
  readonly cwd: string;
  /** How many processors this process may use. */
  readonly cpus: number;
  readonly homedir?: string | undefined;
}

/** Where `oc` is, or that the embedded gatherer stands in for it. */
export type OcChoice =
  | { readonly kind: "program"; readonly path: string }
  | { readonly kind: "embedded" };

/** Everything the environment decides. Frozen all through; paths are absolute, `Ms` is milliseconds, `Bytes` bytes. */
export interface Config {
  /** 0 lets the system choose one (for tests). */
  readonly port: number;
  /** The address to listen on; `undefined` is every address of the machine. */
  readonly host: string | undefined;
  /** Whether that address stood in PORT, rather than being the default. */
  readonly hostNamed: boolean;
  /** Paths of PEM files; `undefined` serves plain HTTP. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined;
  /** API_TLS_ENABLED=false was said. */
  readonly tlsDisabled: boolean;
  readonly auth: "cluster-admin" | "none";
  /** Whose rights oc runs with: the caller's token, or the pod's account or kubeconfig. */
  readonly credentials: "caller" | "service";
  readonly corsOrigins: readonly string[];
  readonly kubernetes: { readonly host: string; readonly port: number } | undefined;
  /** Whether kubeconfig files come before the service account. */
  readonly useKubeconfig: boolean;
  /** KUBECONFIG's files, or `~/.kube/config` where only USE_KUBECONFIG is set; else none. */
  readonly kubeconfigPaths: readonly string[];
  readonly podNamespace: string | undefined;
  readonly image: string;
  /** Patterns of what a request may run; empty allows all. */
  readonly allowedImages: readonly string[];
  /** Whether a POST asks the cluster first if oc would get anywhere. */
  readonly preflight: boolean;
  /** TIMEOUT as it was written, for the record. */
  readonly timeout: string;
  readonly timeoutMs: number;
  readonly maxTimeoutMs: number;
  readonly timeoutGraceMs: number;
  readonly stopGraceMs: number;
  readonly drainGraceMs: number;
  readonly maxConcurrent: number;
  readonly maxQueued: number;
  readonly oc: OcChoice;
  readonly localCommands: boolean;
  readonly journalPath: string;
  /** The journal is where WORK_PATH is, because there was no tmpfs to have. */
  readonly journalOnDisk: boolean;
  readonly workPath: string;
  /** `undefined`: measured from what is free. */
  readonly workLimitBytes: number | undefined;
  readonly evict: "never" | "replaced" | "oldest";
  /** How long an ended gather is kept; `undefined` is for ever. To be compared, never slept: may exceed a timer. */
  readonly cleanupMaxAgeMs: number | undefined;
  readonly linkMaxAgeMs: number;
  readonly archiveFilename: string;
  readonly archiveFormat: "zip" | "tar.gz";
  /** Deflate's level, 0 (store) to 9. */
  readonly archiveLevel: number;
  /** Every archive is redacted. */
  readonly redact: boolean;
  /** The text of the service's own rules, not yet checked; `""` where there are none. */
  readonly redactRules: string;
  /** How many chunks are deflated at once. */
  readonly threads: number;
  /** Whether the inspector may send events to machines: for developers. */
  readonly inspectSend: boolean;
  readonly logLevel: "error" | "warn" | "info" | "debug";
  /** Sentences for the log at start. */
  readonly warnings: readonly string[];
}

/**
 * Reads the whole environment once, at start.
 *
 * Throws {@linkcode ConfigError} at the first value that cannot be used. An empty string is an unset variable.
 */
export function readConfig(env: Environment, system: System): Config {
  const read = new Variables(env);
  const warnings: string[] = [];
  const cluster = readCluster(read, system);
  const access = readAccess(read, cluster);
  const work = readWork(read, system);
  const oc = readOc(read, system, access.auth, cluster);
  const image = readImage(read);
  return deepFreeze({
    ...readServing(read, system, access.auth, warnings),
    ...access,
    ...cluster,
    ...readTimes(read),
    ...readArchive(read),
    ...readRedaction(read, system),
    corsOrigins: readOrigins(read),
    podNamespace: read.text("POD_NAMESPACE"),
    image,
    allowedImages: readAllowedImages(read, image, oc),
    preflight: read.flag("PREFLIGHT") ?? true,
    maxConcurrent: read.integer("MAX_CONCURRENT", 1, 64) ?? 2,
    maxQueued: read.integer("MAX_QUEUED", 0, 10_000) ?? 100,
    oc,
    localCommands: read.flag("LOCAL_COMMANDS") ?? false,
    ...work,
    ...readJournal(read, system, work.workPath, warnings),
    threads: read.integer("THREADS", 1, 256) ?? Math.min(Math.max(system.cpus, 1), 64),
    inspectSend: readInspectSend(read, warnings),
    logLevel: read.choice("LOG_LEVEL", ["error", "warn", "info", "debug"]) ??
      (read.isSet("DEBUG") ? "debug" : "info"),
    warnings,
  });
}

function readInspectSend(read: Variables, warnings: string[]): boolean {
  const isOn = read.flag("INSPECT_SEND") ?? false;
  if (isOn) warnings.push("INSPECT_SEND lets callers send any event to a gather: for development");
  return isOn;
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === "object" && part !== null) deepFreeze(part);
  }
  return Object.freeze(value);
}
