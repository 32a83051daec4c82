/** Reading Prometheus queries with the grammar that Prometheus' own pages have. */
import { parser } from "@prometheus-io/lezer-promql";

/** One selector of a query: a metric, and what its labels are compared with. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly { readonly label: string; readonly value: string }[];
}

/** The selectors of a query. Throws, naming the place, for one that Prometheus could not read. */
export function selectorsOf(query: string): Selector[] {
  // Grafana puts these in before it asks.
  const text = query.replaceAll("$__rate_interval", "5m");
  const found: { metric: string; matchers: { label: string; value: string }[] }[] = [];
  parser.parse(text).iterate({
    enter({ name, type, from, to, node }) {
      const own = text.slice(from, to);
      if (type.isError) throw new SyntaxError(`Cannot read the query at ${from}: ${text}`);
      if (name === "VectorSelector") found.push({ metric: "", matchers: [] });
      const selector = found.at(-1);
      if (name === "Identifier" && selector) selector.metric = own;
      if (name === "UnquotedLabelMatcher") {
        const [label, value] = [node.firstChild, node.lastChild].map((part) =>
          text.slice(part?.from, part?.to)
        );
        selector?.matchers.push({ label: label ?? "", value: (value ?? "").slice(1, -1) });
      }
    },
  });
  return found;
}
