/** Headers that lie, contradict or go on for ever. The gather of the id 1 has an archive. */
import { type BadRequest, get, head, JSON_TYPE, post, request, shown } from "./case.ts";

const DATA = "/must-gather/1/data";

/** What cannot be read as a range of bytes, or asks for several, is answered with the whole. */
const NO_RANGES: readonly string[] = [
  "bytes=",
  "bytes=abc",
  "bytes=--1",
  "bytes=-5-2",
  "bytes=0x1-0x2",
  "bytes=1e1-1e2",
  "bytes=0.5-1.5",
  "bytes=0-1-2",
  "bytes=5-1",
  "bytes",
  "lines=1-2",
  "bytes=\xff-\xfe",
  `bytes=${Array.from({ length: 3000 }, (_, n) => `${n * 2}-${n * 2}`).join()}`,
  `bytes=${Array(3000).fill("0-").join()}`,
  `bytes=${",".repeat(20_000)}`,
];

const BEYOND: readonly string[] = [
  "bytes=99999999999999999999-",
  "bytes=9007199254740993-9007199254740994",
  "bytes=-0",
];

const ranges: readonly BadRequest[] = [
  ...NO_RANGES.map((range): BadRequest => ({
    name: `Range: ${shown(range)}`,
    bytes: head(DATA, [`Range: ${range}`]),
    status: 200,
  })),
  ...BEYOND.map((range): BadRequest => ({
    name: `Range: ${shown(range)}`,
    bytes: get(DATA, [`Range: ${range}`]),
    status: 416,
    words: /has \d+ bytes/,
  })),
  ...['W/"x"', "soon", '"', "Mon, 99 Zzz 2099", "2026-01-01T00:00:00Z", `"${"x".repeat(20_000)}"`]
    .map((tag): BadRequest => ({
      name: `If-Range: ${shown(tag)}`,
      bytes: head(DATA, ["Range: bytes=0-1", `If-Range: ${tag}`]),
      status: 200,
    })),
];

const conditions: readonly BadRequest[] = [
  ...["", '"', ",,,,", 'W/"', ",".repeat(20_000), '"x",'.repeat(5000), "\xff"].map((
    tags,
  ): BadRequest => ({
    name: `If-None-Match: ${shown(tags)}`,
    bytes: head(DATA, [`If-None-Match: ${tags}`]),
    status: 200,
  })),
  ...['"x"', "x", 'W/"x"', ",".repeat(20_000)].map((tags): BadRequest => ({
    name: `If-Match: ${shown(tags)}`,
    bytes: get(DATA, [`If-Match: ${tags}`]),
    status: 412,
    words: /./,
  })),
  ...["yesterday", "-1", "1e999", "Mon, 01 Foo 2026 00:00:00 GMT", "9".repeat(10_000)].map((
    date,
  ): BadRequest => ({
    name: `If-Modified-Since: ${shown(date)}`,
    bytes: head(DATA, [`If-Modified-Since: ${date}`]),
    status: 200,
  })),
  {
    name: "If-None-Match: * of what is not there",
    bytes: get("/must-gather/999/data", ["If-None-Match: *"]),
    status: 404,
    words: /no such gather/,
  },
];

/** None of these waits: the gather has ended, and the time is bounded anyway. */
const waits: readonly BadRequest[] = [
  "wait=-1",
  "wait=1e9",
  "wait=0x19",
  "wait=",
  "wait=999999999999999999999",
  "wait=00000000000000000001",
  ";wait;=;",
  "wait=x,".repeat(3000),
].map((prefer) => ({
  name: `Prefer: ${shown(prefer)}`,
  bytes: get("/must-gather/1", [`Prefer: ${prefer}`]),
  status: 200,
}));

/** What a page of another site, or a name that another site's owner makes point here, would send. */
const foreign: readonly BadRequest[] = [
  ["Origin: https://evil.example"],
  ["Origin: null"],
  ["Origin: http://localhost.evil.example"],
  ["Origin: http://localhost:1"],
  ["Origin: file://"],
  ["Origin: "],
  ["Sec-Fetch-Site: cross-site"],
  ["Sec-Fetch-Site: same-site"],
  ["Sec-Fetch-Site: "],
  ["Sec-Fetch-Site: same-origin", "Origin: https://evil.example"],
  ["Origin: https://evil.example", "Authorization: Bearer x"],
].map((headers) => ({
  name: `a POST with ${headers.join(" and ")}`,
  bytes: post("{}", headers),
  status: 403,
  words: /CORS_ORIGINS/,
}));

const hosts: readonly BadRequest[] = [
  ["rebound.example", 421],
  ["localhost.evil.example", 421],
  ["127.0.0.1.evil.example", 421],
  ["localhost.", 421],
  ["0.0.0.0", 421],
  ["[::ffff:127.0.0.1]", 400],
  ["localhost@evil.example", 400],
  ["evil.example@localhost", 400],
  ["evil.example/localhost", 400],
  ["localhost#evil.example", 400],
  ["localhost:99999", 400],
  ["local host", 400],
  ["", 400],
  ["[::1", 400],
  ["\xff", 400],
  ["a".repeat(10_000), [400, 421]],
].map(([host, status]) => ({
  name: `Host: ${shown(String(host))}`,
  bytes: Buffer.from(
    `GET /must-gather HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    "latin1",
  ),
  status: status as number | number[],
  words: /Host|localhost|HTTP/,
}));

const large: readonly BadRequest[] = [
  {
    name: "a header of 40,000 bytes",
    bytes: get("/must-gather", [`X-Large: ${"x".repeat(40_000)}`]),
    status: 431,
    words: /over 32768 bytes/,
  },
  {
    name: "a token of 40,000 bytes",
    bytes: get("/must-gather", [`Authorization: Bearer ${"x".repeat(40_000)}`]),
    status: 431,
    words: /over 32768 bytes/,
  },
  {
    name: "a path of 40,000 bytes",
    bytes: get(`/must-gather/${"x".repeat(40_000)}`),
    status: 431,
    words: /over 32768 bytes/,
  },
  {
    name: "20,000 headers",
    bytes: get("/must-gather", Array(20_000).fill("a: b")),
    status: 431,
    words: /over 32768 bytes/,
  },
  { name: "900 headers", bytes: get("/must-gather", Array(900).fill("a: b")), status: 200 },
];

const misleading: readonly BadRequest[] = [
  {
    name: "a method to override this one",
    bytes: post('{"timeout": 0}', ["X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE"]),
    status: 400,
    words: /^timeout: /,
  },
  {
    name: "a path to use instead",
    bytes: get("/nothing", ["X-Original-URL: /must-gather", "X-Rewrite-URL: /must-gather"]),
    status: 404,
    words: /nothing here/,
  },
  {
    name: "an upgrade to WebSocket",
    bytes: get("/nothing", ["Upgrade: websocket", "Sec-WebSocket-Version: 13"]),
    status: 404,
    words: /nothing here/,
  },
  {
    name: "an upgrade to HTTP/2",
    bytes: get("/nothing", ["Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"]),
    status: 404,
    words: /nothing here/,
  },
  {
    name: "an expectation that nobody knows",
    bytes: request("POST", "/must-gather", [JSON_TYPE, "Expect: tea"], "{}"),
    status: 417,
    bare: true,
  },
];

export const BAD_HEADERS: readonly BadRequest[] = [
  ...ranges,
  ...conditions,
  ...waits,
  ...foreign,
  ...hosts,
  ...large,
  ...misleading,
];
