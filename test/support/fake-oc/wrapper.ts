import { fileURLToPath } from "node:url";
import { mustGatherHelp } from "./flags.ts";
import { type Release, versionText } from "./release.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Where Node keeps what it made of the sources of this, for all tests: kept out of the HOME that the service gives. */
const CACHE = here("../../../node_modules/.cache/fake-oc");

/** oc is a program of others: which runtime its stand-in has is no matter of the one that the tests are on. */
const NODE = here("../../../node_modules/node/bin/node");

const PROGRAM = here("./program.ts");

/** What oc tells without a cluster: the words that ask for it, and the answer. */
export function answers(release: Release): readonly (readonly [words: string, text: string])[] {
  return [
    ["version --client", versionText(release)],
    ["adm must-gather --help", mustGatherHelp(release)],
  ];
}

/** The name of the file with an answer, below the folder of the pretended oc. */
export function answerFile(words: string): string {
  return `answers/${words.replaceAll(" ", "_")}`;
}

/**
 * The text of the program `oc`. It becomes the program that answers, so its process id stays oc's: bash for what is always the same,
 * else Node. Node's cache is kept out of the HOME that the service gives.
 */
export function wrapper(home: string, release: Release): string {
  const word = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const quick = answers(release).map(([words]) =>
    `${word(words)}) exec /bin/bash ${word(here("quick.sh"))} ${word(home)} ${
      word(answerFile(words))
    } "$@" ;;`
  );
  return `#!/bin/sh
case "\${KUBECONFIG:+named }$*" in
${quick.join("\n")}
esac
own=
[ "\${NODE_COMPILE_CACHE+given}" ] || own=NODE_COMPILE_CACHE
export NODE_COMPILE_CACHE=${word(CACHE)}
exec ${[NODE, "--no-warnings", PROGRAM, "--state", home].map(word).join(" ")} --own "$own" "$@"
`;
}
