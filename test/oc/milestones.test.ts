import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { MilestoneReader, MILESTONES } from "../../src/oc/milestones.ts";

/** The standard output of a recording, line by line. */
async function recorded(name: string): Promise<string[]> {
  const url = new URL(`../fixtures/oc/${name}.txt`, import.meta.url);
  const [, stdout = ""] = (await readFile(url, "utf8")).split(/^--- stdout.*$|^--- stderr$/m);
  return stdout.trim().split("\n").map((line) => line.replace(/^ *[\d.]+ /, ""));
}

/** The milestones in their order, with the lines in blocks of so many. */
function milestones(lines: readonly string[], size = 1): number[] {
  const reader = new MilestoneReader();
  const found: number[] = [];
  for (let at = 0; at < lines.length; at += size) {
    const block = lines.slice(at, at + size).map((line) => `${line}\n`).join("");
    const milestone = reader.read(Buffer.from(block));
    if (milestone > 0) found.push(milestone);
  }
  return found;
}

test("Forklift's scripts come to their milestones in every recorded release", async () => {
  const recordings = [
    "4.13/success-archive",
    "4.18/success-archive",
    "4.22/success-archive",
    "4.13/targeted-plan",
  ];
  for (const name of recordings) {
    const lines = await recorded(name);
    assert.deepEqual(milestones(lines), [1, 3, 4], name); // the recorded image collects no logs of pods
    assert.deepEqual(milestones(lines, lines.length), [MILESTONES], name);
  }
  assert.deepEqual(milestones(await recorded("4.13/success-plain-tree")), []);
});

test("as published, the scripts tell of logs, too", () => {
  const pod = (text: string) => `[must-gather-abcde] POD 2026-11-22T13:15:08.094853842Z ${text}`;
  const lines = [
    "Targeted gathering for Forklift in namespaces [openshift-mtv]",
    "Gathering logs for namespaces [openshift-mtv]",
    "Tarring must-gather artifacts...",
    "Created /must-gather/must-gather.tar.gz",
  ].map(pod);
  assert.deepEqual(milestones(lines), [1, 2, 3, 4]);
  assert.deepEqual(milestones(lines.toReversed()), [4]);
});

test("only a pod's line that begins so is a milestone", () => {
  const text = "Tarring must-gather artifacts...";
  const other = [
    text,
    `[must-gather      ] OUT ${text}`,
    `[must-gather-abcde] POD 2026-11-22T13:15:08.094853842Z echo ${text}`,
    `x[must-gather-abcde] POD 2026-11-22T13:15:08.094853842Z ${text}`,
    `${text} ${text}`,
  ];
  assert.deepEqual(milestones(other), []);
});
