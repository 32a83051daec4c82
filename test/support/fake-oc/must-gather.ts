import path from "node:path";
import type { Cluster } from "./cluster.ts";
import { mustGatherHelp } from "./flags.ts";
import { loadRecording, type Recording, type Step, steps } from "./recording.ts";
import { follow, Vanished } from "./pod.ts";
import type { Release } from "./release.ts";
import { missingConfig, readRequest, type Request } from "./request.ts";
import { CopyFailed, goError, Run, type RunPod, Unwritable } from "./run.ts";
import { type Scenario, scenario, type ScenarioName } from "./scenarios.ts";
import { Cancelled, Signals } from "./signals.ts";
import { claimFailure, type Failure, type State } from "./state.ts";
import { say } from "./stdio.ts";

/** Seconds after which oc looks whether the pod runs: it never sees it sooner. */
const POLL = 10;

/**
 * Runs `oc adm must-gather` with these words behind it; resolves to the exit code. `unauthorized` is
 * true where the cluster does not know the token.
 */
export async function mustGather(
  state: State,
  cluster: Cluster,
  argv: string[],
  unauthorized: boolean,
): Promise<number> {
  const { release } = state.config;
  const request = readRequest(argv, release);
  if (request.help && request.error === "") {
    await say(1, mustGatherHelp(release));
    return 0;
  }
  await say(2, request.warning);
  const missing = request.error === "" || request.late ? missingConfig(request.kubeconfig) : "";
  if (missing !== "" || request.error !== "") {
    const fatal = missing || request.error;
    if (missing === "" && request.late) {
      await say(
        1,
        `[must-gather      ] OUT Using must-gather plug-in image: ${request.images.join(", ")}\n`,
      );
    }
    await say(2, fatal);
    return 1;
  }
  const run = new Run(state, cluster, request, new Signals(state));
  try {
    await run.gate("start");
    const ordered = claimFailure(state, "must-gather");
    return await gather(run, unauthorized ? "unauthorized" : ordered);
  } catch (error) {
    if (error instanceof Cancelled) return await giveUp(run, "context canceled");
    if (error instanceof Vanished) return await giveUp(run, error.message);
    if (error instanceof CopyFailed) return await giveUp(run, error.message);
    if (error instanceof Unwritable) return await replayUnwritable(run, error);
    throw error;
  }
}

/** What oc prints of a failure that a test has ordered. */
const FAILURES: Record<Failure, ScenarioName | null> = {
  unauthorized: "bad-token",
  forbidden: "no-rights",
  refused: "unreachable",
  timeout: "silent",
  "server-error": "unreachable",
  slow: null,
  hang: "longline",
};

async function gather(run: Run, failure: Failure | null): Promise<number> {
  const { request, state: { config: { release } } } = run;
  const ordered = failure === null ? null : FAILURES[failure];
  if (ordered) { for (const pod of run.pods) pod.scenario = scenario(ordered); }
  let whole = run.pods.find(({ scenario }) => scenario.whole)?.scenario ?? null;
  if (/^nosuch/.test(request.nodeName)) whole = scenario("bad-node");
  if (whole?.recording === "image-pull-fail" && request.words) {
    whole = scenario("pull-fail-command");
  }
  if (whole === null && request.words) whole = await obeyWords(run, release);
  if (whole === null && tooShort(request, release)) whole = scenario("pending");
  return await (whole ? replay(run, whole) : compose(run));
}

/** Tells whether `--timeout` ends before oc first looks for its pod; 4.13 minds only a negative one. */
function tooShort({ timeout }: Request, release: Release): boolean {
  return timeout < 0 || (release !== "4.13" && timeout > 0 && timeout < POLL);
}

/** Makes the pods print and gather what the words behind `--` came to. Returns what ends in a recording. */
async function obeyWords(run: Run, release: Release): Promise<Scenario | null> {
  const { runWords } = await import("./words.ts");
  const result = runWords(run.request.words ?? [], release, path.join(run.state.folder, "stubs"));
  if (result === null) return null;
  const detached = release === "4.22" && run.pods.every(({ image }) => image.includes("setsid"));
  if (result.code !== 0 && !detached) return scenario("command-exit", { code: result.code });
  const archived = result.lines.some((line) => line.startsWith("Created /must-gather/"));
  for (const pod of run.pods) {
    pod.scenario = {
      ...pod.scenario,
      lines: result.lines,
      content: archived ? { kind: "archive", targeted: true } : { kind: "empty" },
    };
  }
  return null;
}

/** Replays a recording from its first line to its exit. */
async function replay(run: Run, chosen: Scenario): Promise<number> {
  const { release } = run.state.config;
  let name = chosen.recording;
  // The wait for the pod is as long as --timeout asks; recorded were 15 s on 4.13 and 5 s on the others.
  let [recorded, asked] = [0, 0];
  if (name === "pod-stays-pending") {
    asked = Math.max(0, run.request.timeout);
    recorded = release === "4.13" ? 15 : 5;
    if (release !== "4.13") name = "timeout5-slow";
  }
  const recording = loadRecording(release, name);
  const lines = steps(recording).map((step) => ({
    ...step,
    at: step.at < recorded ? step.at : step.at - recorded + asked,
  }));
  if (chosen.mute) { for (const line of lines) line.at = lines.at(-1)?.at ?? 0; }
  await play(
    run,
    recording,
    lines,
    (text) => text.replace("exit code: 3", `exit code: ${chosen.code ?? 3}`),
  );
  run.enter("ending");
  await run.gate("before-exit");
  return chosen.code ?? recording.code ?? 1;
}

async function play(
  run: Run,
  recording: Recording,
  lines: Step[],
  change = (text: string) => text,
): Promise<void> {
  const fill = run.filler(recording);
  let at = 0;
  for (const line of lines) {
    await run.pause(Math.max(0, line.at - at));
    at = line.at;
    if (/ deleted$/.test(line.text)) run.destination.finish();
    await run.line(line.fd, change(fill(line.text)), recording);
  }
}

async function replayUnwritable(run: Run, { cause }: Unwritable): Promise<number> {
  const recording = loadRecording(run.state.config.release, "dest-unwritable");
  const from = recording.stdout.find(({ text }) => text.includes("pod for plug-in image"))?.at ?? 0;
  const said = `mkdir ${cause.path ?? run.destination.folder}: ${goError(cause)}`;
  await play(
    run,
    recording,
    steps(recording).filter(({ at }) => at > from),
    (text) => text.replace("mkdir /proc/nope: no such file or directory", said),
  );
  return 1;
}

/**
 * A run that ends well, put together from the release's own recordings: the beginning and the end of one
 * that did, and between them what each pod printed and what was copied of it.
 */
async function compose(run: Run): Promise<number> {
  const { request, state: { config: { release } } } = run;
  const frame = loadRecording(release, request.runNamespace ? "run-namespace" : "success-archive");
  const lines = steps(frame);
  const made = lines.findIndex(({ text }) =>
    text.includes("OUT") && /pod for plug-in image/.test(text)
  );
  const tail = lines.findLastIndex(({ text }) => /\] OUT /.test(text) && !/deleted$/.test(text)) +
    1;
  await play(
    run,
    frame,
    lines.slice(0, made),
    (text) =>
      text.includes("Using must-gather plug-in image:")
        ? text.replace(request.images[0] ?? "", request.images.join(", "))
        : text,
  );
  for (const pod of run.pods.toReversed()) {
    await run.out(`pod for plug-in image ${pod.image} created`);
  }
  await Promise.all(run.pods.map((pod) => serve(run, pod)));
  run.enter("ending");
  run.destination.finish();
  if (request.runNamespace) {
    for (const { name } of run.pods) run.cluster.deletePod(run.namespace, name);
  }
  // An oc that was told to stop while it copied says no more than that it has cleaned up (recorded).
  const rest = lines.slice(tail).filter(({ text }) =>
    !run.signals.cancelled || / deleted$/.test(text)
  );
  const begin = lines[tail]?.at ?? 0;
  await play(run, frame, rest.map((line) => ({ ...line, at: line.at - begin })));
  await run.gate("before-exit");
  return run.pods.find(({ scenario }) => scenario.code)?.scenario.code ?? 0;
}

async function serve(run: Run, pod: RunPod): Promise<void> {
  await follow(run, pod, POLL);
  await run.gate("before-copy");
  await run.out("waiting for gather to complete", pod.name);
  await run.out("downloading gather output", pod.name);
  run.enter("copying");
  // Loaded late, so that oc is there soon.
  const { copy } = await import("./copy.ts");
  await copy(run, pod);
}

/** How oc 4.22 ends when it is told to stop; the same is assumed where its work became impossible. */
async function giveUp(run: Run, reason: string): Promise<number> {
  const begun = run.phase === "gathering";
  const verb = begun || run.phase === "copying" ? "gather never finished" : "gather did not start";
  for (const pod of run.pods.filter(({ created }) => created)) {
    if (begun) await run.out("waiting for gather to complete", pod.name);
    await run.out(`${verb}: ${reason}`, pod.name);
  }
  run.enter("ending");
  run.destination.finish();
  if (run.cluster.namespace(run.namespace)) {
    await run.out(`namespace/${run.namespace} deleted`);
    if (run.state.config.release === "4.13") {
      await run.out(`clusterrolebinding.rbac.authorization.k8s.io/${run.binding} deleted`);
    }
  }
  const pod = run.pods.find(({ created }) => created);
  await say(2, `error: ${pod ? `${verb} for pod ${pod.name}: ` : ""}${reason}\n`);
  return 1;
}
