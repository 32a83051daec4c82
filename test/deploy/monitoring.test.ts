/** What deploy/components/monitoring asks Prometheus for is there: every series, label and reason. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics } from "../../src/metrics/metrics.ts";
import { Tally } from "../../src/metrics/tally.ts";
import { ReasonSchema, StatusSchema } from "../../src/schema/record.ts";
import { stageRegistry } from "../gathers/stage.ts";
import { parseExposition } from "../support/exposition.ts";
import { atEnd } from "../support/folder.ts";
import { checkTypes } from "./check-types.ts";
import { only, readManifests, type Resource } from "./manifests.ts";
import { selectorsOf } from "./promql.ts";

type Rule = Resource & {
  spec: {
    groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[];
  };
};
type Dashboard = {
  templating: { list: { name: string; query: string }[] };
  panels: {
    id: number;
    title: string;
    gridPos: { x: number; y: number; w: number; h: number };
    targets: { expr: string; legendFormat: string }[];
  }[];
};
type ConfigMap = Resource & { data: Record<string, string> };

/** What Prometheus and its operator add to every series. */
const TARGET_LABELS = ["namespace", "job"];

const resources = await readManifests("components/monitoring");

/** The labels of each series that /metrics has, by its name. */
const series = new Map<string, Set<string>>([["up", new Set()]]);
const rules = () =>
  only<Rule>(resources, "PrometheusRule").spec.groups.flatMap((group) => group.rules);
const dashboard = () =>
  JSON.parse(Object.values(only<ConfigMap>(resources, "ConfigMap").data)[0] ?? "") as Dashboard;

test("the monitoring component has the form that the Kubernetes API and Prometheus' operator ask for", async () => {
  await checkTypes(resources);
});

test("every query can be read, and asks for series, labels and values that there are", async (t) => {
  const { registry, log } = await stageRegistry(t);
  const over = new AbortController();
  atEnd(t, () => over.abort());
  const tally = new Tally();
  tally.refused(404); // a label that shows with its first value
  const metrics = createMetrics({
    registry,
    disk: { use: () => Promise.resolve({ used: 1, limit: 2, free: 3, reserve: 1 }) },
    tally,
    access: undefined,
    maxQueued: 1,
    maxConcurrent: 1,
    version: "",
    runtime: "",
    signal: over.signal,
    log,
  });
  for (const { samples } of parseExposition((await metrics.read()).text).values()) {
    for (const { name, labels } of samples) {
      series.set(name, new Set([...series.get(name) ?? [], ...Object.keys(labels)]));
    }
  }
  const panels = dashboard().panels.flatMap(({ targets }) => targets);
  const queries = [...rules(), ...panels].map(({ expr }) => expr);
  assert.ok(queries.length > 20);
  const reasons: readonly string[] = ReasonSchema.options;
  const statuses: readonly string[] = StatusSchema.options;
  for (const query of queries) {
    for (const { metric, matchers } of selectorsOf(query)) {
      const labels = series.get(metric);
      assert.ok(labels, `${metric} is not in /metrics: ${query}`);
      for (const { label, value } of matchers) {
        assert.ok(
          labels.has(label) || TARGET_LABELS.includes(label),
          `${metric} has no ${label}`,
        );
        const known = { reason: reasons, status: statuses }[label];
        for (const each of known ? value.split("|") : []) assert.ok(known?.includes(each), each);
      }
    }
  }
  const shown = new Set(
    panels.flatMap(({ expr }) => selectorsOf(expr)).map(({ metric }) => metric),
  );
  const unseen = [...series.keys()].filter((name) =>
    !shown.has(name) && !/^up$|_(?:sum|count)$/.test(name)
  );
  assert.deepEqual(unseen, [], "the dashboard shows all there is");
  const [info] = /must_gather\w+/.exec(dashboard().templating.list[1]?.query ?? "") ?? [];
  assert.ok(info !== undefined && series.has(info));
});

test("the check of queries finds what cannot be read", () => {
  assert.deepEqual(selectorsOf('rate(a{b="c"}[$__rate_interval]) / d'), [
    { metric: "a", matchers: [{ label: "b", value: "c" }] },
    { metric: "d", matchers: [] },
  ]);
  for (const bad of ["sum(a", "a b", "rate(a[5 m)", 'a{b="c}']) {
    assert.throws(() => selectorsOf(bad), SyntaxError, bad);
  }
});

test("every alert says what is the matter and what to do", () => {
  const alerts = rules().map(({ alert }) => alert);
  assert.equal(new Set(alerts).size, alerts.length);
  for (const { alert, annotations: { summary = "", description = "" } } of rules()) {
    assert.match(summary, /^[A-Z{'].*\.$/, alert);
    assert.ok(description.length > 100, alert);
  }
});

test("no panel lies on another", () => {
  const { panels } = dashboard();
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const cells = panels.flatMap(({ title, gridPos: { x, y, w, h } }) => {
    assert.ok(x + w <= 24, title);
    return Array.from({ length: w * h }, (_, n) => `${x + n % w},${y + Math.floor(n / w)}`);
  });
  assert.equal(new Set(cells).size, cells.length);
});
