import { fileURLToPath } from "node:url";

/** Where the runtimes keep what they made of our sources: a service starts with half the CPU then. */
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/service", import.meta.url));

/** For the environment of services that are started often. */
export const CACHED = { NODE_COMPILE_CACHE: CACHE, DENO_DIR: CACHE } as const;
