import assert from "node:assert/strict";
import { mock, test } from "node:test";
import fc from "fast-check";
import { Links } from "../../src/routes/links.ts";

const HOUR = 3_600_000;
const DIGEST = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";

test("a link is good for its archive until its time is up", (t) => {
  mock.timers.enable({ apis: ["Date"], now: 1_800_000_000_000 });
  t.after(() => mock.timers.reset());
  const links = new Links(HOUR);
  const link = links.sign(7, DIGEST);
  assert.equal(link.expires, "1800003600000");
  assert.ok(links.isGood(7, DIGEST, link));
  mock.timers.setTime(1_800_003_600_000);
  assert.ok(links.isGood(7, DIGEST, link));
  mock.timers.setTime(1_800_003_600_001);
  assert.ok(!links.isGood(7, DIGEST, link));
});

test("a link is good for no other archive, not of the same gather, and not in another life of the service", () => {
  const links = new Links(HOUR);
  const link = links.sign(7, DIGEST);
  assert.ok(!links.isGood(8, DIGEST, link));
  assert.ok(!links.isGood(7, DIGEST.replace("4", "5"), link));
  assert.ok(!new Links(HOUR).isGood(7, DIGEST, link));
});

test("parts of what is signed cannot be moved from one to another", () => {
  const links = new Links(HOUR);
  const { expires, signature } = links.sign(1, "1");
  assert.ok(!links.isGood(11, "", { expires, signature }));
  assert.ok(!links.isGood(1, `1\n${expires[0]}`, { expires: expires.slice(1), signature }));
});

test("whatever is changed in a link, it is good no more", () => {
  const links = new Links(HOUR);
  const link = links.sign(7, DIGEST);
  for (let place = 0; place < link.signature.length; place++) {
    for (const other of ["A", "B", "E", "w", "_", ""]) {
      const signature = link.signature.slice(0, place) + other + link.signature.slice(place + 1);
      if (signature === link.signature) continue;
      assert.ok(!links.isGood(7, DIGEST, { ...link, signature }), signature);
    }
  }
  const longer = String(Number(link.expires) + HOUR);
  for (const expires of [longer, `0${link.expires}`, `${link.expires}0`, "", "x", "1e15", "-1"]) {
    assert.ok(!links.isGood(7, DIGEST, { ...link, expires }), expires);
  }
  for (const signature of [`${link.signature}=`, ` ${link.signature}`, "", `${link.signature}AA`]) {
    assert.ok(!links.isGood(7, DIGEST, { ...link, signature }), signature);
  }
});

test("whatever a client makes up is no link, and breaks nothing", () => {
  const links = new Links(HOUR);
  fc.assert(fc.property(
    fc.string(),
    fc.oneof(fc.string(), fc.nat().map(String)),
    (signature, expires) => assert.ok(!links.isGood(7, DIGEST, { expires, signature })),
  ));
});

test("a link's age need be no whole number of milliseconds", () => {
  const links = new Links(1500.25);
  assert.ok(links.isGood(7, DIGEST, links.sign(7, DIGEST)));
});
