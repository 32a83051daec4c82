/** Starts the service: wiring, signals, exit code; nothing else. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { createActor, fromCallback, fromPromise, waitFor } from "xstate";
import manifest from "../package.json" with { type: "json" };
import { type HurryEvent, serviceMachine } from "../machines/service.ts";
import { type AppDeps, createApp } from "./app.ts";
import { createAccess } from "./auth/access.ts";
import { type Clusters, createClusters } from "./auth/clusters.ts";
import { refusal } from "./auth/middleware.ts";
import { createPrepare } from "./forklift/prepare.ts";
import { Plans } from "./forklift/plans.ts";
import { createAskers } from "./kube/asker.ts";
import { Links } from "./routes/links.ts";
import { type Config, ConfigError, readConfig, type System } from "./config.ts";
import { withCopies } from "./gathers/copies.ts";
import { createRedactors } from "./gathers/redactors.ts";
import { createCredentials } from "./gathers/credentials.ts";
import { Bodies } from "./gathers/bodies.ts";
import { Disk } from "./gathers/disk.ts";
import { drainGathers } from "./gathers/drain.ts";
import type { Entry } from "./gathers/entry.ts";
import { Events } from "./gathers/events.ts";
import { reportInspection } from "./gathers/inspection.ts";
import { Intake } from "./gathers/intake.ts";
import { Journal } from "./gathers/journal.ts";
import { Lifecycle } from "./gathers/lifecycle.ts";
import { createOcGatherer, EMBEDDED_IMAGE } from "./gathers/oc-gatherer.ts";
import { createPacker } from "./gathers/packer.ts";
import { Durations, tickProgress } from "./gathers/progress.ts";
import { progressOf } from "./gathers/record.ts";
import { readJournal, recoverGathers } from "./gathers/recovery.ts";
import { Purger } from "./gathers/purger.ts";
import { Reaper } from "./gathers/reaper.ts";
import { Registry } from "./gathers/registry.ts";
import { removeOldGathers, removeStrayFolders } from "./gathers/removal.ts";
import { Runner } from "./gathers/runner.ts";
import { stateText } from "./gathers/step.ts";
import { lazily } from "./lazy.ts";
import { createLog, type Log, reasonOf } from "./log.ts";
import { createMetrics } from "./metrics/metrics.ts";
import { Tally } from "./metrics/tally.ts";
import { callOc } from "./oc/call.ts";
import { ocEnvironment } from "./oc/environment.ts";
import { readFeatures } from "./oc/features.ts";
import { badRequest } from "./problem.ts";
import { hotPolls } from "./routes/hot-polls.ts";
import { readConsole } from "./routes/console.ts";
import { ownProgram, runtime, spareThreads } from "./runtime.ts";
import { createServer } from "./server.ts";
import { thisSystem } from "./system.ts";

/** `oc adm must-gather --help` answers at once; an oc that does not is not waited for longer. Milliseconds. */
const HELP_TIMEOUT_MS = 10_000;

/** Runs the service until it is told to stop. Rejects when it cannot start. */
async function serve(config: Config, system: System, log: Log): Promise<void> {
  // Before there is a service to be told, too: from here on there is a journal to be given up in order.
  const early = new AbortController();
  let drain = () => early.abort();
  process.on("SIGTERM", () => drain());
  process.on("SIGINT", () => drain());

  const { workPath } = config;
  const embedded = config.oc.kind === "embedded";
  const { program, args: prefix, env: besides } = config.oc.kind === "embedded"
    ? ownProgram(fileURLToPath(new URL("./embedded/main.ts", import.meta.url)))
    : { program: config.oc.path, args: [], env: {} };

  await mkdir(workPath, { recursive: true, mode: 0o700 });
  const journal = await Journal.open<Entry>(config.journalPath, log);
  const features = await readFeatures((args) =>
    callOc(args, {
      program,
      prefix,
      env: ocEnvironment(process.env, { home: workPath, tmp: workPath, besides }),
      timeoutMs: HELP_TIMEOUT_MS,
      signal: early.signal,
    })
  );
  if (embedded) {
    log.warn("no oc: gathers look at this machine, not at a cluster", {
      hint: "put an oc on PATH or its path into OC",
    });
  }
  if (features.problem && !early.signal.aborted) {
    log.warn("oc does not tell its flags", { reason: features.problem });
  }

  const clusters = createClusters(config);
  const access = config.auth === "none" ? undefined : createAccess({ clusters });
  const credentials = createCredentials({
    clusters,
    whose: config.credentials,
    workPath,
    fallback: homeKubeconfig(system),
  });
  const events = new Events();
  const durations = new Durations();
  const registry = new Registry(journal, {
    progressed: ({ entry }) => {
      const estimate = durations.estimate(entry, Date.now());
      events.progress(entry.id, progressOf(entry, { queuePosition: null, estimate }));
    },
    removed: (id) => events.forget(id),
  });
  const oc = createOcGatherer({
    program,
    prefix,
    embedded,
    features,
    timeoutGraceMs: config.timeoutGraceMs,
    env: process.env,
    // The embedded gatherer reports on the service as it is, not as it was asked to be.
    embeddedEnv: {
      ...besides,
      JOURNAL_PATH: config.journalPath,
      WORK_PATH: workPath,
      PORT: `${config.host ?? "127.0.0.1"}:${config.port}`,
      LOCAL_COMMANDS: config.localCommands ? "1" : "",
    },
    credentials,
    log,
  });
  const redactorFor = await createRedactors(config.redactRules);
  const gatherer = withCopies(oc, workPath);
  const packer = createPacker({
    archiveFilename: config.archiveFilename,
    stem: embedded ? "local-gather" : undefined,
    format: config.archiveFormat,
    level: config.archiveLevel,
    threads: Math.min(config.threads, spareThreads()),
  });
  const stopping = new AbortController();
  const ending = new AbortController();
  const reaper = new Reaper({ registry, gatherer, credentials, workPath, log }, stopping.signal);
  const disk = new Disk({ ...config, registry, log });
  const lifecycle = new Lifecycle({
    ...config,
    redactorFor,
    spareBytes: () => disk.spareBytes(),
    registry,
    gatherer,
    packer,
    reaper,
    events,
    durations,
    ended: (entry) => metrics.ended(entry),
    log,
  });
  const runner = new Runner(registry, lifecycle, config.maxConcurrent);
  const purger = new Purger({ registry, runner, workPath, log });
  const tally = new Tally();
  const metrics = createMetrics({
    ...config,
    registry,
    disk,
    tally,
    access,
    version: manifest.version,
    runtime: runtime.name,
    signal: stopping.signal,
    log,
  });
  const askers = createAskers(clusters, { embedded });
  const plans = new Plans();
  const prepare = createPrepare({ ...config, askers, plans, proxied: isProxied(process.env), log });
  const intake = new Intake({ ...config, registry, journal, runner, disk, credentials, prepare });

  const deps: AppDeps = {
    registry,
    intake,
    askers,
    plans,
    runner,
    purger,
    bodies: new Bodies(registry, workPath, durations),
    events,
    ending: ending.signal,
    links: new Links(config.linkMaxAgeMs),
    workPath,
    allowedImages: config.allowedImages,
    requestContext: {
      defaults: { image: embedded ? EMBEDDED_IMAGE : config.image, timeout: config.timeout },
      maxTimeoutMs: config.maxTimeoutMs,
      redact: config.redact,
      features,
      knownServer: (url) => isKnown(clusters, url),
      embedded,
      localCommands: config.localCommands,
    },
    version: manifest.version,
    tally,
    metrics,
    console: lazily(readConsole),
    lifecycle,
    inspectSend: config.inspectSend,
    inspectService: () => ({
      state: stateText(service.getSnapshot().value),
      tags: [...service.getSnapshot().tags],
      snapshot: service.getPersistedSnapshot(),
    }),
    log,
    access,
    welcome: (token) => reaper.retryAs(token),
    checkServer: async ({ token }, server) => {
      const answer = await access?.check(token, server);
      if (answer && answer.status !== 200) throw refusal(answer);
    },
    configuredHost: config.hostNamed ? config.host : undefined,
    corsOrigins: config.corsOrigins,
    hasStarted: () => !service.getSnapshot().matches("starting"),
    isReady: () => service.getSnapshot().hasTag("ready"),
  };
  const server = createServer({
    ...config,
    fetch: createApp(deps).fetch,
    hot: config.logLevel === "debug" ? undefined : hotPolls(deps), // the app's line a request is wanted
    refused: (status) => tally.refused(status),
    processLimits: system.readText("/proc/self/limits"),
    log,
  });

  const service = createActor(
    serviceMachine.provide({
      actors: {
        open: fromPromise(async () => {
          const { address, port } = await server.listen();
          await readJournal(journal, registry, workPath, (entry) => {
            intake.recall(entry);
            durations.learn(entry);
          });
          log.info("service listens", {
            url: `${config.tls ? "https" : "http"}://${urlHost(address)}:${port}/`,
            version: manifest.version,
            boot: events.boot,
            runtime: `${runtime.name} ${runtime.version}`,
            gatherer: embedded ? "embedded" : `oc ${features.version}`,
            journal: config.journalPath,
            work: workPath,
          });
        }),
        recover: fromPromise(async () => {
          tickProgress(registry, durations, stopping.signal);
          disk.watch((held) => lifecycle.send(held, { type: "disk.full" }), stopping.signal);
          await recoverGathers({
            registry,
            runner,
            purger,
            packer,
            credentials,
            reaper,
            workPath,
            log,
          });
          await removeStrayFolders(registry, workPath, log);
          if (config.cleanupMaxAgeMs === undefined) return;
          removeOldGathers(registry, workPath, config.cleanupMaxAgeMs, log, stopping.signal);
        }),
        drain: fromCallback<HurryEvent>(({ sendBack, receive }) => {
          const hurry = new AbortController();
          receive(() => {
            runner.hurry();
            hurry.abort();
          });
          log.info("service goes down", { withinMs: config.drainGraceMs });
          intake.close();
          // Until they have ended, everybody may look, and is told why nothing new starts.
          drainGathers(runner, config.drainGraceMs)
            .then(() => {
              ending.abort();
              registry.wakeAll();
              return server.close(hurry.signal);
            })
            .finally(() => sendBack({ type: "drain.done" }));
          return () => hurry.abort();
        }),
      },
    }),
    {
      input: { drainGraceMs: Math.max(0, config.drainGraceMs - 1000) }, // the last second is the journal's
      inspect: (event) => reportInspection(events, null, event),
    },
  );
  const live = async () => {
    drain = () => service.send({ type: "service.drain" });
    service.start();
    return await waitFor(service, ({ status }) => status !== "active", { timeout: Infinity });
  };
  const end = early.signal.aborted ? undefined : await live();
  stopping.abort();
  access?.close();
  askers.close();
  await journal.close();
  if (end?.matches("failed")) throw new Error(end.context.failure);
  log.info("service stopped");
}

/** Whether the configuration knows a cluster; throws a `Problem` for one that it knows and cannot use. */
function isKnown(clusters: Clusters, url: string): boolean {
  try {
    return clusters.find(url) !== undefined;
  } catch (error) {
    throw badRequest(`server: ${reasonOf(error)}`);
  }
}

/** Whether oc may reach its cluster through something that the service itself does not use. */
function isProxied(env: NodeJS.ProcessEnv): boolean {
  return [env.HTTPS_PROXY, env.https_proxy].some(Boolean);
}

/** What oc itself would use; its HOME is another. */
function homeKubeconfig(system: System): string | undefined {
  const path = join(system.homedir ?? "/", ".kube", "config");
  return system.isFile(path) ? path : undefined;
}

function urlHost(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

try {
  const system = thisSystem();
  const config = readConfig(process.env, system);
  process.stdout.on("error", () => {}); // whoever read the log has gone; gathers go on
  const log = createLog(config.logLevel, (line) => process.stdout.write(line));
  for (const warning of config.warnings) log.warn("configuration", { warning });
  await serve(config, system, log);
  process.exit(0); // nothing is left to do, whatever a library keeps open
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : reasonOf(error)}\n`);
  process.exit(1);
}
