import type { Release } from "./release.ts";

/** What a flag takes: a value, or at most `=true` and `=false`. */
export type FlagKinds = Record<string, "value" | "switch">;

/** Flags that every command of oc knows. */
export const GLOBAL_FLAGS: FlagKinds = {
  kubeconfig: "value",
  server: "value",
  s: "value",
  token: "value",
  context: "value",
  cluster: "value",
  user: "value",
  as: "value",
  "certificate-authority": "value",
  "request-timeout": "value",
  "insecure-skip-tls-verify": "switch",
  namespace: "value",
  n: "value",
  v: "value",
};

const SHORT: Record<string, string> = { n: "namespace", s: "server", o: "output", c: "container" };

/** A command line taken apart. */
export interface Flags {
  /** Every value of every flag given, in order, under its long name; a bare switch is `true`. */
  given: Map<string, string[]>;
  positional: string[];
  /** The words behind `--`; `null` where there is no `--`. */
  words: string[] | null;
  /** What oc would print on stderr before it exits with 1; empty when all is well. */
  error: string;
}

/** Takes a command line apart as oc does. `usage` is the command named in the hint below an error. */
export function parseFlags(argv: string[], kinds: FlagKinds, usage: string): Flags {
  const flags: Flags = { given: new Map(), positional: [], words: null, error: "" };
  const known = { ...GLOBAL_FLAGS, ...kinds };
  const hint = `See 'oc ${usage} --help' for usage.`;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    if (word === "--") {
      flags.words = argv.slice(i + 1);
      break;
    }
    const flag = /^--?([^=]+)(?:=(.*))?$/s.exec(word);
    if (!flag || !word.startsWith("-")) {
      flags.positional.push(word);
      continue;
    }
    const name = flag[1] ?? "";
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) {
      const said = word.startsWith("--")
        ? `unknown flag: --${name}`
        : `unknown shorthand flag: '${name[0]}' in ${word}`;
      return { ...flags, error: `error: ${said}\n${hint}\n` };
    }
    const value = flag[2] ?? (kind === "switch" ? "true" : argv[++i]);
    if (value === undefined) {
      return { ...flags, error: `error: flag needs an argument: ${word}\n${hint}\n` };
    }
    const long = SHORT[name] ?? name;
    flags.given.set(long, [...flags.given.get(long) ?? [], value]);
  }
  return flags;
}

/** The last value of a flag, or what it is without one. */
export function valueOf(flags: Flags, name: string, otherwise = ""): string {
  return flags.given.get(name)?.at(-1) ?? otherwise;
}

/** Tells whether a switch is on. */
export function isOn(flags: Flags, name: string, otherwise = false): boolean {
  const value = flags.given.get(name)?.at(-1);
  return value === undefined ? otherwise : value === "true" || value === "1" || value === "t";
}

/** One flag of `oc adm must-gather`, with its default as `--help` shows it. */
export interface MustGatherFlag {
  name: string;
  kind: "value" | "switch";
  shown: string;
  text: string;
  /** True where releases before 4.16 do not have it (4.15 for `volume-percentage`). */
  newer?: boolean;
}

const MUST_GATHER_FLAGS: MustGatherFlag[] = [
  {
    name: "all-images",
    kind: "switch",
    shown: "false",
    newer: true,
    text: "Gather with every image that cluster operators name.",
  },
  {
    name: "dest-dir",
    kind: "value",
    shown: "''",
    text: "The local folder that gets the gathered data.",
  },
  {
    name: "host-network",
    kind: "switch",
    shown: "false",
    text: "Run the pods in the network of their node.",
  },
  {
    name: "image",
    kind: "value",
    shown: "[]",
    text: "An image to gather with. May be given more than once.",
  },
  {
    name: "image-stream",
    kind: "value",
    shown: "[]",
    text: "An image stream (namespace/name:tag) to gather with.",
  },
  {
    name: "keep",
    kind: "switch",
    shown: "false",
    text: "Do not delete temporary resources when done.",
  },
  { name: "node-name", kind: "value", shown: "''", text: "The node to gather on." },
  { name: "node-selector", kind: "value", shown: "''", text: "A selector of nodes to gather on." },
  {
    name: "run-namespace",
    kind: "value",
    shown: "''",
    text: "An existing privileged namespace for the pods.",
  },
  {
    name: "since",
    kind: "value",
    shown: "0s",
    newer: true,
    text: "Only logs newer than this duration.",
  },
  {
    name: "since-time",
    kind: "value",
    shown: "''",
    newer: true,
    text: "Only logs after this time (RFC 3339).",
  },
  {
    name: "source-dir",
    kind: "value",
    shown: "'/must-gather/'",
    text: "The folder in the pod that is copied.",
  },
  {
    name: "timeout",
    kind: "value",
    shown: "10m0s",
    text: "How long to gather, like 5s, 2m, or 3h.",
  },
  {
    name: "volume-percentage",
    kind: "value",
    shown: "30",
    newer: true,
    text: "How full the pod's volume may get.",
  },
];

/** The flags that this release's `oc adm must-gather` has. */
export function mustGatherFlags(release: Release): MustGatherFlag[] {
  return MUST_GATHER_FLAGS.filter(({ newer }) => !newer || release !== "4.13");
}

/** What `oc adm must-gather --help` prints, its flags as this release has them. */
export function mustGatherHelp(release: Release): string {
  const options = mustGatherFlags(release)
    .map(({ name, shown, text }) => `    --${name}=${shown}:\n\t${text}\n`).join("\n");
  return `Launch a pod to gather debugging information.

 This command will launch a pod in a temporary namespace on your cluster that gathers debugging information and then downloads it.

Usage:
  oc adm must-gather [flags] [options]

Examples:
  # Gather information using the default plug-in image and command, writing into ./must-gather.local.<rand>
  oc adm must-gather

  # Gather information using a specific image, command, and pod directory
  oc adm must-gather --image=my/image:tag --source-dir=/pod/directory -- myspecial-command.sh

Options:
${options}
Use "oc options" for a list of global command-line options (applies to all commands).
`;
}
