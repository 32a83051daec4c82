import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog, LOG_LEVELS, type LogLevel, reasonOf } from "../src/log.ts";

function logAt(level: LogLevel) {
  const lines: string[] = [];
  return { lines, log: createLog(level, (line) => lines.push(line)) };
}

test("each event is one line of JSON that begins with time, level and event", () => {
  const { lines, log } = logAt("info");
  log.info("gather started", { id: 3, arguments: ["a", "b"], reason: undefined });
  assert.equal(lines.length, 1);
  const line = JSON.parse(lines[0] ?? "");
  assert.deepEqual(Object.keys(line), ["time", "level", "event", "id", "arguments"]);
  assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual([line.level, line.event, line.id], ["info", "gather started", 3]);
});

test("a value cannot begin a line of its own", () => {
  const { lines, log } = logAt("info");
  log.warn("event", { name: 'x\n{"level":"error"}\r\n\u001b[2J' });
  assert.equal(lines.join("").split("\n").length, 2);
  assert.doesNotMatch(lines.join(""), /[\r\u001b]/);
});

test("what is less important than the level is not told", () => {
  for (const [index, level] of LOG_LEVELS.entries()) {
    const { lines, log } = logAt(level);
    for (const each of LOG_LEVELS) log[each]("event");
    assert.deepEqual(lines.map((line) => JSON.parse(line).level), LOG_LEVELS.slice(0, index + 1));
  }
});

test("the reason of an error is its message, of at most a thousand characters", () => {
  assert.equal(reasonOf(new TypeError("what failed")), "what failed");
  assert.equal(reasonOf("thrown text"), "thrown text");
  assert.equal(reasonOf(undefined), "undefined");
  assert.equal(reasonOf(new Error("x".repeat(5000))).length, 1000);
});
