/** Reading numbers out of a query. */
import { badRequest } from "../problem.ts";

/** A whole number in a query; undefined when it is not there. Throws a `Problem` of status 400 that names it. */
export function numberIn(
  query: Readonly<Record<string, string>>,
  name: string,
  least: number,
  most: number,
): number | undefined {
  const text = query[name];
  if (text === undefined) return undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw badRequest(`${name}: must be a whole number from ${least} to ${most}`);
}
