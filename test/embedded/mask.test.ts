import assert from "node:assert/strict";
import { test } from "node:test";
import { maskArguments, maskSecrets } from "../../src/embedded/mask.ts";

test("secrets in every usual form are masked, and what stands beside them stays", () => {
  const cases: [string, string][] = [
    ["oc --token=s3cr3t get pods", "oc --token=*** get pods"],
    ["oc --token s3cr3t get pods", "oc --token *** get pods"],
    ["DB_PASSWORD=s3&cr3t ./run", "DB_PASSWORD=*** ./run"],
    ["password = 's3 cr3t' next", "password = *** next"],
    ['{"token":"s3cr3t","id":1}', '{"token":"***","id":1}'],
    ['{"apiKey": 123, "id":1}', '{"apiKey": "***", "id":1}'],
    ["https://user:s3@cr3t@host/path", "https://user:***@host/path"],
    ["curl -u me:s3cr3t http://host", "curl -u me:*** http://host"],
    ["mysql -h host -ps3cr3t db", "mysql -h host -p*** db"],
    ["sshpass -p s3cr3t ssh host", "sshpass -p*** ssh host"],
    ["Cookie: a=s3cr3t; b=s3cr3t", "Cookie: ***"],
    ["bearer s3cr3t-s3cr3t-s3cr3t", "bearer ***"],
    ["is sha256~s3cr3ts3cr3ts3cr3t here", "is *** here"],
    ["-----BEGIN PRIVATE KEY-----\ns3cr3t\n-----END PRIVATE KEY-----\nx", "***\nx"],
    ["-----BEGIN RSA PRIVATE KEY-----\ns3cr3t", "***"],
  ];
  for (const [text, expected] of cases) assert.equal(maskSecrets(text), expected);
  assert.ok(!maskSecrets("curl -H 'Authorization: Bearer s3cr3t' http://h").includes("s3cr3t"));
});

test("words that only sound like secrets stay as they are", () => {
  for (
    const text of [
      "sshd: Accepted password for root from 10.0.0.1",
      "/run/secrets/kubernetes.io/serviceaccount tmpfs ro",
      "psql --no-password --host db",
      "https://host:8443/path?a=b",
    ]
  ) assert.equal(maskSecrets(text), text);
});

test("a masked text does not change when it is masked again", () => {
  const once = maskSecrets('{"token":"a"} --password b token=c https://u:p@h');
  assert.equal(maskSecrets(once), once);
});

test("an argument that is a secret is masked to its end, blanks included", () => {
  const line = maskArguments([
    "run",
    "--password",
    "two words",
    "--api-key=three more words",
    "-x",
  ]);
  assert.equal(line, "run --password *** --api-key=*** -x");
  assert.equal(maskArguments(["sh", "-c", "a\nb --token zzz"]), "sh -c a b --token ***");
});

test("text that is made to be slow to match is masked in time", () => {
  const start = performance.now();
  for (const piece of ["token", "a-", '"', "eyJ", "token: '", "://", "mysql -"]) {
    maskSecrets(piece.repeat(300_000 / piece.length));
  }
  // Milliseconds when linear, minutes when quadratic.
  assert.ok(performance.now() - start < 10_000);
});
