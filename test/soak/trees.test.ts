/** With a hundredth of the many files, and a sparse one that is no more than sparse; the rest is the long form's. */
import { after, before, describe, test } from "node:test";
import {
  changingTree,
  closeTrees,
  hostileTree,
  lyingArchives,
  openTrees,
  type TreeStage,
} from "./trees.ts";

const SIZES = { files: 700, sparseBytes: 8 * 2 ** 20 };

describe("what an image brings", () => {
  let stage: TreeStage;

  before(async () => {
    stage = await openTrees(SIZES);
  });
  after(() => closeTrees(stage));

  test("links out, devices, bad names, deep folders and closed files come to an archive that all readers take", () =>
    hostileTree(stage, SIZES));

  test("a tree that changes while it is packed comes to one, too, with nothing from outside", () =>
    changingTree(stage));

  test("archives that lie end no service, and bring nothing from outside", () =>
    lyingArchives(stage));
});
