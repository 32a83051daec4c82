/** How the value of a flag is read, with oc's own words when it cannot be. */
export type FlagKind = "string" | "list" | "boolean" | "duration" | "percentage";

/** One flag of `oc adm must-gather`. */
export type Flag = Readonly<{
  kind: FlagKind;
  /** As the help shows it, between `=` and `:`. */
  default: string;
  about: string;
  /** It picks where a cluster is looked at: read and checked as oc does, and without effect on this machine. */
  selectsNothing?: true;
}>;

/** The flags of oc 4.22, and what each means here. */
export const FLAGS: Readonly<Record<string, Flag>> = {
  "all-images": {
    kind: "boolean",
    default: "false",
    about: "Selects nothing here: there are no images.",
    selectsNothing: true,
  },
  "dest-dir": {
    kind: "string",
    default: "''",
    about: "The folder to write what was gathered to; made when it is not there.",
  },
  "host-network": {
    kind: "boolean",
    default: "false",
    about: "Selects nothing here: the network looked at is this machine's.",
    selectsNothing: true,
  },
  "image": {
    kind: "list",
    default: "[]",
    about: "Selects nothing here: what is gathered is built in.",
    selectsNothing: true,
  },
  "image-stream": {
    kind: "list",
    default: "[]",
    about: "Selects nothing here: what is gathered is built in.",
    selectsNothing: true,
  },
  "node-name": {
    kind: "string",
    default: "''",
    about: "Selects nothing here: the machine is this one.",
    selectsNothing: true,
  },
  "node-selector": {
    kind: "string",
    default: "''",
    about: "Selects nothing here: the machine is this one.",
    selectsNothing: true,
  },
  "since": {
    kind: "duration",
    default: "0s",
    about: "Only entries of the journal newer than 5s, 2m or 3h. One of since and since-time only.",
  },
  "since-time": {
    kind: "string",
    default: "''",
    about: "Only entries of the journal after a time (RFC3339). One of since and since-time only.",
  },
  "source-dir": {
    kind: "string",
    default: "'/must-gather/'",
    about: "Selects nothing here: a command's own working folder is what is collected.",
    selectsNothing: true,
  },
  "timeout": {
    kind: "string",
    default: "'10m'",
    about: "How long gathering may take, like 5s, 2m or 3h. What there is by then is kept.",
  },
  "volume-percentage": {
    kind: "percentage",
    default: "70",
    about: "Selects nothing here: every file has its own bound.",
    selectsNothing: true,
  },
};

/**
 * The flags that every command of oc has: they are about a cluster and how to reach it, so they are taken and forgotten.
 * `true`: it needs no value.
 */
export const GLOBAL_FLAGS: Readonly<Record<string, boolean>> = {
  "as": false,
  "as-group": false,
  "as-uid": false,
  "as-user-extra": false,
  "cache-dir": false,
  "certificate-authority": false,
  "client-certificate": false,
  "client-key": false,
  "cluster": false,
  "context": false,
  "disable-compression": true,
  "insecure-skip-tls-verify": true,
  "kubeconfig": false,
  "log-flush-frequency": false,
  "match-server-version": true,
  "namespace": false,
  "password": false,
  "profile": false,
  "profile-output": false,
  "request-timeout": false,
  "server": false,
  "tls-server-name": false,
  "token": false,
  "user": false,
  "username": false,
  "v": false,
  "vmodule": false,
  "warnings-as-errors": true,
};

/** The one-letter names that oc has for global flags. */
export const SHORT_FLAGS: Readonly<Record<string, string>> = {
  n: "namespace",
  s: "server",
  v: "v",
};

/** What `adm must-gather --help` prints, in the form of oc's help, so that a caller can read which flags there are. */
export function helpText(): string {
  const flags = Object.entries(FLAGS)
    .map(([name, flag]) => `    --${name}=${flag.default}:\n\t${flag.about}\n`);
  return `Gather information for debugging this machine.

 There is no cluster here: the embedded gatherer speaks the command line of oc 4.22 and collects from the machine that it
runs on: system, resources, processes, network, storage, recent logs and the state of the must-gather service.

Usage:
  oc adm must-gather [flags] [-- command]

 A command after -- runs on this machine, in the folder that is collected, in place of the built-in collectors, and only
where the environment says LOCAL_COMMANDS=1.

Options:
${flags.join("\n")}`;
}
