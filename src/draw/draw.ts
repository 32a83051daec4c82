/** The pictures of all machines. */
import { readFile } from "node:fs/promises";
import type { AnyStateMachine } from "xstate";
import { gatherMachine } from "../../machines/gather.ts";
import { serviceMachine } from "../../machines/service.ts";
import { stopMachine } from "../../machines/stop.ts";
import { placeModel } from "./layout.ts";
import { readModel } from "./model.ts";
import { toSvg } from "./svg.ts";

/** What is drawn. */
export const MACHINES: readonly AnyStateMachine[] = [gatherMachine, stopMachine, serviceMachine];

/** The page's own stylesheets, so that a picture looks the same in it and outside. */
const THEME = new URL("../web/theme.css", import.meta.url);
const DRAWING = new URL("../web/drawing.css", import.meta.url);

/** Draws one machine. Throws a TypeError where it has something that a drawing cannot show. */
export async function drawMachine(machine: AnyStateMachine): Promise<string> {
  const model = readModel(machine);
  return toSvg(model.id, await placeModel(model), await readStyle());
}

/** Draws all, each with the file that it belongs into. */
export async function drawAll(): Promise<{ file: URL; svg: string }[]> {
  return await Promise.all(MACHINES.map(async (machine) => ({
    file: new URL(`../../machines/${machine.id}.svg`, import.meta.url),
    svg: await drawMachine(machine),
  })));
}

/** The rules of a drawing with the colours they name, for light and dark. */
async function readStyle(): Promise<string> {
  const [theme, drawing] = await Promise.all([readFile(THEME, "utf8"), readFile(DRAWING, "utf8")]);
  const used = new Set([...drawing.matchAll(/var\((--[\w-]+)\)/g)].map(([, name]) => name));
  const colours = [...theme.matchAll(/^ {2}(--[\w-]+): light-dark\(([^,]+), ([^)]+)\);$/gm)]
    .filter(([, name]) => used.has(name));
  if (colours.length !== used.size) {
    throw new Error("drawing.css names a colour that theme.css has not");
  }
  const set = (pick: 2 | 3) => colours.map((each) => `${each[1]}:${each[pick]}`).join(";");
  return `.machine{${set(2)}}\n@media(prefers-color-scheme:dark){.machine{${set(3)}}}\n` +
    drawing.replace(/\/\*[^]*?\*\/\n/g, "");
}
