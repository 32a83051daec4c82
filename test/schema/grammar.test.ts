import assert from "node:assert/strict";
import { test } from "node:test";
import * as grammar from "../../src/schema/grammar.ts";

type Case = readonly [
  (text: string) => boolean,
  accepted: readonly string[],
  refused: readonly string[],
];

const DIGEST = `sha256:${"0a".repeat(32)}`;

const CASES: Readonly<Record<string, Case>> = {
  "an image reference is read as registries read it": [
    grammar.isImage,
    [
      "busybox",
      "quay.io/kubev2v/forklift-must-gather",
      "quay.io/kubev2v/forklift-must-gather:v2.6_x-1",
      "localhost:5000/a/b:1",
      "image-registry.openshift-image-registry.svc:5000/ns/img",
      `registry.redhat.io/a/b@${DIGEST}`,
      `Registry.Example.com/a/b__c/d--e:T@${DIGEST}`,
      "[fd00::1]:5000/a",
    ],
    [
      "",
      "-x",
      "--image=x",
      "UPPER/Case::bad",
      "a b",
      "a;b",
      "a/",
      "/a",
      "a//b",
      "a:",
      "a@sha256:12",
      "a$b",
      "http://quay.io/a",
      `a:${"x".repeat(129)}`,
      "a".repeat(513),
      "a\n",
    ],
  ],
  "an image stream is namespace/name:tag": [
    grammar.isImageStream,
    ["openshift/must-gather:latest", "ns/name", "ns/a.b-c:v1.0"],
    ["must-gather:latest", "a/b/c", "Ns/name", "ns/name:", "-ns/name", "ns/name:-t", ""],
  ],
  "a node name is a DNS name": [
    grammar.isNodeName,
    ["master-0", "ip-10-0-1-2.ec2.internal", "1"],
    ["a/b", "a%b", "Master", "-a", "a-", "a..b", ".a", "a_b", "", "a\n", "a".repeat(254)],
  ],
  "a node selector is a label selector": [
    grammar.isNodeSelector,
    [
      "a",
      "!a",
      "! a",
      "a=b",
      "a==b",
      "a!=b",
      "a=",
      "a in (b,c)",
      "a notin ( b , c )",
      "a in ()",
      "a>1",
      "a < 2",
      "node-role.kubernetes.io/worker=",
      "x=y, !z , w in (1, 2),v",
    ],
    [
      "",
      "-a=b",
      "a=b;c",
      "a in b",
      "a in (b",
      "ain(b)",
      "a=b=c",
      "a,,b",
      "a,",
      "A/B/c",
      "Upper.dns/a",
      "a=$b",
      "a='b'",
      "a>x",
      `${"a".repeat(64)}`,
      "a\t=b",
    ],
  ],
  "a folder of a pod is absolute and harmless in a script": [
    grammar.isPodFolder,
    ["/must-gather/", "/must-gather", "/var/local/some.thing_1", "/a/...", "/.hidden"],
    [
      "",
      "/",
      "//",
      "relative",
      "/a//b",
      "/a/../b",
      "/..",
      "/.",
      "/a b",
      '/a"b',
      "/$(id)",
      "/a:b",
      "-/a",
      "/a\n",
    ],
  ],
  "a time is read as Go reads RFC 3339": [
    grammar.isTime,
    [
      "2026-01-02T15:04:05Z",
      "2026-01-02T15:04:05.123456789+02:00",
      "2024-02-29T00:00:00-11:30",
      "0004-02-29T00:00:00Z",
    ],
    [
      "",
      "2026-01-02",
      "2026-01-02 15:04:05Z",
      "2026-01-02t15:04:05z",
      "2026-01-02T15:04:05",
      "2026-13-02T15:04:05Z",
      "2026-00-02T15:04:05Z",
      "2026-02-29T15:04:05Z",
      "1900-02-29T15:04:05Z",
      "2026-01-00T15:04:05Z",
      "2026-01-02T24:00:00Z",
      "2026-01-02T15:60:00Z",
      "2026-01-02T15:04:60Z",
      "2026-01-02T15:04:05+24:00",
      "2026-01-02T15:04:05Z\n",
    ],
  ],
  "printable text holds no control character and no half of a pair": [
    grammar.isPrintable,
    ["", "plan:foo", "B\u00fcro \u{1F600}"],
    ["a\nb", "\0", "\x7f", "\x85", "\ud800"],
  ],
};

for (const [name, [isOne, accepted, refused]] of Object.entries(CASES)) {
  test(name, () => {
    for (const text of accepted) assert.ok(isOne(text), `refused ${JSON.stringify(text)}`);
    for (const text of refused) assert.ok(!isOne(text), `accepted ${JSON.stringify(text)}`);
  });
}

test("text made to be slow is refused as fast as any other", () => {
  const started = performance.now();
  for (
    const part of [
      "a,   ",
      "a in (   ),  ",
      "a=   ,",
      "a=b , ",
      "a.",
      "a-",
      "a/",
      "-",
      "_",
      "a__",
      "!  a ,",
    ]
  ) {
    const text = part.repeat(1000);
    for (const [isOne] of Object.values(CASES)) {
      for (const length of [200, 500, 1023]) isOne(`a${text.slice(0, length)}\u0001`);
    }
  }
  assert.ok(performance.now() - started < 10_000);
});

test("an image that oc could not read is told why, and one that it can is let through", () => {
  const good = [
    "busybox",
    "localhost:5000/a/b:1",
    "[fd00::1]:5000/a",
    `a:tag@${DIGEST}`,
    `a@sha512:${"0a".repeat(64)}`,
    `${"a".repeat(200)}/${"b".repeat(54)}:${"t".repeat(128)}@${DIGEST}`,
  ];
  for (const image of good) assert.equal(grammar.badImage(image), undefined, image);
  const bad: readonly (readonly [string, RegExp])[] = [
    ["UPPER/Case::bad", /^oc cannot read this reference/],
    ["", /^oc cannot read/],
    ["a".repeat(256), /longer than the 255/],
    [`${"a".repeat(200)}/${"b".repeat(55)}`, /longer than the 255/],
    ["0a".repeat(32), /taken for an id/],
    [`a@sha256:${"0a".repeat(16)}`, /the digest is none/],
    [`a@sha256:${"0A".repeat(32)}`, /the digest is none/],
    [`a@md5:${"0a".repeat(16)}`, /the digest is none/],
    [`a@constructor:${"0a".repeat(32)}`, /the digest is none/],
  ];
  for (const [image, why] of bad) assert.match(grammar.badImage(image) ?? "", why, image);
});
