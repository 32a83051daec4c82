/** Packs or removes a tree in a process of its own and prints what came of it; see `act()` in work.ts. */
import { copyFile, readdir } from "node:fs/promises";
import process from "node:process";
import { removeTree } from "../../src/archive/pack/pack.ts";
import { packed } from "./work.ts";
import type { Act, Acted } from "./work.ts";

const task = JSON.parse(process.env.TASK ?? "") as Act;
const acted: Acted = { left: [] };
try {
  if (task.action === "remove") await removeTree(task.tree);
  else {
    const { format = "zip", copyTo } = task;
    const result = await packed(task.tree, task.folder, { format });
    if (result) acted.packed = result;
    if (result && copyTo) await copyFile(result.file, copyTo);
  }
} catch (error) {
  if (!(error instanceof Error)) throw error;
  const { name, message } = error;
  acted.error = { name, message, ...("code" in error ? { code: String(error.code) } : {}) };
}
acted.left = await readdir(task.folder);
console.log(JSON.stringify(acted));
