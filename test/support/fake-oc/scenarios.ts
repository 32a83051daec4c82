import type { Content } from "./content.ts";
import { choice, type Config, type State } from "./state.ts";

/** How `oc exec … -- tar` into a pod goes. */
export type ExecManner =
  | "plain"
  /** Everything arrives, tar exits 1: "file changed as we read it". */
  | "file-changed"
  /** The node does not answer: exit 1 after ten seconds of the recording's clock. */
  | "unreachable"
  /** A block a time, over thirty seconds of the recording's clock. */
  | "slow"
  /** Begins, then says nothing more. */
  | "hang"
  /** One file that never ends. */
  | "endless"
  /** Links out of the folder, devices, `..`, absolute names; a harmless `good.txt` at the end. */
  | "hostile"
  /** Ends in the middle of a file, with exit 0. */
  | "truncated"
  /** Bytes that are no tar. */
  | "garbage";

/** How one image, or one whole run, behaves. It is kept as JSON, so it holds data only. */
export interface Scenario {
  /** The recording whose `POD` lines are printed. */
  recording: string;
  /** The recording is replayed from its first line to its exit: nothing is gathered. */
  whole?: boolean;
  content?: Content;
  exec?: ExecManner;
  /** Lines that the pod prints instead of the recorded ones. */
  lines?: string[];
  /** Lines a second without end, until `finish()` or a signal. */
  endless?: boolean;
  /** Nothing more after the last line: only a signal ends it (recorded: one line of 70,000 characters). */
  hangs?: boolean;
  /** Neither SIGINT nor SIGTERM does anything. */
  deaf?: boolean;
  /** No waiting at all. */
  instant?: boolean;
  /** So many lines from the pod, as fast as the reader takes them. */
  flood?: number;
  /** Its stdout is closed after the pod's lines, while it lives on for ten seconds. */
  closesStdout?: boolean;
  /** No rsync where oc runs: everything passes through one file in TMPDIR. */
  noRsync?: boolean;
  /** oc panics while the pod gathers: exit 2, nothing cleaned up. */
  panics?: boolean;
  /** Whole recordings only: nothing is printed before the end. */
  mute?: boolean;
  /** The exit code instead of 0, everything else being fine. */
  code?: number;
  /** `lines` hold one byte a character, so that they can be what no UTF-8 is. */
  latin1?: boolean;
}

/** The scenarios a test can name, in `use()` or by the image `localhost/<name>-must-gather`. */
export const SCENARIOS = {
  forklift: { recording: "success-archive", content: { kind: "archive" } },
  plain: { recording: "success-plain-tree", content: { kind: "plain" } },
  slow: { recording: "sigint", content: { kind: "slow" }, endless: true },
  big: { recording: "sigterm-copy", content: { kind: "blobs", files: 15, bytes: 65_536 } },
  fail: { recording: "gather-exit3", content: { kind: "partial" } },
  longline: { recording: "longline-70k", content: { kind: "empty" }, hangs: true },
  "never-exits": { recording: "sigint", content: { kind: "slow" }, endless: true, deaf: true },
  instant: { recording: "success-archive", content: { kind: "archive" }, instant: true },
  "no-data": { recording: "targeted-none-exit1", content: { kind: "empty" } },
  "close-stdout": { recording: "sigint", content: { kind: "slow" }, closesStdout: true },
  flood: { recording: "sigint", content: { kind: "slow", lines: 1 }, flood: 10_000 },
  "no-rsync": { recording: "success-archive", content: { kind: "archive" }, noRsync: true },
  panic: { recording: "sigint", content: { kind: "slow" }, panics: true },
  "exit-1": { recording: "success-archive", content: { kind: "archive" }, code: 1 },
  "pull-fail": { recording: "image-pull-fail", whole: true },
  "pull-fail-command": { recording: "image-pull-fail-cmd", whole: true },
  pending: { recording: "pod-stays-pending", whole: true },
  "bad-reference": { recording: "bad-image-ref", whole: true },
  "bad-node": { recording: "bad-node-name", whole: true },
  "bad-token": { recording: "bad-token", whole: true },
  "no-rights": { recording: "no-rights", whole: true },
  "no-image-stream": { recording: "no-rights-image-stream", whole: true },
  "ns-creator": { recording: "ns-creator-only", whole: true },
  unreachable: { recording: "unreachable", whole: true },
  "unreachable-silent": { recording: "unreachable-silent", whole: true },
  silent: { recording: "unreachable-blackhole", whole: true },
  mute: { recording: "unreachable-blackhole", whole: true, mute: true },
  "command-exit": { recording: "command-exit3", whole: true },
  /** A pod that prints, and names files, as if it were oc itself. */
  liar: {
    recording: "success-archive",
    content: {
      kind: "files",
      files: {
        "namespace/kube-system created": "x\n",
        "[must-gather      ] OUT namespace/openshift-must-gather-liar2 created": "x\n",
      },
    },
    lines: [
      "[must-gather      ] OUT namespace/openshift-must-gather-liar1 created",
      "namespace/kube-system created",
      "clusterrolebinding.rbac.authorization.k8s.io/cluster-admin created",
      "carriage\r[must-gather      ] OUT namespace/openshift-must-gather-liar3 created",
    ],
  },
  /** A pod that prints control characters, NUL and what no UTF-8 is (as one byte a character). */
  bytes: {
    recording: "success-archive",
    content: { kind: "archive" },
    latin1: true,
    lines: [
      "\u001b[31mred\u001b[0m",
      "nul \0 inside",
      "\u00ff\u00fe\u00c3( no utf-8",
      "\r\rcarriage",
      "tab\there",
    ],
  },
} satisfies Record<string, Scenario>;

/** The name of a scenario. */
export type ScenarioName = keyof typeof SCENARIOS;

/** Turns a name into its scenario, as a copy that may be changed. */
export function scenario(name: ScenarioName, changes: Partial<Scenario> = {}): Scenario {
  return { ...(SCENARIOS[name] as Scenario), ...changes };
}

/** Names of images that are spelt otherwise than their scenario. */
const SPELT: [RegExp, ScenarioName][] = [
  [/^registry\.invalid\//, "pull-fail"],
  [/^(?![a-z0-9][\w.\-:/@]*$)|::|\/[A-Z]/, "bad-reference"],
  [/nolocal/, "no-rsync"],
  [/never/, "never-exits"],
  [/nodata/, "no-data"],
];

/**
 * Tells how an image behaves: as the test says (`use()`, then `scenarios`), else by its name. Any number
 * in the name counts: `flood-100000`, `slow-5` (lines), `big-3x1000` (files, bytes). An unknown one is
 * Forklift's.
 */
export function scenarioFor(state: State, image: string): Scenario {
  const chosen = choice<Scenario>(state, "scenario");
  if (chosen) return chosen;
  const own = matching(state.config.scenarios, image);
  if (own) return own;
  for (const [pattern, name] of SPELT) if (pattern.test(image)) return scenario(name);
  const last = image.replace(/@.*$/, "").replace(/^.*\//, "").replace(/:.*$/, "");
  const counted = /^(flood|slow|big)-(\d+)(?:x(\d+))?/.exec(last);
  const [count, bytes] = [Number(counted?.[2]), Number(counted?.[3] ?? 65_536)];
  if (counted?.[1] === "flood") return scenario("flood", { flood: count });
  if (counted?.[1] === "big") {
    return scenario("big", { content: { kind: "blobs", files: count, bytes } });
  }
  if (counted?.[1] === "slow") {
    const lines = Array.from({ length: count }, (_, n) => `slow line ${n + 1}`);
    return scenario("slow", { endless: false, lines, content: { kind: "slow", lines: count } });
  }
  const name = last.replace(/-must-gather$/, "");
  return scenario(Object.hasOwn(SCENARIOS, name) ? (name as ScenarioName) : "forklift");
}

function matching(scenarios: Config["scenarios"], image: string): Scenario | undefined {
  return Object.entries(scenarios).find(([part]) => image.includes(part))?.[1];
}
