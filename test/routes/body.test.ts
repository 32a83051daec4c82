import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "../../src/problem.ts";
import { LONGEST_BODY, readGatherRequest } from "../../src/routes/body.ts";

const JSON_TYPE = "application/json";
const FORM_TYPE = "application/x-www-form-urlencoded";

type Post = Readonly<{
  type?: string;
  body?: string | Uint8Array<ArrayBuffer> | ReadableStream;
  query?: string;
  headers?: Record<string, string>;
}>;

function post({ type, body, query = "", headers = {} }: Post): Request {
  // Bytes, since a Request made from a string gets a Content-Type of its own.
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return new Request(`http://localhost/must-gather${query}`, {
    method: "POST",
    headers: { ...headers, ...(type === undefined ? {} : { "content-type": type }) },
    ...(bytes === undefined ? {} : { body: bytes, duplex: "half" }),
  });
}

async function read(sent: Post): Promise<Record<string, unknown>> {
  return { ...await readGatherRequest(post(sent)) };
}

async function refusal(sent: Post): Promise<Problem> {
  try {
    await readGatherRequest(post(sent));
  } catch (error) {
    assert.ok(error instanceof Problem, String(error));
    return error;
  }
  return assert.fail(`accepted ${JSON.stringify(sent)}`);
}

test("no body asks for the defaults, whatever its type would have been", async () => {
  for (const type of [undefined, JSON_TYPE, FORM_TYPE, "text/plain"]) {
    assert.deepEqual(await read(type === undefined ? {} : { type }), {});
    assert.deepEqual(await read({ ...(type && { type }), body: "" }), {});
  }
});

test("JSON is read, other keys and null left out", async () => {
  const body =
    '{"custom-name":"plan:p1","image":["a","b"],"timeout":null,"all-images":true,"id":1,"nope":{}}';
  const expected = { "custom-name": "plan:p1", "image": ["a", "b"], "all-images": true };
  for (
    const type of [JSON_TYPE, "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']
  ) {
    assert.deepEqual(await read({ type, body }), expected);
  }
  assert.deepEqual(await read({ type: JSON_TYPE, body: `\ufeff${body}` }), expected);
});

test("a form is read, and a key that stands more than once becomes an array", async () => {
  const body =
    "custom-name=plan%3Ap1&image=a&image=b&command=VM%3Dweb+(prod)&command=%2Fusr%2Fbin%2Ftargeted&x=%zz";
  assert.deepEqual(await read({ type: FORM_TYPE, body }), {
    "custom-name": "plan:p1",
    "image": ["a", "b"],
    "command": ["VM=web (prod)", "/usr/bin/targeted"],
  });
  assert.deepEqual(
    await read({ type: FORM_TYPE, body: "command=PLAN=p1+/usr/bin/targeted&timeout" }),
    {
      "command": "PLAN=p1 /usr/bin/targeted",
      "timeout": "",
    },
  );
});

test("query parameters work as form fields do", async () => {
  assert.deepEqual(await read({ query: "?custom-name=a%20b&image=x&image=y&other=1" }), {
    "custom-name": "a b",
    "image": ["x", "y"],
  });
});

test("where body and query have a key, the body's holds, and null gives way", async () => {
  const query = "?timeout=1m&image=q&since=2h";
  assert.deepEqual(await read({ type: JSON_TYPE, body: '{"timeout":"2m","since":null}', query }), {
    timeout: "2m",
    image: "q",
    since: "2h",
  });
  assert.deepEqual(await read({ type: FORM_TYPE, body: "timeout=2m", query }), {
    timeout: "2m",
    image: "q",
    since: "2h",
  });
});

test("keys of a prototype are other keys, in JSON, forms and queries", async () => {
  const body =
    '{"__proto__":{"image":"evil"},"constructor":{"prototype":{"image":"evil"}},"toString":1}';
  assert.deepEqual(await read({ type: JSON_TYPE, body }), {});
  const form = "__proto__=x&__proto__[image]=evil&constructor=y";
  assert.deepEqual(await read({ type: FORM_TYPE, body: form, query: `?${form}` }), {});
  assert.equal(({} as Record<string, unknown>)["image"], undefined);
});

test("what is not well-formed is refused with 400 and not repeated", async () => {
  const bad: readonly Post[] = [
    { type: JSON_TYPE, body: '{"image":"s3cr3t"' },
    { type: JSON_TYPE, body: "s3cr3t" },
    { type: JSON_TYPE, body: '["s3cr3t"]' },
    { type: JSON_TYPE, body: '"s3cr3t"' },
    { type: JSON_TYPE, body: "null" },
    { type: JSON_TYPE, body: "7" },
    { type: JSON_TYPE, body: "   " },
    { type: JSON_TYPE, body: "[".repeat(60_000) },
    { type: JSON_TYPE, body: new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]) },
    { type: FORM_TYPE, body: "image=s3cr3t%zz" },
    { type: FORM_TYPE, body: "image=s3cr3t%ff" },
    { type: FORM_TYPE, body: new Uint8Array([0x69, 0x3d, 0xc3, 0x28]) },
    { query: "?image=s3cr3t%ff" },
  ];
  for (const sent of bad) {
    const problem = await refusal(sent);
    assert.equal(problem.status, 400, JSON.stringify(sent));
    assert.ok(!problem.detail.includes("s3cr3t"), problem.detail);
  }
});

test("another media type, charset or coding is refused with 415 and what is accepted", async () => {
  const bad: readonly Post[] = [
    { type: "text/plain", body: '{"image":"a"}' },
    { type: "multipart/form-data; boundary=x", body: "--x--" },
    { type: "application/jsonp", body: "{}" },
    { type: "application/json; charset=latin1", body: "{}" },
    { type: JSON_TYPE, body: "{}", headers: { "content-encoding": "gzip" } },
    { body: "image=a" },
  ];
  for (const sent of bad) {
    const problem = await refusal(sent);
    assert.equal(problem.status, 415, JSON.stringify(sent));
    assert.equal(problem.headers["accept-post"], `${JSON_TYPE}, ${FORM_TYPE}`);
  }
});

test("JSON under another name would start a full gather, so it is refused with the header to send", async () => {
  const traps: readonly Post[] = [
    { type: FORM_TYPE, body: '{"custom-name":"plan:p1"}' },
    { type: FORM_TYPE, body: '\n {"custom-name":"100%"}' },
    { type: FORM_TYPE, body: "%7B%22image%22%3A%22a%22%7D" },
    { type: FORM_TYPE, body: '{"command":"a&image=b"}' },
    { type: FORM_TYPE, body: '["a"]', query: "?timeout=1m" },
    { body: '{"custom-name":"plan:p1"}' },
    { query: '?{"image":"a"}' },
  ];
  for (const sent of traps) {
    const problem = await refusal(sent);
    assert.equal(problem.status, 400, JSON.stringify(sent));
    assert.match(problem.detail, /Content-Type: application\/json/);
  }
});

test("a form or query without a key we know asks for the defaults", async () => {
  assert.deepEqual(await read({ type: FORM_TYPE, body: "a=1&b" }), {});
  assert.deepEqual(await read({ query: "?utm=100%" }), {});
});

test("a body may have 64 KiB, and one byte more is refused with 413", async () => {
  const body = (length: number) => `{"x":"${"a".repeat(length - 8)}"}`;
  assert.deepEqual(await read({ type: JSON_TYPE, body: body(LONGEST_BODY) }), {});
  const problem = await refusal({ type: JSON_TYPE, body: body(LONGEST_BODY + 1) });
  assert.equal(problem.status, 413);
});

test("a body without an end is read no further once it is too long, and not cancelled: the connection would break", async () => {
  let pulled = 0;
  let cancelled = false;
  const body = new ReadableStream({
    pull(controller) {
      pulled += 1;
      controller.enqueue(new Uint8Array(16 * 1024));
    },
    cancel() {
      cancelled = true;
    },
  });
  assert.equal((await refusal({ type: JSON_TYPE, body })).status, 413);
  assert.ok(!cancelled);
  assert.ok(pulled < 10, `${pulled} chunks`);
});

test("a body that says itself that it is too long is refused before any of it is read", async () => {
  let pulled = 0;
  const body = new ReadableStream({ pull: () => void pulled++ }, { highWaterMark: 0 });
  const headers = { "content-length": String(LONGEST_BODY + 1) };
  assert.equal((await refusal({ type: JSON_TYPE, body, headers })).status, 413);
  assert.equal(pulled, 0);
});

test("a body that breaks off is the client's doing, and refused with 400", async () => {
  const body = new ReadableStream({
    pull(controller) {
      controller.error(new Error("connection lost"));
    },
  });
  const problem = await refusal({ type: JSON_TYPE, body });
  assert.equal(problem.status, 400);
  assert.doesNotMatch(problem.detail, /connection lost/);
});

test("a body of nothing but separators is read in little time", async () => {
  const started = performance.now();
  await read({ type: FORM_TYPE, body: "&".repeat(LONGEST_BODY) });
  await read({ type: FORM_TYPE, body: "image&".repeat(LONGEST_BODY / 6) });
  await read({ type: FORM_TYPE, body: "=".repeat(LONGEST_BODY) });
  assert.ok(performance.now() - started < 10_000);
});
