/** What a gather was asked for and what came of it, as a list of terms. */
import { readToken } from "./api.js";
import { copyText, h, iconButton } from "./dom.js";
import { hexDigest, size, when } from "./format.js";

/** The terms and descriptions of a record, for a `dl`. */
export function factsOf(record) {
  const rows = [
    ["Created", when(record["created-at"])],
    [
      "Image",
      record.images.join(", ") || record["image-stream"] || "all operators' images",
      "mono",
    ],
    record.command && ["Command", record.command, "mono"],
    record["resolved-command"] && ["Ran as", record["resolved-command"], "mono"],
    record["node-name"] && ["Node", record["node-name"], "mono"],
    ["Timeout", record.timeout],
    record["exit-code"] !== null && ["Exit code", String(record["exit-code"])],
    ...archiveRows(record),
    ...(record.redaction ? redactionRows(record.redaction) : []),
  ];
  const list = rows.filter(Boolean).map(([label, text, kind = ""]) => [
    h("dt", { text: label }),
    h("dd", { class: kind, text }),
  ]);
  if (record["archive-url"] === "") return list;
  return [...list, h("dt", { text: "From a shell" }), h("dd", {}, curl(record))];
}

function archiveRows(record) {
  const rows = [];
  if (record["archive-url"] !== "") {
    const bytes = record["archive-size"];
    const part = record.partial ? ", partial: the gather did not finish" : "";
    rows.push(
      ["Archive", record["archive-name"], "mono"],
      ["Size", `${size(bytes)} (${bytes.toLocaleString()} bytes)${part}`],
      ["SHA-256", hexDigest(record["archive-digest"]), "mono"],
    );
  }
  if (record.verdict) {
    const { files, bytes, "empty-files": none, "error-files": errors, missing } = record.verdict;
    const found = [
      `${files} ${files === 1 ? "file" : "files"}, ${size(bytes)} unpacked`,
      none && `${none} empty`,
      errors.count && `${errors.count} hold only an error`,
    ];
    rows.push(["Read back", found.filter(Boolean).join(", ")]);
    if (missing.length > 0) rows.push(["Missing", missing.join(", "), "mono"]);
  }
  return rows;
}

/** What redaction took out of the archive, and what it could not. */
function redactionRows({ values, rules, files, binary, "left-out": left, residue }) {
  const parts = [
    `${values} ${values === 1 ? "value" : "values"} in ${files.count} ${
      files.count === 1 ? "file" : "files"
    }`,
    ...Object.entries(rules).map(([rule, number]) => `${rule} ${number}`),
    binary.count && `${binary.count} files are no text and passed as they are`,
  ];
  return [
    ["Redacted", parts.filter(Boolean).join(", ")],
    left.count > 0 && ["Left out", left.paths.map(({ path, why }) => `${path}: ${why}`).join("; ")],
    residue.count > 0 && ["Secrets are left in", residue.paths.join(", "), "mono"],
  ];
}

/** The command that downloads the archive, with a button that copies it. No token is in it: `oc` gives that. */
function curl(record) {
  const url = new URL(record["archive-url"], document.baseURI).href;
  const header = readToken() === "" ? "" : ` -H "Authorization: Bearer $(oc whoami -t)"`;
  const text = `curl -fOJ${header} '${url}'`;
  return h(
    "div",
    { class: "copy" },
    h("code", { tabindex: "0", text }),
    iconButton("copy", "Copy the curl command", () => copyText(text)),
  );
}
