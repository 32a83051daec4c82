/** What is hardly HTTP: framing that could be read in two ways, targets of other forms, methods, other protocols. */
import { type BadRequest, bytes, get, request, shown } from "./case.ts";

const HOST = "Host: localhost\r\nConnection: close\r\n";

/** A purge, hidden where a server that reads the framing otherwise would find a second request. */
const HIDDEN = `DELETE /must-gather/1?purge=1 HTTP/1.1\r\n${HOST}\r\n`;

/** Framing headers of a POST, and what stands behind them. Each is refused, and nothing behind it is read as a request. */
const FRAMINGS: readonly (readonly [string, string])[] = [
  ["Content-Length: 2\r\nContent-Length: 3", "{}"],
  ["Content-Length: 0\r\nContent-Length: 60", HIDDEN],
  ["Content-Length: 2, 2", "{}"],
  ["Content-Length: -1", "{}"],
  ["Content-Length: +2", "{}"],
  ["Content-Length: 0x2", "{}"],
  ["Content-Length: 2.0", "{}"],
  ["Content-Length: 1e1", "{}"],
  ["Content-Length:", "{}"],
  ["Content-Length: two", "{}"],
  ["Content-Length: 99999999999999999999", "{}"],
  ["Content-Length : 2", "{}"],
  ["Content-Length: 4\r\nTransfer-Encoding: chunked", `0\r\n\r\n${HIDDEN}`],
  ["Transfer-Encoding: chunked\r\nContent-Length: 4", `0\r\n\r\n${HIDDEN}`],
  ["Transfer-Encoding: gzip", "{}"],
  ["Transfer-Encoding: identity", "{}"],
  ["Transfer-Encoding: xchunked", "0\r\n\r\n"],
  ["Transfer-Encoding: chunked, identity", "0\r\n\r\n"],
  ["Transfer-Encoding : chunked", "0\r\n\r\n"],
  ["Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"],
  ["Transfer-Encoding:\r\n chunked", `0\r\n\r\n${HIDDEN}`],
  ["Transfer-Encoding: chunked", "zz\r\n{}\r\n0\r\n\r\n"],
  ["Transfer-Encoding: chunked", "-2\r\n{}\r\n0\r\n\r\n"],
  ["Transfer-Encoding: chunked", "0x2\r\n{}\r\n0\r\n\r\n"],
  ["Transfer-Encoding: chunked", "2 \r\n{}\r\n0\r\n\r\n"],
  ["Transfer-Encoding: chunked", "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n"],
  ["Transfer-Encoding: chunked", "2\n{}\n0\n\n"],
  ["Transfer-Encoding: chunked", "2\r\n{}0\r\n\r\n"],
  ["Transfer-Encoding: chunked", "2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n"],
];

const framing = FRAMINGS.map(([headers, rest]): BadRequest => ({
  name: `framing ${shown(headers)} before ${shown(rest.slice(0, 20))}`,
  bytes: bytes(
    `POST /must-gather HTTP/1.1\r\n${HOST}Content-Type: text/xml\r\n${headers}\r\n\r\n${rest}`,
  ),
  status: 400,
  words: /cannot be read as HTTP/,
}));

/** Whole requests that no server should take. */
const MALFORMED: readonly (readonly [string, string])[] = [
  ["a header without a colon", `GET / HTTP/1.1\r\n${HOST}colon\r\n\r\n`],
  ["a header without a name", `GET / HTTP/1.1\r\n${HOST}: x\r\n\r\n`],
  ["a header with a blank in its name", `GET / HTTP/1.1\r\n${HOST}X A: b\r\n\r\n`],
  ["a header with a NUL", `GET / HTTP/1.1\r\n${HOST}X-A: a\0b\r\n\r\n`],
  ["a header with a bare CR", `GET / HTTP/1.1\r\n${HOST}X-A: a\rb\r\n\r\n`],
  ["a header on two lines", `GET / HTTP/1.1\r\n${HOST}X-A: a\r\n b\r\n\r\n`],
  ["a blank before the first header", `GET / HTTP/1.1\r\n ${HOST}\r\n`],
  ["lines that end in LF alone", "GET / HTTP/1.1\nHost: localhost\n\n"],
  ["a path with a blank", `GET /must-gather/a b HTTP/1.1\r\n${HOST}\r\n`],
  ["a path with a tab", `GET /must-gather/a\tb HTTP/1.1\r\n${HOST}\r\n`],
  ["a path with a NUL", `GET /must-gather/a\0b HTTP/1.1\r\n${HOST}\r\n`],
  ["a path with a byte above ASCII", `GET /must-gather/\xff HTTP/1.1\r\n${HOST}\r\n`],
  ["HTTP/9.9", `GET / HTTP/9.9\r\n${HOST}\r\n`],
  ["HTTP/1.2", `GET / HTTP/1.2\r\n${HOST}\r\n`],
  ["http in small letters", `GET / http/1.1\r\n${HOST}\r\n`],
  ["the first words of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["a TLS handshake", "\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + "\0".repeat(200)],
  ["SSH", "SSH-2.0-OpenSSH_9.9\r\n"],
  ["a PROXY header", `PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nGET / HTTP/1.1\r\n${HOST}\r\n`],
  ["a reply", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ["NULs", "\0".repeat(1000)],
  ["blanks", " ".repeat(1000) + "\r\n\r\n"],
  ["a method in small letters", `get / HTTP/1.1\r\n${HOST}\r\n`],
  ["a method of nobody's", `GATHER /must-gather HTTP/1.1\r\n${HOST}\r\n`],
  ["a method of 10,000 letters", `${"G".repeat(10_000)} / HTTP/1.1\r\n${HOST}\r\n`],
  ["a target that is a host", `GET evil.example:80 HTTP/1.1\r\n${HOST}\r\n`],
];

const malformed = MALFORMED.map(([name, text]): BadRequest => ({
  name,
  bytes: bytes(text),
  status: 400,
  words: /cannot be read as HTTP/,
}));

const targets: readonly BadRequest[] = [
  {
    name: "HTTP/1.1 without a Host",
    bytes: bytes("GET /must-gather HTTP/1.1\r\nConnection: close\r\n\r\n"),
    status: 400,
    bare: true,
  },
  {
    name: "HTTP/1.0 without a Host",
    bytes: bytes("GET /must-gather HTTP/1.0\r\n\r\n"),
    status: 400,
    words: /Host/,
  },
  { name: "HTTP/0.9", bytes: bytes("GET /must-gather\r\n\r\n"), status: 400, words: /Host/ },
  {
    name: "two Hosts, the first of them foreign",
    bytes: bytes(
      "GET /must-gather HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ),
    status: 400,
    words: /more than one Host/,
  },
  {
    name: "two Hosts, both its own",
    bytes: bytes(
      "GET /must-gather HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ),
    status: 400,
    words: /more than one Host/,
  },
  {
    name: "an absolute target on another host",
    bytes: get("http://evil.example/must-gather"),
    status: 421,
    words: /localhost/,
  },
  {
    name: "an absolute target with a user",
    bytes: get("http://localhost@evil.example/must-gather"),
    status: 421,
    words: /localhost/,
  },
  ...["ftp://localhost/must-gather", "file:///etc/passwd", "javascript:alert(1)"].map((
    target,
  ): BadRequest => ({
    name: `the target ${target}`,
    bytes: get(target),
    status: 400,
    words: /URL|HTTP/,
  })),
  { name: "the target *", bytes: get("*"), status: 400, words: /URL/ },
  { name: "OPTIONS of all", bytes: request("OPTIONS", "*"), status: 400, words: /URL/ },
  {
    name: "a tunnel to another host",
    bytes: request("CONNECT", "evil.example:443"),
    status: [0, 405],
  },
  { name: "a backslash for a slash", bytes: get("/must-gather\\1"), status: 400, words: /URL/ },
  {
    name: "an extension of a chunk that does not end",
    bytes: bytes(
      `POST /must-gather HTTP/1.1\r\n${HOST}Content-Type: text/xml\r\n` +
        `Transfer-Encoding: chunked\r\n\r\n2;${"x".repeat(50_000)}\r\n{}\r\n0\r\n\r\n`,
    ),
    status: [413, 415],
    words: /./,
  },
  {
    name: "a request within a body that is too long",
    bytes: bytes(
      `POST /must-gather HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n` +
        `Content-Length: 200000\r\n\r\n${" ".repeat(65_537)}${HIDDEN}`.padEnd(200_000),
    ),
    status: 413,
    words: /over 65536 bytes/,
  },
];

const ROUTES: Readonly<Record<string, readonly string[]>> = {
  "/": ["GET", "HEAD"],
  "/healthz": ["GET", "HEAD"],
  "/readyz": ["GET", "HEAD"],
  "/must-gather": ["GET", "HEAD", "POST"],
  "/must-gather/1": ["GET", "HEAD", "DELETE"],
  "/must-gather/1/data": ["GET", "HEAD"],
  "/must-gather/1/link": ["POST"],
  "/must-gather/1/log": ["GET", "HEAD"],
  "/must-gather/1/events": ["GET", "HEAD"],
  "/must-gather/1/files": ["GET", "HEAD"],
  "/must-gather/1/files/x": ["GET", "HEAD"],
  "/events": ["GET", "HEAD"],
};

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "PURGE"];

const methods = Object.entries(ROUTES).flatMap(([path, known]) =>
  METHODS.filter((method) => !known.includes(method)).map((method): BadRequest => ({
    name: `${method} ${path}`,
    bytes: request(method, path),
    status: 405,
    words: new RegExp(`^${method} is not possible here; use .*${known[0]}`),
  }))
);

export const BAD_WIRE: readonly BadRequest[] = [...framing, ...malformed, ...targets, ...methods];
