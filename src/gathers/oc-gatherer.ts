/** Gathers with `oc adm must-gather`, or with the embedded gatherer that speaks its command line. */
import type { Log } from "../log.ts";
import { ocArguments, ocTimeout } from "../oc/arguments.ts";
import { callOc } from "../oc/call.ts";
import { ocEnvironment } from "../oc/environment.ts";
import type { OcAnswer, OcFeatures } from "../oc/features.ts";
import { MilestoneReader } from "../oc/milestones.ts";
import { FirstSignal } from "../oc/first-signal.ts";
import { FactReader, type OcFact } from "../oc/output.ts";
import { reap, type Standing } from "../oc/reap.ts";
import { adoptRun, startRun } from "../oc/run.ts";
import { salvage } from "../oc/salvage.ts";
import { spoolIn } from "../oc/spool.ts";
import type { CredentialStore } from "./credentials.ts";
import type { Made } from "./entry.ts";
import type { GatherFolder } from "./folders.ts";
import type { Gatherer } from "./gatherer.ts";

/** How long one short question to the cluster may take: milliseconds. */
const CALL_TIMEOUT_MS = 20_000;

/** What the record of an embedded gather has as its image. */
export const EMBEDDED_IMAGE = "embedded";

export interface OcGathererOptions {
  program: string;
  /** Arguments before all others: those that start a program of our own. */
  prefix: readonly string[];
  embedded: boolean;
  features: OcFeatures;
  timeoutGraceMs: number;
  /** The environment of the service. */
  env: Readonly<Record<string, string | undefined>>;
  /** What the embedded gatherer is told besides. */
  embeddedEnv: Readonly<Record<string, string>>;
  credentials: CredentialStore;
  log: Log;
}

export function createOcGatherer(options: OcGathererOptions): Gatherer {
  const { program, prefix, embedded, log } = options;
  const environment = (folder: GatherFolder, id: number) =>
    ocEnvironment(options.env, {
      home: folder.home,
      tmp: folder.tmp,
      kubeconfig: options.credentials.path(id),
      ...(embedded && { besides: options.embeddedEnv }),
    });
  const call = (folder: GatherFolder, id: number, signal?: AbortSignal) =>
  (
    args: readonly string[],
  ): Promise<OcAnswer> =>
    callOc(args, {
      program,
      prefix,
      env: environment(folder, id),
      timeoutMs: CALL_TIMEOUT_MS,
      ...(signal && { signal }),
    });

  // From 4.22 oc removes what it made when it is told to stop; the embedded gatherer makes nothing.
  const cleansUp = embedded || isAtLeast(options.features.version, 4, 22);

  return {
    start({ entry, folder }, events) {
      const milestones = new MilestoneReader();
      const timeoutMs = ocTimeout(entry.request.timeoutMs, options.timeoutGraceMs);
      // The embedded gatherer stands in the record as an image of that name; it is none to ask for.
      const images = entry.request.images.filter((image) => !embedded || image !== EMBEDDED_IMAGE);
      const { commandLine } = entry.resolved ?? entry.request;
      const args = ocArguments({ ...entry.request, images, commandLine }, {
        destination: folder.tree,
        ocTimeoutMs: timeoutMs,
      });
      log.info("oc starts", { id: entry.id, arguments: args });
      const first = new FirstSignal((name, target) => run.signal(name, target));
      if (cleansUp) first.free();
      const tellFacts = factTeller(events.fact, first);
      const run = startRun({
        program,
        args: [...prefix, ...args],
        folder: folder.tree,
        env: environment(folder, entry.id),
        spool: spoolIn(folder.spool),
      }, {
        started: events.started,
        output(stream, block) {
          if (stream === "stdout") {
            tellFacts(block);
            const milestone = milestones.read(block);
            if (milestone > 0) events.milestone(milestone);
          }
          return events.output(stream, block);
        },
        exited({ code, signal, orphans }) {
          log.info("oc ended", { id: entry.id, code, signal, orphans });
          first.free();
          events.exited({ code, orphans });
        },
        gone: events.gone,
        failed: events.trouble,
      });
      return { signal: first.signal, resume: run.resume };
    },

    adopt({ entry, folder }, events) {
      const first = new FirstSignal((name, target) => run.signal(name, target));
      if (cleansUp || entry.made.some(({ kind }) => kind === "clusterrolebinding")) first.free();
      const tellFacts = factTeller(events.fact, first);
      const place = { ...folder, spool: spoolIn(folder.spool) };
      const run = adoptRun(entry.process ?? undefined, place, {
        output(stream, block) {
          if (stream === "stdout") tellFacts(block);
          return true;
        },
        exited({ code, orphans }) {
          first.free();
          events.exited({ code, orphans });
        },
      });
      return { signal: first.signal, resume: run.resume };
    },

    async salvage({ entry, folder }, signal, trouble, maxBytes) {
      const namespaces = standing(entry.made, options.features.version)
        .filter((made) => made.kind === "namespace");
      await salvage(
        {
          namespaces: namespaces.map((made) => made.name),
          sourceDir: entry.request.sourceDir,
          tree: folder.tree,
          call: call(folder, entry.id, signal),
          run: { program, prefix, env: environment(folder, entry.id) },
          maxBytes,
        },
        signal,
        trouble,
      );
    },

    async reap({ entry, folder }, signal, removed) {
      const all = standing(entry.made, options.features.version);
      for (const made of entry.made) {
        if (!made.deleted && !all.includes(made)) removed(made); // it goes with its namespace
      }
      await reap(
        all,
        call(folder, entry.id, signal),
        signal,
        (object) => {
          log.info("removed from the cluster", {
            id: entry.id,
            kind: object.kind,
            name: object.name,
          });
          const made = entry.made.find((each) => isSame(each, object));
          if (made) removed(made);
        },
        (object, why) =>
          log.warn("cannot be removed from the cluster yet", {
            id: entry.id,
            kind: object.kind,
            name: object.name,
            reason: why,
          }),
      );
    },

    async stands({ entry, folder }, made, signal) {
      const ask = call(folder, entry.id, signal);
      const answer = await ask([
        "get",
        made.kind,
        made.name,
        "-o",
        "name",
        "--ignore-not-found=true",
      ]);
      return answer.code === 0 ? answer.stdout.trim() !== "" : undefined;
    },
  };
}

/** Tells the facts in blocks of oc's standard output, and lets a signal go that waits until the binding is named. */
function factTeller(tell: (fact: OcFact) => void, first: FirstSignal): (block: Buffer) => void {
  const facts = new FactReader();
  return (block) => {
    for (const fact of facts.read(block)) {
      tell(fact);
      if (fact.type === "created" && fact.kind === "clusterrolebinding") first.free();
    }
  };
}

function isSame(made: Made, object: Standing): boolean {
  return made.kind === object.kind && made.name === object.name;
}

/** What must be taken to stand still. From 4.17 the binding is owned by the namespace and goes with it. */
function standing(made: readonly Made[], version: string): Made[] {
  const bindingGoesToo = isAtLeast(version, 4, 17);
  const namespaces = made.filter((each) => each.kind === "namespace");
  const namespacesGone = namespaces.length > 0 && namespaces.every((each) => each.deleted);
  return made.filter((each) =>
    !each.deleted && !(each.kind === "clusterrolebinding" && bindingGoesToo && namespacesGone)
  );
}

/** Whether a version, as oc tells its own, is this one or later; false for one that is not known. */
function isAtLeast(version: string, major: number, minor: number): boolean {
  const [, first = "0", second = "0"] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(first) > major || (Number(first) === major && Number(second) >= minor);
}
