/**
 * A program for tests: owns the folder that a line names, says so, and lets go of it at the line `let go`. With `visit`, connects
 * to a socket and stays.
 */
import { once } from "node:events";
import { createConnection } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import { ownFolder } from "../../src/gathers/owner.ts";

let disown: (() => Promise<void>) | undefined;
process.stdout.write("ready\n");
for await (const line of createInterface(process.stdin)) {
  if (line === "let go") {
    await disown?.();
    disown = undefined;
    process.stdout.write("let go\n");
  } else if (line.startsWith("visit ")) {
    await once(
      createConnection({ path: line.slice("visit ".length), allowHalfOpen: true }),
      "connect",
    );
    process.stdout.write("inside\n");
  } else {
    try {
      disown = await ownFolder(line);
      process.stdout.write("owner\n");
    } catch (error) {
      process.stdout.write(`${(error as Error).name}\n`);
    }
  }
}
