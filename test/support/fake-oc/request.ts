import fs from "node:fs";
import { isOn, mustGatherFlags, parseFlags, valueOf } from "./flags.ts";
import type { Release } from "./release.ts";

/** What a run of `oc adm must-gather` was asked for. */
export interface Request {
  images: string[];
  imageStreams: string[];
  dest: string;
  nodeName: string;
  sourceDir: string;
  runNamespace: string;
  /** Seconds. */
  timeout: number;
  words: string[] | null;
  help: boolean;
  kubeconfig: string;
  /** What oc warns of on stderr before anything else. */
  warning: string;
  /** What oc prints on stderr before it exits with 1; empty when all is well. */
  error: string;
  /** True where that comes only after the line that names the image. */
  late: boolean;
}

/** The image of a cluster that names none. */
const DEFAULT_IMAGE = "registry.redhat.io/openshift4/ose-must-gather:latest";

/** Reads the command line of `oc adm must-gather` and checks it as this release does. */
export function readRequest(argv: string[], release: Release): Request {
  const kinds = Object.fromEntries(mustGatherFlags(release).map(({ name, kind }) => [name, kind]));
  const flags = parseFlags(argv, { ...kinds, help: "switch", h: "switch" }, "adm must-gather");
  const list = (name: string) =>
    (flags.given.get(name) ?? []).flatMap((value) => value.split(",")).filter((value) =>
      value !== ""
    );
  const streams = list("image-stream");
  const images = [...list("image"), ...streams];
  const request: Request = {
    images: images.length > 0 ? images : [DEFAULT_IMAGE],
    imageStreams: streams,
    dest: valueOf(flags, "dest-dir", `must-gather.local.${Date.now()}`),
    nodeName: valueOf(flags, "node-name"),
    sourceDir: valueOf(flags, "source-dir", "/must-gather/"),
    runNamespace: valueOf(flags, "run-namespace"),
    timeout: 600,
    words: flags.words !== null && flags.words.length > 0 ? flags.words : null,
    help: isOn(flags, "help") || isOn(flags, "h"),
    kubeconfig: valueOf(flags, "kubeconfig", process.env["KUBECONFIG"] ?? ""),
    warning: "",
    error: flags.error,
    late: false,
  };
  if (request.error === "") readTimeout(request, valueOf(flags, "timeout", "10m0s"));
  if (request.error === "") {
    const exclusion = excluded(new Set(flags.given.keys()));
    if (flags.positional.length > 0) {
      request.error = `error: unexpected argument ${flags.positional[0]}\n`;
    } else if (exclusion !== "") request.error = `error: ${exclusion}\n`;
    else checkLate(request);
  }
  return request;
}

function excluded(given: Set<string>): string {
  if (given.has("node-name") && given.has("node-selector")) {
    return "--node-name and --node-selector are mutually exclusive: please specify one or the other";
  }
  if (given.has("since") && given.has("since-time")) {
    return "at most one of `since` or `since-time` may be specified";
  }
  const others = ["image", "image-stream", "node-name", "host-network"].find((name) =>
    given.has(name)
  );
  if (given.has("all-images") && others) {
    return `--all-images and --${others} are mutually exclusive`;
  }
  return "";
}

function checkLate(request: Request): void {
  if (request.dest.includes(":")) {
    request.error = "error: --dest-dir may not contain special characters such as colon(:)\n";
  } else if (/[/%]/.test(request.nodeName)) {
    request.error = "error: --node-name may not contain '/' or '%'\n";
  }
  request.late = request.error !== "";
}

const UNITS: Record<string, number> = {
  ns: 1e-9,
  us: 1e-6,
  "µs": 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};

function readTimeout(request: Request, text: string): void {
  const go = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+|0)$/.exec(text);
  if (go) {
    let seconds = 0;
    for (const part of (go[2] ?? "").matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)) {
      seconds += Number(part[1]) * (UNITS[part[2] ?? ""] ?? 0);
    }
    request.timeout = go[1] === "-" ? -seconds : seconds;
    return;
  }
  request.warning =
    "Flag --timeout's value in seconds has been deprecated, use duration like 5s, 2m, or 3h, instead\n";
  if (/^[+-]?\d+$/.test(text)) request.timeout = Number(text);
  else {
    request.error = `error: invalid argument "${text}" for "--timeout" flag: ` +
      `strconv.ParseInt: parsing "${text}": invalid syntax\n`;
  }
}

/** What oc prints where its kubeconfig is named but not there; empty when it can be read, or none is named. */
export function missingConfig(kubeconfig: string): string {
  if (kubeconfig === "") return "";
  try {
    fs.accessSync(kubeconfig, fs.constants.R_OK);
    return "";
  } catch {
    return [
      `W1122 13:17:42.942141    ${process.pid} loader.go:222] Config not found: ${kubeconfig}`,
      "error: Missing or incomplete configuration info.  Please point to an existing, complete config file:",
      "",
      "",
      "  1. Via the command-line flag --kubeconfig",
      "  2. Via the KUBECONFIG environment variable",
      "  3. In your home directory as ~/.kube/config",
      "",
      "To view or setup config directly use the 'config' command.",
      "",
    ].join("\n");
  }
}
