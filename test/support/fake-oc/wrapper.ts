import { fileURLToPath } from "node:url";

/**
 * The text of the program `oc`. It becomes the runtime of the test that made it, so its process id stays oc's. The
 * runtime's caches are kept out of the HOME that the service gives, and shared by all tests.
 */
export function wrapper(home: string): string {
  const word = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const deno = process.versions["deno"] !== undefined;
  const cache = fileURLToPath(new URL("../../../node_modules/.cache/fake-oc", import.meta.url));
  const variable = deno ? "DENO_DIR" : "NODE_COMPILE_CACHE";
  const flags = deno
    ? ["run", "-A", "--no-check", "--no-config", "--no-lock", "-q"]
    : ["--no-warnings"];
  const program = fileURLToPath(new URL("./program.ts", import.meta.url));
  return `#!/bin/sh
own=
[ "\${${variable}+given}" ] || own=${variable}
export ${variable}=${word(cache)}
exec ${[process.execPath, ...flags, program, "--state", home].map(word).join(" ")} --own "$own" "$@"
`;
}
