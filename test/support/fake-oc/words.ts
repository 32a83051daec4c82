import { spawnSync } from "node:child_process";
import path from "node:path";
import { expandsTwice, type Release } from "./release.ts";

/** What the words behind `--` came to in the pod. */
export interface WordsResult {
  /** stdout and stderr, as they came. */
  lines: string[];
  code: number;
}

/**
 * Runs the words behind `--` as the pod's shell would have, where they call `/usr/bin/targeted` or are
 * `exit N`; `null` for any other words, which are not run.
 *
 * They are a test's input, yet come as near to a real shell as is needed to see what its quoting does:
 * bash in restricted mode (no redirection of output, no command with a slash, no change of PATH), an
 * empty environment, a PATH of one folder that holds a stub which prints NS, PLAN and VM, and five
 * seconds. From 4.20 the text passes through a here-document first, as the real one does.
 */
export function runWords(words: string[], release: Release, stubs: string): WordsResult | null {
  const text = words.join(" ");
  if (!text.includes("/usr/bin/targeted") && !/^\s*exit \d+\s*$/.test(text)) return null;
  const command = `${text.replaceAll("/usr/bin/targeted", "targeted")}; sync`;
  const script = expandsTwice(release)
    ? `bash -r <<MUSTGATHER_EOF\n${command}\nMUSTGATHER_EOF`
    : command;
  const { stdout, status } = spawnSync(
    "/bin/sh",
    ["-c", 'exec "$@" 2>&1', "sh", path.join(stubs, "bash"), "-r", "-c", script],
    {
      env: { PATH: stubs },
      cwd: stubs,
      timeout: 5000,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  const lines = stdout.replaceAll(path.join(stubs, "bash"), "/bin/bash").split("\n").slice(0, -1);
  return { lines, code: status ?? 137 };
}

/** The files of the folder `stubs`, by name: all that the words can call. */
export const STUBS: Record<string, string> = {
  sync: "#!/bin/sh\nexit 0\n",
  targeted: `#!/bin/sh
echo "Targeted gathering for Forklift NS=[$NS] PLAN=[$PLAN] VM=[$VM] argv=[$*]"
if [ -z "$NS$PLAN$VM" ]; then
  echo "Nothing to gather: one of NS, PLAN, VM must be set"
  exit 1
fi
echo "gathered konveyor-forklift"
echo "Tarring must-gather artifacts..."
echo "tar: Removing leading \\\`/' from member names"
echo "Created /must-gather/must-gather.tar.gz"
echo "Waiting for copy phase..."
`,
};
