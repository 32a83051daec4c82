import assert from "node:assert/strict";
import { test } from "node:test";
import { checkImages, isAllowedImage, readAllowedImage } from "../../src/schema/allowed-images.ts";
import { Problem } from "../../src/problem.ts";

const asked = (more: { images?: string[]; imageStreams?: string[]; allImages?: boolean }) => ({
  images: [],
  imageStreams: [],
  allImages: false,
  ...more,
});

function refusal(
  request: Parameters<typeof checkImages>[0],
  allowed: readonly string[],
): string | undefined {
  try {
    checkImages(request, allowed);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof Problem);
    assert.equal(error.status, 403);
    return error.detail;
  }
}

test("an empty list allows everything", () => {
  const everything = asked({ images: ["a/b"], imageStreams: ["a/b:c"], allImages: true });
  assert.equal(refusal(everything, []), undefined);
});

test("every image must be what an entry says from its first to its last character", () => {
  const list = ["quay.io/kubev2v/*", "registry.local:5000/mg:v1", "quay.io/*/must-gather@sha256:*"];
  const digest = `@sha256:${"a".repeat(64)}`;
  const allowed = [
    "quay.io/kubev2v/forklift-must-gather",
    "quay.io/kubev2v/a/b:tag",
    `quay.io/kubev2v/a${digest}`,
    "registry.local:5000/mg:v1",
    `quay.io/any/must-gather${digest}`,
  ];
  const refused = [
    "quay.io/kubev2v",
    "evil.io/quay.io/kubev2v/a",
    "registry.local:5000/mg:v12",
    "registry.local:5000/mg",
    "registrylocal:5000/mg:v1",
    "quay.io/any/must-gather:latest",
    "kubev2v/forklift-must-gather",
    `evil.io/a/must-gather${digest}`,
  ];
  for (const image of allowed) assert.equal(refusal(asked({ images: [image] }), list), undefined);
  for (const image of refused) {
    const detail = refusal(asked({ images: [allowed[0]!, image] }), list);
    assert.match(detail ?? `${image} is allowed`, /^image: .*ALLOWED_IMAGES/);
    assert.ok(list.every((entry) => detail?.includes(entry)));
  }
});

test("streams and all operators' images are refused unless the list says so in so many words", () => {
  const stream = asked({ imageStreams: ["openshift/must-gather:latest"] });
  const all = asked({ allImages: true });
  for (const list of [["*"], ["quay.io/*", "openshift/*"]]) {
    assert.match(refusal(stream, list) ?? "", /^image-stream: /);
    assert.match(refusal(all, list) ?? "", /^all-images: /);
  }
  const list = ["quay.io/*", "image-stream:openshift/*", "all-images"];
  assert.equal(refusal(stream, list), undefined);
  assert.equal(refusal(all, list), undefined);
  assert.notEqual(refusal(asked({ imageStreams: ["other/must-gather"] }), list), undefined);
  assert.ok(!isAllowedImage("all-images", list));
});

test("a star is anything, also nothing, and many of them take no time", () => {
  assert.ok(isAllowedImage("ab", ["a*b"]));
  assert.ok(!isAllowedImage("a", ["a*a"]));
  assert.ok(isAllowedImage("axxbyyb", ["a*b*b"]));
  assert.ok(!isAllowedImage("axxb", ["a*b*b"]));
  const started = performance.now();
  assert.ok(!isAllowedImage("a".repeat(512), [`${"a*".repeat(100)}b`]));
  assert.ok(performance.now() - started < 5000); // tried one by one they take years
});

test("an entry is a name of images with stars, and nothing else", () => {
  for (const good of ["*", "quay.io/*", "[::1]:5000/a", "image-stream:a/b:*", "all-images"]) {
    assert.equal(readAllowedImage(good), good);
  }
  for (const bad of ["", "a b", "a$", "^a", "a".repeat(513), "a;b"]) {
    assert.equal(readAllowedImage(bad), undefined);
  }
});
