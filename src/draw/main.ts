/** Draws the machines into machines/*.svg: `npm run draw`, whenever one has changed. */
import { writeFile } from "node:fs/promises";
import { drawAll } from "./draw.ts";

for (const { file, svg } of await drawAll()) {
  await writeFile(file, svg);
  console.log(`drew ${file.pathname}`);
}
