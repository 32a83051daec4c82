import assert from "node:assert/strict";
import { test } from "node:test";
import { readRequest, type Request, UsageError } from "../../src/embedded/arguments.ts";
import { helpText } from "../../src/embedded/flags.ts";

function read(...args: string[]): Request & { warnings: string[] } {
  const warnings: string[] = [];
  const { request, validate } = readRequest(args, (line) => warnings.push(line));
  validate();
  return { ...request, warnings };
}

test("flags are read with an equals sign and without", () => {
  assert.equal(read("--dest-dir=/a").destination, "/a");
  assert.equal(read("--dest-dir", "/a").destination, "/a");
  assert.equal(read("--timeout", "1h30m").timeout, 5_400_000);
  assert.equal(read().timeout, 600_000);
  assert.deepEqual(read("-n", "space", "--kubeconfig=x", "-v=6", "--", "a", "b").words, ["a", "b"]);
  assert.deepEqual(read("--host-network", "--", "a", "--", "-b").words, ["a", "--", "-b"]);
  assert.deepEqual(read("a", "b").words, ["a", "b"]);
  assert.ok(read("--help").help);
});

test("flags that select nothing here are told by name", () => {
  const { selectNothing } = read("--image=a,b", "--image=c", "--node-name=n", "--since=5m");
  assert.deepEqual(selectNothing, ["--image", "--node-name"]);
});

test("a timeout without a unit is read as seconds, with oc's notice", () => {
  const { timeout, warnings } = read("--timeout=30");
  assert.equal(timeout, 30_000);
  assert.deepEqual(warnings, [
    "Flag --timeout's value in seconds has been deprecated, use duration like 5s, 2m, or 3h, instead",
  ]);
});

test("since is a time before now, or the time that was named", () => {
  const ago = Date.now() - (read("--since=1h").since?.getTime() ?? 0);
  assert.ok(Math.abs(ago - 3_600_000) < 5000);
  const named = read("--since-time=2026-01-02T03:04:05+01:00").since;
  assert.equal(named?.toISOString(), "2026-01-02T02:04:05.000Z");
  assert.equal(read().since, undefined);
});

test("what oc's flag parser refuses is refused in its words, with a pointer to the help", () => {
  const cases: [string[], string][] = [
    [["--no-such-flag"], "unknown flag: --no-such-flag"],
    [["--toString"], "unknown flag: --toString"],
    [["-x"], "unknown shorthand flag: 'x' in -x"],
    [["--image"], "flag needs an argument: --image"],
    [
      ["--host-network=maybe"],
      'invalid argument "maybe" for "--host-network" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
    [["--since=abc"], 'invalid argument "abc" for "--since" flag: time: invalid duration "abc"'],
    [["--since=5"], 'invalid argument "5" for "--since" flag: time: missing unit in duration "5"'],
    [
      ["--since=1h5x"],
      'invalid argument "1h5x" for "--since" flag: time: unknown unit "x" in duration "1h5x"',
    ],
    [
      ["--volume-percentage=x"],
      'invalid argument "x" for "--volume-percentage" flag: strconv.ParseInt: parsing "x": invalid syntax',
    ],
  ];
  for (const [args, message] of cases) {
    assert.throws(() => read(...args), (error) => {
      assert.ok(error instanceof UsageError && error.seeHelp);
      assert.equal(error.message, message);
      return true;
    });
  }
});

test("what oc refuses later is refused in its words", () => {
  const exclusive = "are mutually exclusive: please specify one or the other";
  const number = 'flag: strconv.ParseInt: parsing "abc": invalid syntax';
  const cases: [string[], string][] = [
    [["--timeout=abc"], `invalid argument "abc" for "--timeout" ${number}`],
    [["--node-name=a", "--node-selector=b"], `--node-name and --node-selector ${exclusive}`],
    [["--node-name=a/b"], "--node-name may not contain '/' or '%'"],
    [["--all-images", "--image=a"], `--image and --all-images ${exclusive}`],
    [["--all-images", "--image-stream=a"], `--image-streams and --all-images ${exclusive}`],
    [["--all-images", "--node-name=a"], `--node-name and --all-images ${exclusive}`],
    [["--all-images", "--host-network"], `--host-network and --all-images ${exclusive}`],
    [
      ["--dest-dir=/a:b"],
      "--dest-dir may not contain special characters such as colon(:)",
    ],
    [
      ["--volume-percentage=0"],
      "invalid volume usage percentage, please specify a value between 0 and 100",
    ],
    [
      ["--since=5m", "--since-time=2026-01-02T03:04:05Z"],
      "at most one of `--since-time` or `--since` may be specified",
    ],
    [
      ["--since-time=yesterday"],
      "--since-time only accepts times matching RFC3339, eg '2006-01-02T15:04:05Z'",
    ],
  ];
  for (const [args, message] of cases) {
    assert.throws(() => read(...args), { name: "UsageError", message, seeHelp: false });
  }
});

test("every flag stands in the help in a form that can be read back", () => {
  const flags = [...helpText().matchAll(/^ {4}--([a-z-]+)=.*:$/gm)].map(([, name]) => name);
  assert.deepEqual(flags, [
    "all-images",
    "dest-dir",
    "host-network",
    "image",
    "image-stream",
    "node-name",
    "node-selector",
    "since",
    "since-time",
    "source-dir",
    "timeout",
    "volume-percentage",
  ]);
});
