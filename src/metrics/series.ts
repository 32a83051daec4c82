/**
 * The series behind `/metrics`. Loaded only once there is something to tell or somebody asks, as its library takes about 3 MB.
 *
 * No series names a gather, a caller or anything else that callers choose: labels have the values that the code knows.
 */
import process from "node:process";
import { Counter, Gauge, Histogram, Registry as Series } from "prom-client";
import type { Entry } from "../gathers/entry.ts";
import { hasEnded } from "../gathers/entry.ts";
import { PHASE_NAMES } from "../gathers/record.ts";
import { ReasonSchema, StatusSchema } from "../schema/record.ts";
import { watchLoopLag } from "./loop-lag.ts";
import type { MetricsSources } from "./metrics.ts";
import { phaseSeconds } from "./phases.ts";

/** Gathers take minutes, some hours: seconds. */
const MINUTES = [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400];

/** Their phases and waits may be short, too: seconds. */
const PHASES = [1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200];

/** Requests take milliseconds: seconds. */
const LAGS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** A look at the disk may be as old as this: milliseconds. Prometheus asks every 15 to 60 s, and anybody may. */
const DISK_MS = 10_000;

/** The series, filled where the service is asked. */
export interface GatherSeries {
  ended: (entry: Entry) => void;
  /** In Prometheus' text format. */
  text: () => Promise<string>;
  contentType: string;
}

/** Makes them. Counters begin at 0 with each life of the service, as Prometheus has it. */
export function createSeries(sources: MetricsSources): GatherSeries {
  const registers = [new Series()];
  const [series] = registers as [Series];
  gatherGauges(sources, registers);
  diskGauges(sources, registers);
  requestCounters(sources, registers);
  processSeries(sources, registers);
  return {
    ended: endedSeries(registers),
    text: () => series.metrics(),
    contentType: series.contentType,
  };
}

/** What is learned from a gather at its end. */
function endedSeries(registers: Series[]): (entry: Entry) => void {
  const ended = new Counter({
    name: "must_gather_gathers_ended_total",
    help: "Gathers that ended, by how (status) and why (reason, empty for completed ones)",
    labelNames: ["status", "reason"],
    registers,
  });
  const duration = new Histogram({
    name: "must_gather_duration_seconds",
    help: "From the start of a gather to its end, without its wait in the queue",
    labelNames: ["status"],
    buckets: MINUTES,
    registers,
  });
  const phases = new Histogram({
    name: "must_gather_phase_duration_seconds",
    help: "What gathers that ended spent in each phase that they were in",
    labelNames: ["phase"],
    buckets: PHASES,
    registers,
  });
  const wait = new Histogram({
    name: "must_gather_queue_wait_seconds",
    help: "How long gathers that started had waited for a slot",
    buckets: PHASES,
    registers,
  });
  const bytes = new Counter({
    name: "must_gather_archive_bytes_total",
    help: "Bytes of the archives that were made",
    registers,
  });
  // A series that appears with its first value hides that value from increase() and rate().
  for (const [status, reason] of ENDS) ended.inc({ status, reason }, 0);
  for (const status of ["completed", "error"]) duration.zero({ status });
  for (const phase of PHASE_NAMES) if (phase !== QUEUED) phases.zero({ phase });
  return (entry) => {
    const { status, reason, startedAt, finishedAt, archive } = entry;
    ended.inc({ status, reason });
    bytes.inc(archive?.size ?? 0);
    const spent = phaseSeconds(entry);
    if (startedAt === null || finishedAt === null || spent.size === 0) return;
    duration.observe({ status }, (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000);
    for (const [phase, seconds] of spent) {
      if (phase === QUEUED) wait.observe(seconds);
      else phases.observe({ phase }, seconds);
    }
  };
}

const QUEUED = "queued";

/** Every way to end. */
const ENDS = ReasonSchema.options.map((reason) =>
  [reason === "" ? "completed" : "error", reason] as const
);

/** What there is now, counted when somebody asks. */
function gatherGauges({ registry, maxQueued, maxConcurrent }: MetricsSources, registers: Series[]) {
  new Gauge({
    name: "must_gather_gathers",
    help: "Gathers that the service has a record of, by status and reason",
    labelNames: ["status", "reason"],
    registers,
    collect() {
      this.reset();
      for (const status of StatusSchema.options) {
        if (status !== "error") this.set({ status, reason: "" }, 0);
      }
      for (const [status, reason] of ENDS) this.set({ status, reason }, 0);
      for (const { summary: { status, reason } } of registry.all()) {
        // One that is being stopped has its reason already, and is no other kind of gather for it.
        this.inc({ status, reason: status === "error" ? reason : "" });
      }
    },
  });
  new Gauge({
    name: "must_gather_leftovers",
    help: "Namespaces and ClusterRoleBindings of ended gathers that still stand in the cluster",
    registers,
    collect() {
      let count = 0;
      for (const { summary } of registry.all()) if (hasEnded(summary)) count += summary.leftovers;
      this.set(count);
    },
  });
  new Gauge({
    name: "must_gather_queue_length",
    help: "Gathers that wait for a slot",
    registers,
    collect() {
      this.set(registry.queued().length);
    },
  });
  new Gauge({
    name: "must_gather_queue_limit",
    help: "How many may wait (MAX_QUEUED)",
    registers,
  }).set(maxQueued);
  new Gauge({
    name: "must_gather_slots",
    help: "How many may run at once (MAX_CONCURRENT)",
    registers,
  }).set(maxConcurrent);
}

function diskGauges({ disk }: MetricsSources, registers: Series[]): void {
  const gauge = (name: string, help: string, of: "used" | "limit" | "free" | "reserve") =>
    new Gauge({
      name,
      help: `${help}; absent where WORK_PATH cannot be measured`,
      registers,
      async collect() {
        const use = await disk.use(performance.now() - DISK_MS).catch(() => undefined);
        if (use) this.set(Math.round(use[of]));
        else this.remove();
      },
    });
  gauge("must_gather_disk_used_bytes", "What the service keeps in WORK_PATH", "used");
  gauge("must_gather_disk_limit_bytes", "What it may keep there (WORK_LIMIT)", "limit");
  gauge("must_gather_disk_free_bytes", "What is free on the file system of WORK_PATH", "free");
  gauge("must_gather_disk_reserve_bytes", "How much of that must stay free", "reserve");
}

function requestCounters({ tally, access }: MetricsSources, registers: Series[]): void {
  new Counter({
    name: "must_gather_download_bytes_total",
    help: "Bytes of archives that were handed to readers",
    registers,
    collect() {
      this.reset();
      this.inc(tally.downloadedBytes);
    },
  });
  new Counter({
    name: "must_gather_refusals_total",
    help: "Requests that were refused or failed, by the status of the reply",
    labelNames: ["status"],
    registers,
    collect() {
      this.reset();
      for (const [status, count] of tally.refusals) this.inc({ status }, count);
    },
  });
  new Counter({
    name: "must_gather_access_questions_total",
    help:
      "Times that a cluster was asked whether a caller may, by what that came to (as the status of a reply)",
    labelNames: ["answer"],
    registers,
    collect() {
      this.reset();
      for (const answer of [200, 401, 403, 503] as const) {
        this.inc({ answer }, access?.counts.asked.get(answer) ?? 0);
      }
    },
  });
  new Counter({
    name: "must_gather_access_cache_hits_total",
    help: "Times that the cluster's last answer of a few seconds ago was good enough",
    registers,
    collect() {
      this.reset();
      this.inc(access?.counts.hits ?? 0);
    },
  });
}

/** Of the process itself, what both runtimes tell without a right: the library's own set reads `/proc`. */
function processSeries({ version, runtime, signal }: MetricsSources, registers: Series[]): void {
  new Gauge({
    name: "must_gather_build_info",
    help: "Always 1; its labels say what runs",
    labelNames: ["version", "runtime"],
    registers,
  }).set({ version, runtime }, 1);
  new Gauge({
    name: "process_start_time_seconds",
    help: "When the process started, in seconds since 1970",
    registers,
  }).set(performance.timeOrigin / 1000);
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory",
    registers,
    collect() {
      this.set(process.memoryUsage().rss);
    },
  });
  new Counter({
    name: "process_cpu_seconds_total",
    help: "User and system CPU time",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1_000_000);
    },
  });
  const lag = new Histogram({
    name: "must_gather_event_loop_lag_seconds",
    help: "How late a timer goes off that runs four times a second once metrics are used",
    buckets: LAGS,
    registers,
  });
  watchLoopLag((seconds) => lag.observe(seconds), signal);
}
