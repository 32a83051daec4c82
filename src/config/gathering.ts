import { Buffer } from "node:buffer";
import type { Config, OcChoice, System } from "../config.ts";
import { isAllowedImage, readAllowedImage } from "../schema/allowed-images.ts";
import { splitList } from "../schema/options.ts";
import { type Bounds, ConfigError, type Variables } from "./environment.ts";

const HOUR = 3_600_000;
/**
 * A timer holds 2³¹−1 ms (596 h). The longest delay made of these is MAX_TIMEOUT + TIMEOUT_GRACE + 10 m: 505 h.
 */
const MAX_TIMEOUT: Bounds = { text: "from 1s to 480h", min: 1000, max: 480 * HOUR };
const TIMEOUT_GRACE: Bounds = { text: "from 0s to 24h", min: 0, max: 24 * HOUR };
const STOP_GRACE: Bounds = { text: "from 1ms to 10m", min: 1, max: HOUR / 6 };
const DRAIN_GRACE: Bounds = { text: "from 1ms to 1h", min: 1, max: HOUR };
const LINK_MAX_AGE: Bounds = { text: "from 1s to 168h", min: 1000, max: 168 * HOUR };

/** What oc itself writes beside an image's folder; an archive of such a name could not be told from it. */
const OC_OWN_FILES = ["timestamp", "event-filter.html", "must-gather.logs", "gather.logs"];
type Times = Pick<
  Config,
  | "timeout"
  | "timeoutMs"
  | "maxTimeoutMs"
  | "timeoutGraceMs"
  | "stopGraceMs"
  | "drainGraceMs"
  | "linkMaxAgeMs"
  | "cleanupMaxAgeMs"
>;

/** Every duration of the service, bounded so that no timer made of them can overflow. */
export function readTimes(read: Variables): Times {
  const maxTimeoutMs = read.durationMs("MAX_TIMEOUT", MAX_TIMEOUT) ?? 24 * HOUR;
  const max = read.text("MAX_TIMEOUT") ?? "24h";
  const within = { text: `more than 0s, at most ${max} (MAX_TIMEOUT)`, min: 1, max: maxTimeoutMs };
  const timeoutMs = read.durationMs("TIMEOUT", within) ?? HOUR / 3;
  if (timeoutMs > maxTimeoutMs) {
    throw new ConfigError("MAX_TIMEOUT", max, "at least the 20m that TIMEOUT is by default");
  }
  return {
    timeout: read.text("TIMEOUT") ?? "20m",
    timeoutMs,
    maxTimeoutMs,
    timeoutGraceMs: read.durationMs("TIMEOUT_GRACE", TIMEOUT_GRACE) ?? 5 * 60_000,
    stopGraceMs: read.durationMs("STOP_GRACE", STOP_GRACE) ?? 10_000,
    drainGraceMs: read.durationMs("DRAIN_GRACE", DRAIN_GRACE) ?? 25_000,
    linkMaxAgeMs: read.durationMs("LINK_MAX_AGE", LINK_MAX_AGE) ?? HOUR,
    cleanupMaxAgeMs: (read.text("CLEANUP_MAX_AGE") ?? "-1") === "-1"
      ? undefined
      : read.durationMs("CLEANUP_MAX_AGE", { text: "or -1 for never", min: 1, max: Infinity }),
  };
}

/** What the archive is called and how it is packed. */
export function readArchive(
  read: Variables,
): Pick<Config, "archiveFilename" | "archiveFormat" | "archiveLevel"> {
  const name = read.text("ARCHIVE_FILENAME") ?? "must-gather.tar.gz";
  const usable = !/[/\x00-\x1f\x7f]/.test(name) && Buffer.byteLength(name) <= 255 &&
    name !== "." && name !== ".." && !OC_OWN_FILES.includes(name);
  if (!usable) {
    throw new ConfigError(
      "ARCHIVE_FILENAME",
      name,
      `a file name without a folder, and none of oc's own (${OC_OWN_FILES.join(", ")})`,
    );
  }
  return {
    archiveFilename: name,
    archiveFormat: read.choice("ARCHIVE_FORMAT", ["zip", "tar.gz"]) ?? "zip",
    archiveLevel: read.integer("ARCHIVE_LEVEL", 0, 9) ?? 6,
  };
}

/** Whether every archive is redacted, and the service's own rules for it. */
export function readRedaction(
  read: Variables,
  system: System,
): Pick<Config, "redact" | "redactRules"> {
  const path = read.path("REDACT_RULES", system.cwd);
  const redact = read.flag("REDACT") ?? false;
  if (path === undefined) return { redact, redactRules: "" };
  const text = system.readText(path);
  if (text === undefined) {
    throw new ConfigError("REDACT_RULES", path, "a file that can be read");
  }
  return { redact, redactRules: text };
}

/** The image of a request that names none. */
export function readImage(read: Variables): string {
  const image = read.text("MUST_GATHER_IMAGE") ?? "quay.io/kubev2v/forklift-must-gather";
  if (!/^[^\s\x00-\x1f\x7f-][^\s\x00-\x1f\x7f]*$/.test(image)) {
    throw new ConfigError("MUST_GATHER_IMAGE", image, "an image reference, or several with commas");
  }
  return image;
}

/**
 * The patterns of what requests may run, empty for everything. The default image must be among it; the embedded gatherer
 * runs no image, whatever a request names.
 */
export function readAllowedImages(read: Variables, image: string, oc: OcChoice): string[] {
  const value = read.text("ALLOWED_IMAGES");
  if (value === undefined) return [];
  const entries = splitList(value);
  const bad = entries.find((entry) => readAllowedImage(entry) === undefined);
  if (bad !== undefined || entries.length === 0) {
    throw new ConfigError(
      "ALLOWED_IMAGES",
      bad ?? value,
      "patterns of images with commas between, such as quay.io/kubev2v/*, " +
        "image-stream:openshift/* or all-images",
    );
  }
  if (oc.kind === "embedded") return [];
  const forbidden = splitList(image).find((each) => !isAllowedImage(each, entries));
  if (forbidden !== undefined) {
    throw new ConfigError(
      "ALLOWED_IMAGES",
      value,
      `a pattern for the image of a request that names none too, ${forbidden} (MUST_GATHER_IMAGE)`,
    );
  }
  return entries;
}
