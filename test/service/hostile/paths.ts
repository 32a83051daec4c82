/** Paths that try to be more than they are, and queries. A gather of the id 1 is there. */
import { type BadRequest, get, head, request, shown } from "./case.ts";

/** No gather is meant by any of these, whatever they turn into when somebody decodes them, once or twice. */
const IDS: readonly string[] = [
  "0",
  "00",
  "01",
  "-1",
  "+1",
  "1.0",
  "1e0",
  "1e3",
  "0x1",
  "0b1",
  "1n",
  "1_0",
  "Infinity",
  "NaN",
  "9999999999999999",
  "999999999999999",
  "18446744073709551617",
  "340282366920938463463374607431768211457",
  "%201",
  "1%20",
  "1%0a",
  "1%00",
  "%00",
  "%EF%BC%91", // a digit, but none of ASCII
  "%D9%A1",
  "%31%2f",
  "1%2fdata",
  "1;x=1",
  "1,2",
  "*",
  "%2f",
  "%5c",
  "%2e%2e%2f",
  "..%2f..%2f..%2fetc%2fpasswd",
  "..%5c..%5cwindows",
  "%252e%252e",
  "%252e%252e%252fetc%252fpasswd",
  "%25252e",
  "..%c0%af",
  "%c0%ae%c0%ae",
  "....",
  "%",
  "%z",
  "%u002e",
  "%ff%fe",
  "%ed%a0%80",
  "__proto__",
  "constructor",
  "toString",
  "undefined",
  "null",
  "[object%20Object]",
  "{id}",
  ":id",
  "%7B%7D",
  "a".repeat(10_240),
  "1".repeat(10_240),
  "%2e".repeat(5000),
  "%".repeat(10_240),
];

const byId = IDS.flatMap((id): BadRequest[] => [
  {
    name: `GET ${shown(id)}`,
    bytes: get(`/must-gather/${id}`),
    status: 404,
    words: /no such gather|nothing/,
  },
  {
    name: `DELETE ${shown(id)} to purge it`,
    bytes: request("DELETE", `/must-gather/${id}?purge=1`),
    status: 404,
    words: /no such gather|nothing/,
  },
]);

const below = ["data", "log", "link"].flatMap((part) =>
  ["0", "-1", "1e3", "..%2f1", "%31%00", "x".repeat(10_000)].map((id): BadRequest => ({
    name: `${part} of ${shown(id)}`,
    bytes: request(part === "link" ? "POST" : "GET", `/must-gather/${id}/${part}`),
    status: 404,
    words: /no such gather/,
  }))
);

const nowhere = [
  "/must-gather//",
  "/must-gather//1",
  "//must-gather/1",
  "/must-gather/1//data",
  "/must-gather%2f1",
  "/MUST-GATHER",
  "/must-gathers",
  "/must-gather/1/data/x",
  "/must-gather/1/data%2f..%2f..%2fjournal",
  "/must-gather/1/data/../../../../../etc/passwd",
  "/must-gather/1/data/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
  "/etc/passwd",
  "/%2e%2e/%2e%2e/etc/passwd",
  "/proc/self/environ",
  "/.env",
  "/debug/pprof",
  "/api",
  "/" + "a/".repeat(5000),
].map((path): BadRequest => ({
  name: `the path ${shown(path)}`,
  bytes: get(path),
  status: 404,
  words: /nothing here|no such/,
}));

const queries: readonly BadRequest[] = [
  ...["0", "-1", "1.5", "1e3", "0x10", "", "10001", "999999999999", "%20", "NaN", "1%00"].map((
    value,
  ): BadRequest => ({
    name: `limit=${value}`,
    bytes: get(`/must-gather?limit=${value}`),
    status: 400,
    words: /^limit: /,
  })),
  ...["-1", "x", "00", "01", "1e3", "", "1.0", "9999999999999999", "__proto__"].map((
    value,
  ): BadRequest => ({
    name: `after=${value}`,
    bytes: get(`/must-gather?after=${value}`),
    status: 400,
    words: /^after: /,
  })),
  ...["done", "", "New", "__proto__", "new,error", "%00"].map((value): BadRequest => ({
    name: `status=${value}`,
    bytes: get(`/must-gather?status=${value}`),
    status: 400,
    words: /^status: /,
  })),
  ...["0", "-1", "", "1e3", "1000001", "99999999999", "all", "%ff"].map((value): BadRequest => ({
    name: `tail=${value}`,
    bytes: get(`/must-gather/1/log?tail=${value}`),
    status: 400,
    words: /^tail: /,
  })),
  ...["custom-name=%ff", "custom-name=%", "custom-name=__proto__"].map((pairs): BadRequest => ({
    name: `a list filtered by ${pairs}`,
    bytes: get(`/must-gather?${pairs}`),
    status: 200,
  })),
  {
    name: "a list with 5,000 parameters",
    bytes: get(`/must-gather?${"a=1&".repeat(5000)}limit=0`),
    status: 400,
    words: /^limit: /,
  },
  {
    name: "a link with a signature of nothing",
    bytes: head("/must-gather/1/data?expires=99999999999999&signature="),
    status: 200, // without AUTH there is no need of one
  },
];

/** Names of files that are in no archive, whatever is outside of it. */
const within: readonly BadRequest[] = [
  "../../../etc/passwd",
  "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
  "..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
  "..%252f..%252fetc%252fpasswd",
  "must-gather/..%2f..%2f..%2fexec.log",
  "%2fetc%2fpasswd",
  "//etc/passwd",
  "exec.log",
  "%00",
  "must-gather%00",
  "%ff%fe",
  "%",
  "C:%5cwindows",
  "__proto__",
  "constructor",
  "a".repeat(10_000),
  "a/".repeat(5000),
  "%2e%2e%2f".repeat(1000),
].map((name) => ({
  name: `the file ${shown(name)} of an archive`,
  bytes: get(`/must-gather/1/files/${name}`),
  status: 404,
  words: /no such|nothing here/,
}));

const OPTIONS: readonly (readonly [string, RegExp])[] = [
  ["files?limit=0", /^limit: /],
  ["files?limit=1e3", /^limit: /],
  [`files?after=${"a".repeat(20_001)}`, /^after: /],
  [`files?glob=${"*a".repeat(501)}`, /^glob: /],
  [`files?q=${"a".repeat(1001)}`, /^q: /],
  ["files/x?tail=0", /^tail: /],
  ["files/x?tail=-1", /^tail: /],
  ["files/x?tail=1e9", /^tail: /],
  ["files/x?grep=", /^grep: /],
  ["files/x?grep=a%0ab", /^grep: /],
  ["files/x?grep=a&tail=1", /^tail: /],
  ["data?format=exe", /^format: /],
  ["data?format=", /^format: /],
  ["events?types=passwords", /^types: /],
];

const options = OPTIONS.map(([target, words]): BadRequest => ({
  name: shown(target),
  bytes: get(`/must-gather/1/${target}`),
  status: 400,
  words,
}));

const costly: readonly BadRequest[] = ["glob=", "q=", "prefix=", "folder="].map((key) => ({
  name: `files by a ${key}… that is long to compare`,
  bytes: get(`/must-gather/1/files?${key}${"*a".repeat(490)}`),
  status: 200,
}));

export const BAD_PATHS: readonly BadRequest[] = [
  ...byId,
  ...below,
  ...nowhere,
  ...queries,
  ...within,
  ...options,
  ...costly,
];
