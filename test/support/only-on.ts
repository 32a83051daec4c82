import { describe, test } from "node:test";

/**
 * Tests of what is the same process whichever runtime runs the tests, so that the other one would only do it again: a container of
 * Node's, a page in the browser. On the other runtime one test says that they did not run, and `why`.
 */
export function describeOnlyOn(
  runtime: "Node" | "Deno",
  why: string,
  name: string,
  tests: () => void,
): void {
  if (("Deno" in globalThis ? "Deno" : "Node") === runtime) return void describe(name, tests);
  console.log(`${name}: ${why}, so it is tested on ${runtime} only`);
  test(`${name}: tested on ${runtime} only`, () => {});
}
