import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { createMetrics, type MetricsSources } from "../../src/metrics/metrics.ts";
import { Tally } from "../../src/metrics/tally.ts";
import { endedEntry, entry, stageRegistry } from "../gathers/stage.ts";
import { parseExposition } from "../support/exposition.ts";
import { atEnd } from "../support/folder.ts";
import { until } from "../support/until.ts";

async function stage(t: TestContext, more: Partial<MetricsSources> = {}) {
  const staged = await stageRegistry(t);
  const over = new AbortController();
  atEnd(t, () => over.abort());
  const tally = new Tally();
  const sources: MetricsSources = {
    registry: staged.registry,
    disk: { use: () => Promise.resolve({ used: 3, limit: 4, free: 5, reserve: 1 }) },
    tally,
    access: undefined,
    maxQueued: 100,
    maxConcurrent: 2,
    version: "1.2.3",
    runtime: "node",
    signal: over.signal,
    log: staged.log,
    ...more,
  };
  /** The value of a series, as a fresh set of metrics tells it. */
  const value = async (name: string, labels = {}, metrics = createMetrics(sources)) => {
    const families = parseExposition((await metrics.read()).text);
    const samples = [...families.values()].flatMap((family) => family.samples);
    const found = samples.filter((sample) =>
      sample.name === name &&
      Object.entries(labels).every(([label, text]) => sample.labels[label] === text)
    );
    assert.equal(found.length, 1, `${name} ${JSON.stringify(labels)}`);
    return found[0]?.value;
  };
  return { ...staged, sources, tally, value, metrics: createMetrics(sources) };
}

test("every way to end has its series from the start, so that the first end of a kind counts", async (t) => {
  const { value, metrics } = await stage(t);
  const failed = { status: "error", reason: "failed" };
  assert.equal(await value("must_gather_gathers_ended_total", failed), 0);
  const transitions = [
    {
      at: "2026-01-02T03:04:06.000Z",
      event: "gather.start",
      from: "new",
      to: "inprogress.packing",
    },
    { at: "2026-01-02T03:05:00.000Z", event: "x", from: "inprogress.packing", to: "completed" },
  ];
  metrics.ended(endedEntry(1, { transitions }));
  metrics.ended(endedEntry(2, { status: "error", reason: "failed", archive: null }));
  assert.equal(await value("must_gather_gathers_ended_total", failed, metrics), 1);
  const seen = (name: string, labels = {}) => value(name, labels, metrics);
  assert.equal(await seen("must_gather_archive_bytes_total"), 3);
  assert.equal(await seen("must_gather_duration_seconds_sum", { status: "completed" }), 54);
  assert.equal(await seen("must_gather_queue_wait_seconds_sum"), 1);
  assert.equal(await seen("must_gather_phase_duration_seconds_sum", { phase: "packing" }), 54);
});

test("what there is now is counted from the records", async (t) => {
  const { registry, value } = await stage(t);
  registry.add(endedEntry(1));
  registry.add(
    endedEntry(2, { status: "error", reason: "timeout", leftovers: ["namespace/a", "b/c"] }),
  );
  registry.add(
    entry(3, { status: "inprogress", state: "inprogress.stopping", reason: "cancelled" }),
  );
  registry.add(entry(4));
  assert.equal(await value("must_gather_gathers", { status: "completed", reason: "" }), 1);
  assert.equal(await value("must_gather_gathers", { status: "error", reason: "timeout" }), 1);
  assert.equal(await value("must_gather_gathers", { status: "inprogress", reason: "" }), 1);
  assert.equal(await value("must_gather_gathers", { status: "error", reason: "cancelled" }), 0);
  assert.equal(await value("must_gather_queue_length"), 1);
  assert.equal(await value("must_gather_leftovers"), 2);
  assert.equal(await value("must_gather_disk_used_bytes"), 3);
  assert.equal(await value("must_gather_build_info", { version: "1.2.3", runtime: "node" }), 1);
});

test("a disk that cannot be measured leaves the rest to be told, and sets off no alert on its use", async (t) => {
  const { value } = await stage(t, { disk: { use: () => Promise.reject(new Error("gone")) } });
  await assert.rejects(value("must_gather_disk_used_bytes"), /0 !== 1/);
  assert.equal(await value("must_gather_queue_limit"), 100);
});

test("many who ask at once are told the same, and the disk is looked at once", async (t) => {
  let looks = 0;
  const use = () => {
    looks++;
    return Promise.resolve({ used: 3, limit: 4, free: 5, reserve: 1 });
  };
  const { metrics } = await stage(t, { disk: { use } });
  const texts = await Promise.all(
    Array.from({ length: 100 }, async () => (await metrics.read()).text),
  );
  assert.equal(new Set(texts).size, 1);
  assert.equal(looks, 4); // once a gauge; Disk itself measures once for all four
});

test("what callers and clusters brought about is counted where it happens", async (t) => {
  const asked = new Map([[200, 5], [401, 2]] as const);
  const { value, tally } = await stage(t, { access: { counts: { asked, hits: 40 } } });
  tally.refused(404);
  tally.refused(404);
  tally.downloadedBytes += 70;
  assert.equal(await value("must_gather_refusals_total", { status: "404" }), 2);
  assert.equal(await value("must_gather_download_bytes_total"), 70);
  assert.equal(await value("must_gather_access_questions_total", { answer: "200" }), 5);
  assert.equal(await value("must_gather_access_questions_total", { answer: "503" }), 0);
  assert.equal(await value("must_gather_access_cache_hits_total"), 40);
});

test("what could not be loaded once is loaded by the next gather that ends", async (t) => {
  const { sources, value, events } = await stage(t);
  let times = 0;
  const metrics = createMetrics(sources, () => {
    if (++times === 1) return Promise.reject(new Error("too many open files"));
    return import("../../src/metrics/series.ts");
  });
  metrics.ended(endedEntry(1));
  await until("it is told", () => events("warn").length > 0);
  const failed = { status: "error", reason: "failed" } as const;
  metrics.ended(endedEntry(2, { ...failed, archive: null }));
  assert.equal(await value("must_gather_gathers_ended_total", failed, metrics), 1);
  assert.equal(times, 2);
});

test("a loop that was held shows in the lag", async (t) => {
  const { metrics, value } = await stage(t);
  await metrics.read();
  const held = performance.now() + 700;
  while (performance.now() < held); // nothing else can run
  await until("the lag", async () => {
    const at = { le: "+Inf" };
    const all = await value("must_gather_event_loop_lag_seconds_bucket", at, metrics) ?? 0;
    const quick = await value("must_gather_event_loop_lag_seconds_bucket", { le: "0.25" }, metrics);
    return all > (quick ?? 0);
  });
});

test("the parser refuses what Prometheus would", () => {
  const metric = (type: string, name: string, lines: string) =>
    `# HELP ${name} h\n# TYPE ${name} ${type}\n${lines}\n`;
  assert.equal(parseExposition(metric("gauge", "a_bytes", "a_bytes 1")).size, 1);
  for (
    const bad of [
      "a 1\n",
      metric("gauge", "a", "a 1").trimEnd(),
      metric("counter", "a", "a 1"),
      metric("gauge", "a_total", "a_total 1"),
      metric("gauge", "a_ms", "a_ms 1"),
      metric("gauge", "a", "b 1"),
      metric("gauge", "a", "a 1\na 2"),
      metric("gauge", "a", "a one"),
      metric("gauge", "a", 'a{b="c} 1'),
      metric("counter", "a_total", "a_total -1"),
      metric("histogram", "a", 'a_bucket{le="1"} 1\na_sum 1\na_count 1'),
      metric("histogram", "a", 'a_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1'),
    ]
  ) assert.throws(() => parseExposition(bad), bad);
});
