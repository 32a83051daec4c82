/** The long form of `npm run soak trees`, with a tenth of the many files and of the sparse one. */
import { after, before, describe, test } from "node:test";
import { TESTED } from "./sizes.ts";
import {
  changingTree,
  closeTrees,
  hostileTree,
  lyingArchives,
  openTrees,
  type TreeStage,
} from "./trees.ts";

const SIZES = { files: TESTED.smallFiles, sparseBytes: TESTED.sparseBytes };

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
