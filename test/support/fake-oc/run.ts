import { Buffer } from "node:buffer";
import { type Cluster, suffix } from "./cluster.ts";
import { Destination } from "./destination.ts";
import { type RecordedNames, recordedNames, type Recording } from "./recording.ts";
import { stampsOutput, timeNow } from "./release.ts";
import type { Request } from "./request.ts";
import { type Scenario, scenarioFor } from "./scenarios.ts";
import { Cancelled, type Signals } from "./signals.ts";
import { gate, record, type State } from "./state.ts";
import { say, sayOf } from "./stdio.ts";

/** Where a run is, which decides what a signal does. */
export type Phase = "starting" | "waiting" | "gathering" | "copying" | "ending";

/** One pod of a run. */
export interface RunPod {
  name: string;
  image: string;
  scenario: Scenario;
  created: boolean;
  /** What `gather.logs` gets. */
  log: string[];
}

/** Seconds between a pod's creation and its containers running (recorded: 0.5 to 0.9). */
const STARTING = 0.7;

/** Thrown when what a pod gathered could not be copied; nothing of that was recorded. */
export class CopyFailed extends Error {}

/** Thrown when the destination cannot be made. */
export class Unwritable extends Error {
  override cause: NodeJS.ErrnoException;
  constructor(cause: NodeJS.ErrnoException) {
    super(cause.message);
    this.cause = cause;
  }
}

/**
 * One run of `oc adm must-gather`: the names that it made up, and what its lines stand for. A line is
 * printed only after what it tells of has been done to the pretended cluster.
 */
export class Run {
  readonly state: State;
  readonly cluster: Cluster;
  readonly request: Request;
  readonly signals: Signals;
  readonly namespace: string;
  readonly binding = `must-gather-${suffix()}`;
  readonly pods: RunPod[];
  readonly destination: Destination;
  readonly #ticker: Ticker;
  #inspect = `inspect.local.${process.hrtime.bigint()}`;
  #phase: Phase = "starting";

  constructor(state: State, cluster: Cluster, request: Request, signals: Signals) {
    this.state = state;
    this.cluster = cluster;
    this.request = request;
    this.signals = signals;
    this.namespace = request.runNamespace || `openshift-must-gather-${suffix()}`;
    this.destination = new Destination(request.dest, state.config.release);
    this.pods = request.images.map((image) => ({
      name: `must-gather-${suffix()}`,
      image,
      scenario: scenarioFor(state, image),
      created: false,
      log: [],
    }));
    if (this.pods.some(({ scenario }) => scenario.deaf)) signals.deaf = true;
    this.#ticker = this.ticker();
  }

  get phase(): Phase {
    return this.#phase;
  }

  enter(phase: Phase): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    record(this.state, { type: "phase", pid: process.pid, at: Date.now(), phase });
  }

  /** A clock of its own, for what goes on beside the rest. */
  ticker(): Ticker {
    return new Ticker(this, this.pods.some(({ scenario }) => scenario.instant));
  }

  /** Waits so many of the recording's seconds. Throws `Cancelled` where a signal ends the phase. */
  pause(seconds: number): Promise<void> {
    return this.#ticker.pause(seconds);
  }

  /** Waits while the test holds this gate. */
  async gate(name: string): Promise<void> {
    await gate(this.state, name, () => this.checkCancelled());
    this.checkCancelled();
  }

  /** Throws `Cancelled` once a signal came, unless oc is copying or ending already: then it goes on. */
  checkCancelled(): void {
    if (!this.signals.cancelled || this.#phase === "copying" || this.#phase === "ending") return;
    throw new Cancelled("context canceled");
  }

  /** Prints a line of oc's own about itself (`[must-gather      ] OUT …`) or about a pod. */
  out(text: string, pod = "must-gather"): Promise<void> {
    const time = stampsOutput(this.state.config.release) ? `${timeNow()} ` : "";
    return this.line(1, `[${pod.padEnd(17)}] OUT ${time}${text}`);
  }

  /** Prints a line of a pod, and keeps it for `gather.logs`. */
  podLine(pod: RunPod, text: string, time = timeNow()): Promise<void> {
    const line = `${time} ${text}\n`;
    pod.log.push(line);
    return say(
      1,
      Buffer.from(`[${pod.name}] POD ${line}`, pod.scenario.latin1 ? "latin1" : "utf8"),
    );
  }

  /** Prints a line as it is, after doing what it tells of. */
  async line(fd: 1 | 2, text: string, recording?: Recording): Promise<void> {
    const said = /^\[must-gather {6}\] OUT (?:\d\S+Z )?(.*)$/.exec(text)?.[1] ?? "";
    const pod = said.startsWith("pod for plug-in image ");
    let make: (() => void) | undefined;
    if (said === `namespace/${this.namespace} created`) {
      await this.gate("before-namespace");
      make = () => this.cluster.createNamespace(this.namespace);
    } else if (/^clusterrolebinding\S+ created$/.test(said)) {
      await this.gate("before-binding");
      make = () => this.cluster.createBinding(this.binding, this.namespace);
    } else if (pod) {
      await this.gate("before-pod");
      this.createPod(said.slice("pod for plug-in image ".length, -" created".length));
    } else if (said === `namespace/${this.namespace} deleted`) {
      this.enter("ending");
      await this.gate("before-delete");
      this.cluster.deleteNamespace(this.namespace);
    } else if (/^clusterrolebinding\S+ deleted$/.test(said)) {
      this.cluster.deleteBinding(this.binding);
    } else if (recording && text.includes("Wrote inspect data to ")) {
      this.destination.inspect(recording, this.#inspect);
    }
    if (fd === 1) this.destination.log(`${text}\n`);
    await (make ? sayOf(make, fd, `${text}\n`) : say(fd, `${text}\n`));
    if (pod && this.pods.every(({ created }) => created)) this.#openDestination();
  }

  /** Makes the next pod of this image. */
  createPod(image: string): void {
    const pod = this.pods.find((one) => one.image === image && !one.created) ?? this.pods[0];
    if (!pod) return;
    pod.created = true;
    this.cluster.createPod({
      name: pod.name,
      namespace: this.namespace,
      image,
      sourceDir: this.request.sourceDir.replace(/(.)\/+$/, "$1"),
      started: Date.now() + STARTING * 1000 / this.state.config.speed,
      running: !pod.scenario.whole || pod.scenario.recording.startsWith("command-exit"),
      content: pod.scenario.content ?? { kind: "empty" },
      exec: pod.scenario.exec ?? "plain",
    });
  }

  #openDestination(): void {
    this.enter("waiting");
    try {
      this.destination.open();
    } catch (error) {
      throw new Unwritable(error as NodeJS.ErrnoException);
    }
  }

  /** Makes the function that puts this run's names and the time now in the place of the recorded ones. */
  filler(recording: Recording): (text: string) => string {
    const recorded: RecordedNames = recordedNames(recording);
    const pairs: [string, string][] = [];
    if (recorded.namespace) pairs.push([recorded.namespace, this.namespace]);
    if (recorded.binding) pairs.push([recorded.binding, this.binding]);
    recorded.pods.forEach((pod, n) => pairs.push([pod, this.pods[n]?.name ?? pod]));
    recorded.images.forEach((image, n) => pairs.push([image, this.request.images[n] ?? image]));
    pairs.push(["DEST", this.destination.folder]);
    return (text) => {
      const filled = pairs.reduce((line, [from, to]) => line.replaceAll(from, to), text);
      return filled
        .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, () => timeNow())
        .replace(/inspect\.local\.\d+/, this.#inspect)
        .replace(
          /^([EW]\d{4} )[\d:.]+( +)\d+/,
          (_, level, gap) =>
            `${level}${new Date().toISOString().slice(11, 19)}.000000${gap}${process.pid}`,
        );
    };
  }

  /** Tells whether somebody else has deleted the namespace. */
  vanished(): boolean {
    return this.cluster.namespace(this.namespace)?.phase !== "Active";
  }
}

/** Waits in step with the recording, however long the work between took. */
export class Ticker {
  readonly #run: Run;
  readonly #instant: boolean;
  #due = performance.now();

  constructor(run: Run, instant: boolean) {
    this.#run = run;
    this.#instant = instant;
  }

  /** Waits so many of the recording's seconds. Throws `Cancelled` where a signal ends the phase. */
  async pause(seconds: number): Promise<void> {
    const run = this.#run;
    run.checkCancelled();
    if (this.#instant) return;
    const now = performance.now();
    // Held up for longer (a gate, a slow reader): what was lost is not made up for in a rush.
    this.#due = Math.max(this.#due, now - 50) + seconds * 1000 / run.state.config.speed;
    for (let left = this.#due - now; left > 1; left = this.#due - performance.now()) {
      await run.signals.sleep(left);
      run.checkCancelled();
    }
  }
}

/** What the file system's error is called in oc's messages. */
export function goError({ code = "" }: NodeJS.ErrnoException): string {
  const texts: Record<string, string> = {
    ENOENT: "no such file or directory",
    EACCES: "permission denied",
    ENOTDIR: "not a directory",
    EROFS: "read-only file system",
    ENOSPC: "no space left on device",
  };
  return texts[code] ?? code;
}
