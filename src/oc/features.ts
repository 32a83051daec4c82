/** What the oc at hand can do, read once at start. */
export type OcFeatures = Readonly<{
  /** As oc names its own release (`4.18.3`); `unknown` where it could not be told. */
  version: string;
  /** The flags of `oc adm must-gather`, without dashes. */
  flags: ReadonlySet<string>;
  /** One sentence on why `flags` is empty. */
  problem?: string;
}>;

/** How a short run of oc ended. */
export type OcAnswer = Readonly<{ code: number | null; stdout: string; stderr: string }>;

/** Runs oc with these arguments to its end, bounded in time and output by whoever provides it. */
export type OcCall = (args: string[]) => Promise<OcAnswer>;

/**
 * Asks oc for its version and for the flags of `oc adm must-gather`; neither question needs a cluster.
 *
 * Never rejects: with help that cannot be read, `flags` is empty, `version` is `unknown` and `problem` says why.
 */
export async function readFeatures(run: OcCall): Promise<OcFeatures> {
  const [help, version] = await Promise.all([
    ask(run, ["adm", "must-gather", "--help"]),
    ask(run, ["version", "--client"]),
  ]);
  const flags = new Set<string>();
  // Only a line that begins with a flag defines one: the examples above them begin with `oc`.
  for (const [, flag] of help.stdout.matchAll(/^[ \t]*(?:-[a-zA-Z], )?--([a-z][a-z0-9-]*)/gm)) {
    if (flag) flags.add(flag);
  }
  if (help.code !== 0 || flags.size === 0) {
    return {
      version: "unknown",
      flags: new Set(),
      problem: `Cannot read the flags of "oc adm must-gather --help": ${reason(help)}`,
    };
  }
  const [, found] = /^Client Version: *([\w.+-]{1,100})/m.exec(version.stdout) ?? [];
  return { version: version.code === 0 && found ? found : "unknown", flags };
}

async function ask(run: OcCall, args: string[]): Promise<OcAnswer> {
  try {
    return await run(args);
  } catch (error) {
    return { code: null, stdout: "", stderr: error instanceof Error ? error.message : "" };
  }
}

/** oc's last words, or what is to be said without them; bounded and printable. */
function reason({ code, stderr }: OcAnswer): string {
  const last = stderr.trimEnd().split("\n").at(-1)?.replace(/\p{Cc}+/gu, " ").trim().slice(0, 300);
  if (last) return last;
  if (code === 0) return "it lists no flag";
  return code === null ? "it did not end by itself" : `exit code ${code}`;
}
