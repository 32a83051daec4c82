/** Which arrows of a drawing a machine took. */

/** After so many transitions without an event a machine stands somewhere: they have none in a circle. */
const LONGEST = 5;

/** An arrow of a drawing; those to initial states have no lines. */
export function readArrows(svg) {
  return [...svg.querySelectorAll("path.way")].map((way) => {
    const { from, to } = way.dataset;
    const label = [...svg.querySelectorAll("g.label")]
      .find(({ dataset }) => dataset.from === from && dataset.to === to);
    const isInitial = way.classList.contains("initial");
    return {
      from,
      to,
      way,
      isInitial,
      lines: isInitial ? [] : [...label.querySelectorAll("text")],
    };
  });
}

/**
 * The arrows that lead from one state to another at an event, as `{way, line}` in their order: the event's own, those that are
 * taken without one, those to initial states. None where the drawing knows no way.
 */
export function findWays(arrows, { from, event, to }) {
  const first = arrows
    .filter((each) => !each.isInitial && isIn(from, each.from))
    .toSorted((a, b) => b.from.length - a.from.length)
    .find((each) => lineOf(each, event) && reaches(arrows, each.to, to, 0));
  if (!first) return [];
  return [{ way: first.way, line: lineOf(first, event) }, ...onwards(arrows, first.to, to)];
}

function onwards(arrows, at, to) {
  if (at === to) return [];
  const initial = arrows.find((each) => each.isInitial && each.from === at && isIn(to, each.to));
  if (initial) return [{ way: initial.way }, ...onwards(arrows, initial.to, to)];
  const next = arrows.find((each) => isAlways(each, at) && reaches(arrows, each.to, to, 0));
  return next ? [{ way: next.way, line: next.lines[0] }, ...onwards(arrows, next.to, to)] : [];
}

/** Whether a state is entered with another, or after it without an event. */
function reaches(arrows, at, to, steps) {
  return isIn(to, at) ||
    (steps < LONGEST &&
      arrows.some((each) => isAlways(each, at) && reaches(arrows, each.to, to, steps + 1)));
}

function isAlways(arrow, from) {
  return arrow.from === from && lineOf(arrow, "always") !== undefined;
}

function lineOf({ lines }, event) {
  return lines.find(({ dataset }) => dataset.event === event);
}

function isIn(state, outer) {
  return outer === "" || state === outer || state.startsWith(`${outer}.`);
}
