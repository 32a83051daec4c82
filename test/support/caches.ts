import { fileURLToPath } from "node:url";

/** Where the runtimes keep what they made of our sources: a program of ours starts with half the CPU then. */
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/own", import.meta.url));

/** For the environment of our own programs, as HOME is another for each test. */
export const CACHED = { NODE_COMPILE_CACHE: CACHE, DENO_DIR: CACHE } as const;
