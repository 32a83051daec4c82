/**
 * Paths by a pattern: `*` is anything in one name, `?` one character, `**` any number of folders. A pattern without `/` is
 * compared with the last name, as `*.log` is meant.
 *
 * Not `matchesGlob` of node:path: that reads the pattern anew for each path, unfolds braces (`{a,b}{a,b}…` doubles each time)
 * and makes a regular expression of it, which a hostile pattern keeps busy for ever. This one goes back to the last star only,
 * so its time is bounded by the lengths multiplied.
 */
export function globMatcher(pattern: string): (path: string) => boolean {
  const wanted = pattern.replace(/^\/+/, "").split("/");
  if (wanted.length === 1 && wanted[0] !== "**") {
    const [name = ""] = wanted;
    return (path) => matches(name, path.slice(path.lastIndexOf("/") + 1), isStar, isCharacter);
  }
  const parts = wanted.filter((part, i) => part !== "**" || wanted[i - 1] !== "**");
  return (path) =>
    matches(
      parts,
      path.split("/"),
      (part) => part === "**",
      (part, name) => matches(part, name, isStar, isCharacter),
    );
}

const isStar = (character: string) => character === "*";
const isCharacter = (wanted: string, character: string) => wanted === "?" || wanted === character;

/** Whether `given` is what `wanted` says, where a star stands for any number of elements. */
function matches(
  wanted: ArrayLike<string>,
  given: ArrayLike<string>,
  isStar: (element: string) => boolean,
  isSame: (wanted: string, given: string) => boolean,
): boolean {
  let w = 0;
  let star: { w: number; g: number } | undefined;
  for (let g = 0; g < given.length;) {
    const next = wanted[w];
    if (next !== undefined && isStar(next)) {
      star = { w: ++w, g };
    } else if (next !== undefined && isSame(next, given[g] ?? "")) {
      w++;
      g++;
    } else if (star) {
      w = star.w; // the star takes one more
      g = ++star.g;
    } else return false;
  }
  while (w < wanted.length && isStar(wanted[w] ?? "")) w++;
  return w === wanted.length;
}
