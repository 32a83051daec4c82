import { test } from "node:test";
import assert from "node:assert/strict";
import { hosts, IPS, MACS } from "../../src/redact/addresses.ts";
import { createRules, Redactor } from "../../src/redact/redactor.ts";
import { readRules, RulesError } from "../../src/redact/rules-file.ts";

const rules = createRules();
const redact = (file: string, text: string) => new Redactor(rules, readRules(file)).text(text);

test("an own rule takes out what its pattern matches, but for the groups that are kept", () => {
  const file = `rules:
- name: ticket
  pattern: 'TICKET-\\d+'
- name: user
  pattern: '(?P<key>user=)(\\w+)(@corp)'
  keep: [key, 3]
`;
  assert.equal(
    redact(file, "see TICKET-1, TICKET-2 and TICKET-1\nuser=jane@corp user=joe@corp\n"),
    "see <redacted:ticket:1>, <redacted:ticket:2> and <redacted:ticket:1>\n" +
      "user=<redacted:user:1>@corp user=<redacted:user:2>@corp\n",
  );
});

test("an own rule sees one line at a time, and none of our tokens", () => {
  const file = "rules:\n- name: all\n  pattern: '[a-z]+:\\d+|b[^c]*c'\n";
  assert.equal(redact(file, "b\nc password=hunter2-x\n"), "b\nc password=<redacted:password:1>\n");
});

test("a rule for contents leaves names alone, one for names contents", () => {
  const file =
    "rules:\n- {name: a, pattern: aaa, target: content}\n- {name: b, pattern: bbb, target: name}\n";
  const redactor = new Redactor(rules, readRules(file));
  assert.equal(redactor.text("aaa bbb"), "<redacted:a:1> bbb");
  assert.equal(redactor.name("aaa/bbb"), "aaa/redacted-b-1");
});

test("a pattern takes time in proportion to the text, whatever it is", () => {
  const redactor = new Redactor(rules, readRules("rules:\n- {name: evil, pattern: '(x+x+)+y'}\n"));
  const text = "x".repeat(30_000);
  const started = performance.now();
  assert.equal(redactor.text(text), text);
  assert(performance.now() - started < 10_000); // one that backtracks takes longer than the universe is old
});

test("a configuration of must-gather-clean is read where it means the same", () => {
  const file = `config:
  obfuscate:
  - type: IP
    replacementType: Consistent
    target: All
  - type: MAC
  - type: Domain
    domainNames: [rhcloud.com]
  - type: Keywords
    replacement: {hello: bye}
  - type: Exact
    exactReplacements: [{original: "a.b", replacement: x}]
  - type: Regex
    regex: ssl-min-ver TLSv1.2$
  omit:
  - type: Kubernetes
    kubernetesResource: {kind: Secret}
`;
  const text =
    "10.1.2.3 00:1a:2b:3c:4d:5e api.rhcloud.com other.com hello helloo a.b axb ssl-min-ver TLSv1.2\n";
  assert.equal(
    redact(file, text),
    "<redacted:ip:1> <redacted:mac:1> <redacted:host:1> other.com <redacted:keyword-4:1> helloo " +
      "<redacted:exact-5:1> axb <redacted:regex-6:1>\n",
  );
});

test("a file that cannot be used is refused with the place, and no value repeated", () => {
  const bad: readonly (readonly [string, RegExp])[] = [
    ["rules: [", /not well-formed/],
    ["rules:\n- name: a\n", /rules\.0\.pattern/],
    ["rules:\n- {name: A B, pattern: s3cr3t}", /rules\.0\.name: must be of a-z/],
    ["rules:\n- {name: a, pattern: '(s3cr3t'}", /rules\.0: its pattern is none of RE2/],
    ["rules:\n- {name: a, pattern: '(?=s3cr3t)x'}", /rules\.0: its pattern is none of RE2/],
    ["rules:\n- {name: a, pattern: '(s3cr3t){1000}{1000}'}", /rules\.0/],
    [
      "rules:\n- {name: a, pattern: 's3*'}\n- {name: a, pattern: b}",
      /rules\.1\.name: a is there twice/,
    ],
    ["rules:\n- {name: a, pattern: '(s3cr3t)?'}", /matches nothing at all/],
    ["rules:\n- {name: a, pattern: s3cr3t, keep: 1}", /rules\.0\.keep: its pattern has no group 1/],
    ["config:\n  obfuscate: [{type: AzureResources}]", /config\.obfuscate\.0\.type/],
    ["config:\n  omit: [{type: File, pattern: s3cr3t}]", /config\.omit\.0\.type: only Secrets/],
    [
      "config:\n  omit: [{type: Kubernetes, kubernetesResource: {kind: ConfigMap}}]",
      /only Secrets/,
    ],
  ];
  for (const [file, message] of bad) {
    assert.throws(() => readRules(file), (error) => {
      assert(error instanceof RulesError, file);
      assert.match(error.message, message, file);
      assert(!error.message.includes("s3cr3t"), error.message);
      return true;
    });
  }
});

test("addresses and host names go out, those of nobody stay", () => {
  const redactor = new Redactor(rules, [IPS, MACS, hosts()]);
  assert.equal(
    redactor.text(
      "10.1.2.3:443 fd00::1 [2001:db8::8a2e:370:7334]:80 00:1A:2b:3c:4d:5e vcenter.corp.example.com ip-10-0-1-2.ec2.internal\n",
    ),
    "<redacted:ip:1>:443 <redacted:ip:2> [<redacted:ip:3>]:80 <redacted:mac:1> <redacted:host:1> <redacted:host:2>\n",
  );
  const clean =
    "127.0.0.1 ::1 0.0.0.0 1.2.3 v4.18.1 12:34:56 2026-11-22T10:00:00Z forklift.konveyor.io/v1beta1 quay.io/a/b:1 " +
    "plan.go:12 config.yaml foo::bar kubernetes.default.svc metrics.k8s.io std::string main.sh\n";
  assert.equal(redactor.text(clean), clean);
});
