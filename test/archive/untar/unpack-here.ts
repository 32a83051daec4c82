/** Unpacks the file `tar` into the folder `small`, both in the working folder, and prints what came of it. */
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { untar } from "../../../src/archive/untar/untar.ts";

const limits = { bytes: 1e9, entries: 100 };
const never = new AbortController().signal;
const result = await untar(createReadStream("tar"), "small", limits, never);
console.log(JSON.stringify({ ...result, there: await readdir("small") }));
