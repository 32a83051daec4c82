import process from "node:process";

/** The program and the arguments that run one of our own `.ts` files on the runtime the tests are on. */
export function programCommand(script: string): [string, string[]] {
  return "Deno" in globalThis
    ? [process.execPath, ["run", "--no-prompt", "-A", script]]
    : [process.execPath, [script]];
}
