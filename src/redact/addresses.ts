/** Addresses and host names, which go out where that is asked for. */
import { isIPv4, isIPv6 } from "node:net";
import type { Pattern, Span } from "./patterns.ts";

/** These say nothing of anybody. */
const NOBODYS = /^(?:127\.|0\.0\.0\.0$|255\.|::1?$)/;

const IPV4 = /(?<![\w.-])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w-]|\.\d)/g;
const IPV6 =
  /(?<![\w:.])[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{1,36}(?:\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})?(?![\w:])/g;
const MAC = /(?<![\w:-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:-])/g;

/** IPv4 and IPv6, but those of the machine itself. */
export const IPS: Pattern = {
  name: "ip",
  target: "all",
  *find(text) {
    if (text.includes(".")) {
      for (const span of matches(text, IPV4)) if (counts(text, span, isIPv4)) yield span;
    }
    if (text.includes(":")) {
      for (const span of matches(text, IPV6)) if (counts(text, span, isIPv6)) yield span;
    }
  },
};

/** Hardware addresses. */
export const MACS: Pattern = { name: "mac", target: "all", find: (text) => matches(text, MAC) };

/** No quantifier in these is without a bound, so that the time that they take grows with the text and not faster. */
function* matches(text: string, pattern: RegExp): Generator<Span> {
  for (const { index, 0: found } of text.matchAll(pattern)) yield [index, index + found.length];
}

function counts(text: string, [from, to]: Span, is: (text: string) => boolean): boolean {
  const found = text.slice(from, to);
  return is(found) && !NOBODYS.test(found);
}

/** Last labels of names that are hosts; not those that are ends of file names as well: `sh`, `py`, `rs`, `so`. */
const TOP = new Set(
  ("com net org edu gov mil int info biz name io dev cloud app tech local internal intranet lan corp home localdomain " +
    "test example de fr uk it es nl be ch at jp cn br ru us ca au se no fi dk cz il kr sg hk tw eu ie pt gr hu ro tr za mx ar cl nz")
    .split(" "),
);

/** Names that are no hosts of anybody's: API groups, registries, and services within a cluster. */
const PUBLIC = [
  "k8s.io",
  "kubernetes.io",
  "openshift.io",
  "openshift.com",
  "kubevirt.io",
  "konveyor.io",
  "coreos.com",
  "redhat.com",
  "redhat.io",
  "quay.io",
  "docker.io",
  "docker.com",
  "gcr.io",
  "ghcr.io",
  "github.com",
  "github.io",
  "golang.org",
  "gopkg.in",
  "metal3.io",
  "operatorframework.io",
  "ovn.org",
  "cncf.io",
  "istio.io",
  "knative.dev",
  "tekton.dev",
  "argoproj.io",
  "fluentd.org",
  "w3.org",
  "vmware.com",
  "ovirt.org",
  "libvirt.org",
  "qemu.org",
  "cluster.local",
  "localhost.localdomain",
];

/** Names with a dot whose last part is one that hosts have. Names without a dot are none: nothing tells them from words. */
export function hosts(): Pattern {
  return hostPattern((name) => {
    const lower = name.toLowerCase();
    if (!TOP.has(lower.slice(lower.lastIndexOf(".") + 1))) return false;
    return !PUBLIC.some((known) => lower === known || lower.endsWith(`.${known}`)) &&
      !lower.endsWith(".svc");
  });
}

/** The domains that are named, and all below them. */
export function domains(names: readonly string[]): Pattern {
  const wanted = names.map((name) => name.toLowerCase());
  return hostPattern((name) => {
    const lower = name.toLowerCase();
    return wanted.some((domain) => lower === domain || lower.endsWith(`.${domain}`));
  });
}

const RUN = /[A-Za-z0-9][A-Za-z0-9.-]*/g;
const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/;

function hostPattern(isOne: (name: string) => boolean): Pattern {
  return {
    name: "host",
    target: "all",
    *find(text) {
      for (const { index, 0: run } of text.matchAll(RUN)) {
        if (!run.includes(".") || run.length > 4096) continue;
        let name = run;
        while (name.endsWith(".") || name.endsWith("-")) name = name.slice(0, -1);
        if (name.length > 253 || !isOne(name)) continue;
        if (name.split(".").every((label) => LABEL.test(label))) yield [index, index + name.length];
      }
    },
  };
}
