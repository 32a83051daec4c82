import assert from "node:assert/strict";
import { test } from "node:test";
import { readArguments } from "../../src/cli/arguments.ts";
import { UsageError } from "../../src/cli/errors.ts";
import { helpText } from "../../src/cli/help.ts";
import { REQUEST_KEYS } from "../../src/schema/options.ts";

const read = (...args: string[]) => readArguments(args, {});

test("without flags the service's defaults are gathered here", () => {
  assert.deepEqual(read(), {
    help: false,
    json: false,
    url: undefined,
    token: undefined,
    tokenIsVisible: false,
    output: undefined,
    ca: undefined,
    request: {},
  });
});

test("the flags of the request have the names of its keys", () => {
  const switches: readonly string[] = ["all-images", "host-network", "redact"];
  const args = REQUEST_KEYS.filter((key) => !switches.includes(key))
    .flatMap((key) => [`--${key}`, `-${key}`.replace(/^-/, "value of ")]);
  const { request } = read(...args, ...switches.map((name) => `--${name}`));
  assert.deepEqual(
    request,
    Object.fromEntries(REQUEST_KEYS.map((key) => [
      key,
      switches.includes(key) ? true : `value of ${key}`,
    ])),
  );
});

test("images may be given more than once, a command as words behind --", () => {
  const { request } = read("--image=a", "--image", "b", "--", "oc", "--image", "x y", "--", "");
  assert.deepEqual(request, { image: ["a", "b"], command: ["oc", "--image", "x y", "--", ""] });
});

test("an address is taken with the path that the routes begin behind", () => {
  const url = (given: string) => read("--url", given).url?.href;
  assert.equal(url("http://h:1"), "http://h:1/");
  assert.equal(url("https://h/a/b"), "https://h/a/b/");
});

test("a command line that cannot be understood is refused, and no value repeated", () => {
  const cases: string[][] = [
    ["--no-such-flag=secret"],
    ["--json=secret"],
    ["secret"],
    ["--image"],
    ["--token", "secret", "secret"],
    ["--command", "secret", "--", "secret"],
    ["--url", "secret"],
    ["--url", "ftp://secret/"],
    ["--url", "https://user:secret@h/"],
    ["--url", "https://h/?token=secret"],
  ];
  for (const args of cases) {
    assert.throws(() => read(...args), (error: unknown) => {
      assert.ok(error instanceof UsageError, args.join(" "));
      assert.doesNotMatch(error.message, /secret|\n/);
      return error.message.length > 20;
    });
  }
});

test("the token comes from the environment unless a flag gives one", () => {
  const env = { MUST_GATHER_TOKEN: "one" };
  assert.equal(readArguments([], env).token, "one");
  assert.equal(readArguments([], env).tokenIsVisible, false);
  assert.equal(readArguments(["--token", "two"], env).token, "two");
  assert.equal(readArguments(["--token", "two"], env).tokenIsVisible, true);
  assert.equal(readArguments(["--token", "-"], env).tokenIsVisible, false);
});

test("flags that npm took for its own are told, not lost", () => {
  const env = { npm_lifecycle_event: "gather", npm_config_custom_name: "true" };
  assert.throws(() => readArguments(["plan:x"], env), /npm run gather -- --custom-name/);
});

test("help has a line for every flag, with its meaning", () => {
  const help = helpText();
  for (const key of [...REQUEST_KEYS, "url", "token", "ca", "output", "json", "help"]) {
    assert.match(help, new RegExp(`--${key}(?: [A-Z.]+)*\\s{2,}\\w+`), key);
  }
  for (const line of help.split("\n")) assert.ok(line.length <= 110, line);
});
