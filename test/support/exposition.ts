/** Reads Prometheus' text format (0.0.4) strictly: what `promtool check metrics` would refuse or warn of throws here. */
import assert from "node:assert/strict";

/** One line with a value. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All samples of a metric. */
export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const NAME = /^[a-z][a-z0-9_]*$/;
const ENDINGS: Readonly<Record<string, readonly string[]>> = {
  counter: [""],
  gauge: [""],
  histogram: ["_bucket", "_sum", "_count"],
};
/** Prefixes and units that Prometheus' conventions have base units for. */
const NOT_BASE =
  /_(?:ms|milliseconds|minutes|hours|kb|kib|mb|mib|kilobytes|megabytes|percent)(?:_|$)/;

/** Gives the metrics by name. Throws for a text that breaks the format or Prometheus' conventions for names. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  assert.ok(text.endsWith("\n"), "the last line ends");
  const families = new Map<string, { type: string; help: string; samples: Sample[] }>();
  let current: { name: string; type: string; samples: Sample[] } | undefined;
  let helped: { name: string; help: string } | undefined;
  const seen = new Set<string>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, help, helpText] = /^# HELP (\S+) (.+)$/.exec(line) ?? [];
    const [, typed, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (help !== undefined && helpText !== undefined) {
      helped = { name: help, help: helpText };
    } else if (typed !== undefined && type !== undefined) {
      assert.equal(helped?.name, typed, "its help stands before its type");
      assert.ok(!families.has(typed), `${typed} stands once`);
      checkName(typed, type);
      const family = { type, help: helped?.help ?? "", samples: [] };
      families.set(typed, family);
      current = { name: typed, ...family };
    } else {
      assert.ok(current, line);
      const sample = readSample(line);
      const ending = sample.name.slice(current.name.length);
      assert.ok(sample.name.startsWith(current.name), `${line}: stands with its metric`);
      assert.ok(ENDINGS[current.type]?.includes(ending), `${line}: ${current.type}`);
      const id = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).toSorted())}`;
      assert.ok(!seen.has(id), `${line}: stands once`);
      seen.add(id);
      assert.ok(current.type === "gauge" || sample.value >= 0, line);
      current.samples.push(sample);
    }
  }
  for (const [name, { type, samples }] of families) {
    if (type === "histogram") checkHistogram(name, samples);
  }
  return families;
}

function checkName(name: string, type: string): void {
  assert.match(name, NAME);
  assert.ok(type in ENDINGS, `${name} is a ${type}`);
  assert.equal(name.endsWith("_total"), type === "counter", `${name}: counters end in _total`);
  assert.doesNotMatch(name, NOT_BASE);
  assert.doesNotMatch(name, /_(?:bucket|sum|count)$/);
}

function readSample(line: string): Sample {
  const [, name, inner, value] =
    /^([a-z_]+)(?:\{(.*)\})? (NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line) ?? [];
  assert.ok(name !== undefined && value !== undefined, `not a sample: ${line}`);
  const labels: Record<string, string> = {};
  let rest = inner ?? "";
  while (rest !== "") {
    const [all, label, text] = /^([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/.exec(rest) ?? [];
    assert.ok(all !== undefined && label !== undefined && text !== undefined, `labels: ${line}`);
    assert.ok(!(label in labels), `a label twice: ${line}`);
    labels[label] = text;
    rest = rest.slice(all.length);
  }
  return { name, labels, value: Number(value.replace("Inf", "Infinity")) };
}

/** Buckets that rise to `+Inf`, which is the count; for each set of labels. */
function checkHistogram(name: string, samples: readonly Sample[]): void {
  const groups = Map.groupBy(samples, ({ labels: { le: _, ...others } }) => JSON.stringify(others));
  for (const group of groups.values()) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => Number(labels["le"]?.replace("+Inf", "Infinity")));
    assert.ok(bounds.length > 1 && bounds.at(-1) === Infinity, `${name}: ${bounds}`);
    assert.ok(bounds.every((bound, n) => n === 0 || bound > (bounds[n - 1] ?? NaN)), name);
    const counts = buckets.map(({ value }) => value);
    assert.ok(counts.every((count, n) => n === 0 || count >= (counts[n - 1] ?? NaN)), name);
    const value = (ending: string) => group.find((sample) => sample.name === name + ending)?.value;
    assert.equal(value("_count"), counts.at(-1), name);
    assert.equal(typeof value("_sum"), "number", name);
  }
}
