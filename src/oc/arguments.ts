import { formatSeconds } from "../duration.ts";

/** The options of one gather that reach oc. All were checked at the door; none can be taken for another option. */
export type GatherOptions = Readonly<{
  images: readonly string[];
  imageStreams: readonly string[];
  allImages: boolean;
  nodeName: string;
  nodeSelector: string;
  hostNetwork: boolean;
  since: string;
  sinceTime: string;
  /** `null` leaves it to oc. */
  volumePercentage: number | null;
  sourceDir: string;
  /** One text for bash, as `commandLine()` makes it; `""` runs the image's own gather script. */
  commandLine: string;
}>;

/** Where oc puts what it fetched, and for how long. As whom it asks is in its environment. */
export type OcRun = Readonly<{
  /** Folder that oc fills. oc refuses a `:` in it. */
  destination: string;
  /** From {@link ocTimeout}. */
  ocTimeoutMs: number;
}>;

/** What oc gets on top, in ms, so that the service's deadline falls first: CONTRACT, `timeout`. */
const MARGIN_MS = 10 * 60_000;

/** The `--timeout` for oc: the gather's own, the grace for pulling the image, and ten minutes. Milliseconds. */
export function ocTimeout(timeoutMs: number, graceMs: number): number {
  return timeoutMs + graceMs + MARGIN_MS;
}

/**
 * The argument vector of `oc adm must-gather`, without oc itself.
 *
 * Every value stands behind its flag's `=`, so no value can be read as a flag; the command is one argument.
 */
export function ocArguments(options: GatherOptions, run: OcRun): string[] {
  const args = ["adm", "must-gather"];
  const flag = (name: string, value: string | number) => {
    if (value !== "") args.push(`--${name}=${value}`);
  };
  for (const image of options.images) flag("image", image);
  for (const stream of options.imageStreams) flag("image-stream", stream);
  if (options.allImages) flag("all-images", "true");
  flag("node-name", options.nodeName);
  flag("node-selector", options.nodeSelector);
  if (options.hostNetwork) flag("host-network", "true");
  flag("since", options.since);
  flag("since-time", options.sinceTime);
  flag("volume-percentage", options.volumePercentage ?? "");
  flag("dest-dir", run.destination);
  flag("timeout", formatSeconds(run.ocTimeoutMs));
  flag("source-dir", options.sourceDir);
  if (options.commandLine !== "") args.push("--", options.commandLine);
  return args;
}
