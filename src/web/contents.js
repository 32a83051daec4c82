/** What is in an archive: a tree of folders, and a viewer for one file. */
import { call, callJson, save } from "./api.js";
import { button, fill, h, icon, toast } from "./dom.js";
import { size } from "./format.js";
import { linesView, MOST_LINES } from "./lines.js";

/** So many entries of a folder at a time. */
const PAGE = 500;

/** So much of a file is shown, in bytes. */
const SHOWN = 1024 * 1024;

/** Lines of its end. */
const TAIL_LINES = 2_000;

/** Typing is waited for before the archive is searched: milliseconds. */
const TYPING_MS = 250;

/** Makes the view of a gather's archive; `open(path)` shows a file. */
export function contentsView({ id }, { signal }) {
  const base = `must-gather/${id}/files`;
  const tree = h("ul", { class: "tree" });
  const search = h("input", {
    "type": "search",
    "class": "search",
    "placeholder": "Find a file",
    "aria-label": "Find a file in the archive",
  });
  const told = h("p", { "class": "hint", "role": "status" });
  const viewer = h(
    "div",
    { class: "viewer" },
    h(
      "div",
      { class: "viewer-empty" },
      icon("file", "big"),
      h("p", { text: "Choose a file to look into it." }),
    ),
  );
  const element = h(
    "div",
    { class: "contents" },
    h("div", { class: "tree-side" }, search, told, tree),
    viewer,
  );
  let current;
  let typing;

  const link = (path) =>
    `#/gathers/${id}/files/${path.split("/").map(encodeURIComponent).join("/")}`;

  async function list(query) {
    return await callJson(`${base}?${new URLSearchParams(query)}`, { signal });
  }

  /** Fills `into` with what is in a folder. */
  async function fillFolder(into, folder, after) {
    const busy = h("li", { class: "hint", text: "Loading…" });
    into.append(busy);
    try {
      const { files, next } = await list({ folder, limit: PAGE, ...(after && { after }) });
      busy.remove();
      into.append(
        ...files.map((file) =>
          node(file, file.path.slice(folder === "" ? 0 : file.path.lastIndexOf("/") + 1))
        ),
      );
      if (next !== null) {
        const more = h(
          "li",
          {},
          button("More…", {
            kind: "link",
            onClick: () => {
              more.remove();
              void fillFolder(into, folder, next);
            },
          }),
        );
        into.append(more);
      }
      if (!after && files.length === 0) into.append(h("li", { class: "hint", text: "Empty" }));
      choose(current);
    } catch (error) {
      if (signal.aborted) return;
      fill(
        busy,
        icon("warn"),
        ` ${error.message} `,
        button("Again", {
          kind: "link",
          onClick: () => {
            busy.remove();
            void fillFolder(into, folder, after);
          },
        }),
      );
    }
  }

  function node({ path, type, size: bytes }, name) {
    if (type === "file") {
      return h(
        "li",
        {},
        h(
          "a",
          { "href": link(path), "data-path": path, "class": "tree-row", "title": path },
          icon("file"),
          h("span", { class: "tree-name", text: name }),
          h("span", { class: "tree-size", text: size(bytes) }),
        ),
      );
    }
    if (type === "link") {
      return h(
        "li",
        {},
        h(
          "span",
          { class: "tree-row", title: "A link to another file" },
          icon("link"),
          h("span", { class: "tree-name", text: name }),
        ),
      );
    }
    const children = h("ul", { hidden: true });
    const toggle = h(
      "button",
      {
        "type": "button",
        "class": "tree-row",
        "aria-expanded": "false",
        "title": path,
        "data-folder": path,
      },
      icon("right", "turn"),
      icon(type === "archive" ? "archive" : "folder"),
      h("span", { class: "tree-name", text: name }),
    );
    const expand = async (open = children.hidden) => {
      children.hidden = !open;
      toggle.setAttribute("aria-expanded", String(open));
      if (open && children.childElementCount === 0) await fillFolder(children, path);
    };
    toggle.addEventListener("click", () => void expand());
    const item = h("li", {}, toggle, children);
    item.expand = expand;
    return item;
  }

  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => void find(search.value.trim()), TYPING_MS);
  });

  async function find(text) {
    tree.replaceChildren();
    told.textContent = "";
    if (text === "") return await fillFolder(tree, "");
    try {
      const { total, files } = await list({ q: text, limit: PAGE });
      if (text !== search.value.trim()) return;
      const shown = files.filter(({ type }) => type === "file");
      fill(tree, shown.map((file) => node(file, file.path)));
      told.textContent = total === 0
        ? "Nothing in the archive has this in its path"
        : total > files.length
        ? `The first ${files.length} of ${total}`
        : shown.length === 1
        ? "1 file"
        : `${shown.length} files`;
    } catch (error) {
      if (!signal.aborted) told.textContent = error.message;
    }
  }

  function choose(path) {
    for (const each of tree.querySelectorAll("[aria-current]")) {
      each.removeAttribute("aria-current");
    }
    if (path === undefined) return;
    for (const each of tree.querySelectorAll("a[data-path]")) {
      if (each.dataset.path === path) each.setAttribute("aria-current", "true");
    }
  }

  /** Opens the folders that a path is in. */
  async function reveal(path) {
    await ready;
    let into = tree;
    for (;;) {
      const item = [...into.children].find((each) => {
        const folder = each.querySelector(":scope > button")?.dataset.folder;
        return folder !== undefined &&
          (path.startsWith(`${folder}/`) || path.startsWith(`${folder}!/`));
      });
      if (!item) break;
      await item.expand(true);
      into = item.querySelector(":scope > ul");
    }
    choose(path);
  }

  async function open(path) {
    if (path === current) return;
    current = path;
    choose(path);
    void reveal(path);
    await showFile(path);
  }

  async function showFile(path) {
    const address = `${base}/${path.split("/").map(encodeURIComponent).join("/")}`;
    const name = path.slice(path.lastIndexOf("/") + 1);
    const problem = (error) => toast(error.message, "danger");
    const view = linesView({ label: `File ${name}`, empty: "Loading…" });
    const note = h("p", { class: "file-note", role: "status" });
    const get = async (query, headers) => {
      const reply = await call(`${address}${query}`, { headers, signal });
      return { reply, bytes: new Uint8Array(await reply.arrayBuffer()) };
    };
    const show = (text, said, isGrep = false) => {
      const first = text.split("\n", MOST_LINES).join("\n");
      const isLong = text.length > first.length + 1; // more than a last newline
      view.clear(text === "" ? "Nothing" : undefined);
      // The first lines: what is put in later would push them out.
      view.append(isLong ? first : text, isGrep);
      fill(note, isLong ? `${said}; the first ${MOST_LINES.toLocaleString()} lines` : said);
    };
    const parts = {
      start: async () => {
        const { reply, bytes } = await get("", { range: `bytes=0-${SHOWN - 1}` });
        const whole = Number(
          /\/(\d+)$/.exec(reply.headers.get("content-range") ?? "")?.[1] ?? bytes.length,
        );
        if (bytes.subarray(0, 8192).includes(0)) {
          view.clear("This is not a text; save the file to look at it with another program.");
          return fill(note, size(whole));
        }
        const isCut = whole > bytes.length;
        const text = new TextDecoder().decode(bytes);
        show(
          isCut ? text.slice(0, text.lastIndexOf("\n") + 1) || text : text,
          isCut
            ? `The first ${size(bytes.length)} of ${size(whole)}`
            : whole === 0
            ? "An empty file"
            : size(whole),
        );
      },
      end: async () => {
        const { bytes } = await get(`?tail=${TAIL_LINES}`);
        show(
          new TextDecoder().decode(bytes),
          `The last ${TAIL_LINES.toLocaleString()} lines at most; numbered from the first one shown`,
        );
      },
      grep: async () => {
        const text = view.query();
        if (text === "") return view.element.querySelector("input").focus();
        const { bytes } = await get(`?${new URLSearchParams({ grep: text, i: "1" })}`);
        show(
          new TextDecoder().decode(bytes),
          `Lines of the whole file with “${text}”, and those around them`,
          true,
        );
      },
    };
    const act = (part) => () => parts[part]().catch(problem);
    fill(
      viewer,
      h(
        "div",
        { class: "viewer-head" },
        h("h3", {}, icon("file"), h("span", { text: path.replaceAll("/", "/\u200b") })),
        h(
          "div",
          { class: "actions" },
          button("Start", { kind: "plain small", onClick: act("start") }),
          button("End", { kind: "plain small", onClick: act("end") }),
          button("Search whole file", { kind: "plain small", onClick: act("grep") }),
          button("Save", {
            kind: "plain small",
            icon: "download",
            onClick: () => save(address, name).catch(problem),
          }),
        ),
      ),
      note,
      view.element,
    );
    try {
      await parts.start();
    } catch (error) {
      if (!signal.aborted) view.clear(error.message);
    }
  }

  const ready = fillFolder(tree, "");
  return { element, open };
}
