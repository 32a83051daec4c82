/** Packs a tree where so many bytes are said to be free: arguments are the tree, the folder of the archive, the bytes. */
import process from "node:process";
import { packed } from "../archive/work.ts";

const [tree = "", folder = "", bytes = ""] = process.argv.slice(2);
await packed(tree, folder, { level: 1, free: () => Promise.resolve(Number(bytes)) });
