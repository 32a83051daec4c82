/** Finds many texts at once: one look into a table for each byte, whatever there is to be found. */

/** A text that calls a rule. Letters match in either case; `exact`: only as they are. */
export interface Trigger {
  text: string;
  exact?: boolean;
  /** What the caller is told: which rule. */
  rule: number;
}

/** The table of an automaton. A state is the beginning of its row. */
export interface Triggers {
  /** By state and class of byte: the next state. */
  next: Uint16Array;
  /** The class of a byte. */
  classes: Uint8Array;
  /** States from here on have found something. */
  found: number;
  /** What ends in a state, the longest first. */
  hits: ReadonlyMap<number, readonly Trigger[]>;
}

interface Node {
  children: Map<number, Node>;
  fail: Node | undefined;
  hits: Trigger[];
}

/**
 * Makes the table (Aho and Corasick, "Efficient string matching", 1975). Its size is the length of all texts together times
 * the kinds of bytes in them, 64 KiB for the rules that are built in: a processor's cache holds it.
 */
export function buildTriggers(all: readonly Trigger[]): Triggers {
  const { classes, count } = classify(all);
  const root: Node = { children: new Map(), fail: undefined, hits: [] };
  for (const trigger of all) {
    let node = root;
    for (const byte of Buffer.from(trigger.text, "latin1")) {
      const kind = classes[byte] as number;
      let child = node.children.get(kind);
      if (!child) node.children.set(kind, child = { children: new Map(), fail: root, hits: [] });
      node = child;
    }
    node.hits.push(trigger);
  }
  return table(link(root), classes, count);
}

/** A class for each byte that stands in a text, one for both cases of a letter, and class 0 for all others. */
function classify(all: readonly Trigger[]): { classes: Uint8Array; count: number } {
  const classes = new Uint8Array(256);
  let count = 1;
  for (const { text } of all) {
    for (const character of text) {
      const lower = character.toLowerCase().charCodeAt(0);
      if (classes[lower]) continue;
      classes[lower] = classes[character.toUpperCase().charCodeAt(0)] = count++;
    }
  }
  return { classes, count };
}

/** All nodes, the nearest to the root first, each knowing where to go on when it fails. */
function link(root: Node): Node[] {
  const nodes = [root];
  for (const node of nodes) {
    for (const [kind, child] of node.children) {
      let fail = node.fail;
      while (fail && !fail.children.has(kind)) fail = fail.fail;
      child.fail = fail?.children.get(kind) ?? root;
      child.hits.push(...child.fail.hits);
      nodes.push(child);
    }
  }
  return nodes;
}

function table(nodes: readonly Node[], classes: Uint8Array, count: number): Triggers {
  const [root] = nodes;
  const order = [...nodes.filter(({ hits }) => hits.length === 0)];
  const found = order.length * count;
  order.push(...nodes.filter(({ hits }) => hits.length > 0));
  const rows = new Map(order.map((node, i) => [node, i * count]));
  if (order.length * count > 2 ** 16) {
    throw new RangeError("Cannot make the table: it has too many texts");
  }
  const next = new Uint16Array(order.length * count);
  for (const node of nodes) { // the nearest to the root first: what a node fails to is done
    const row = rows.get(node) as number;
    const fails = node === root ? undefined : rows.get(node.fail as Node) as number;
    for (let kind = 0; kind < count; kind++) {
      const child = node.children.get(kind);
      next[row + kind] = child
        ? rows.get(child) as number
        : fails === undefined
        ? 0
        : next[fails + kind] as number;
    }
  }
  const hits = new Map(
    order.slice(found / count).map((node) => [rows.get(node) as number, node.hits]),
  );
  return { next, classes, found, hits };
}
