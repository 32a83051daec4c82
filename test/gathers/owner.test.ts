import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { link, mkdir, readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { OwnedError, ownFolder } from "../../src/gathers/owner.ts";
import { listenLocally } from "../../src/runtime.ts";
import { CACHED } from "../support/caches.ts";
import { atEnd, testFolder } from "../support/folder.ts";
import { programCommand } from "../support/self.ts";

const CONTENDER = fileURLToPath(new URL("./contender.ts", import.meta.url));

/** A process that owns what it is told to. */
async function contender(t: TestContext) {
  const [program, args] = programCommand(CONTENDER);
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH ?? "", ...CACHED },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exit = once(child, "exit");
  const pid = child.pid ?? 0;
  let isAlive = true;
  void exit.then(() => isAlive = false);
  const kill = () => void (isAlive && process.kill(pid, "SIGKILL")); // Deno's own way lets it read its end first
  atEnd(t, async () => {
    kill();
    await exit;
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const heard = async () => String((await lines.next()).value);
  const tell = (line: string) => {
    child.stdin.write(`${line}\n`);
    return heard();
  };
  assert.equal(await heard(), "ready");
  return { pid, tell, kill, exit };
}

/** Leaves a socket in a folder as a process that was killed does. */
async function leaveStale(folder: string, name = "owner.sock"): Promise<void> {
  const listener = await listenLocally(join(folder, "made.sock"));
  await link(join(folder, "made.sock"), join(folder, name));
  await listener.close();
}

test("a folder has one owner; a second one in the same process is refused with what to do", async (t) => {
  const folder = await testFolder(t);
  const disown = await ownFolder(folder);
  await assert.rejects(ownFolder(folder), (error: Error) => {
    assert.ok(error instanceof OwnedError);
    assert.match(error.message, new RegExp(`${folder}.*JOURNAL_PATH`));
    return true;
  });
  await disown();
  assert.deepEqual(await readdir(folder), []);
  await (await ownFolder(folder))();
});

test("another process is refused as long as the owner lives, and takes over when it was killed", async (t) => {
  const folder = await testFolder(t);
  const owner = await contender(t);
  assert.equal(await owner.tell(folder), "owner");
  await assert.rejects(ownFolder(folder), OwnedError);
  owner.kill();
  await owner.exit;
  assert.deepEqual(await readdir(folder), ["owner.sock"]);
  const disown = await ownFolder(folder);
  await assert.rejects(ownFolder(folder), OwnedError);
  assert.deepEqual(await readdir(folder), ["owner.sock"]);
  await disown();
});

test("of several that come at once exactly one wins, whether a dead one left its socket or not", async (t) => {
  const root = await testFolder(t);
  const contenders = await Promise.all([1, 2, 3].map(() => contender(t)));
  for (let round = 0; round < 8; round++) {
    const folder = join(root, String(round));
    await mkdir(folder);
    if (round % 2 === 0) await leaveStale(folder);
    const said = await Promise.all(contenders.map((each) => each.tell(folder)));
    assert.deepEqual(said.toSorted(), ["OwnedError", "OwnedError", "owner"], `round ${round}`);
    await assert.rejects(ownFolder(folder), OwnedError, "the winner is found");
    await Promise.all(contenders.map((each) => each.tell("let go")));
    await (await ownFolder(folder))();
  }
});

test("what a contender that died left is cleared away, and what is not theirs stays", async (t) => {
  const folder = await testFolder(t);
  await leaveStale(folder, "owner.sock");
  await leaveStale(folder, "older.sock");
  await mkdir(join(folder, "claim"));
  const long = new Date(Date.now() - 60_000); // a younger one may be at work
  await utimes(join(folder, "claim"), long, long);
  const disown = await ownFolder(folder);
  assert.deepEqual((await readdir(folder)).toSorted(), ["older.sock", "owner.sock"]);
  await disown();
});

test("an owner that is stopped in its tracks is alive all the same", async (t) => {
  const folder = await testFolder(t);
  const owner = await contender(t);
  await owner.tell(folder);
  process.kill(owner.pid, "SIGSTOP");
  await assert.rejects(ownFolder(folder), OwnedError);
});

test("a guest that stays connected does not keep the owner from letting go", async (t) => {
  const folder = await testFolder(t);
  const disown = await ownFolder(folder);
  const guest = await contender(t);
  assert.equal(await guest.tell(`visit ${join(folder, "owner.sock")}`), "inside");
  await disown();
});

test("a folder that cannot hold a socket rejects with the system's reason", async (t) => {
  const folder = await testFolder(t);
  await assert.rejects(ownFolder(join(folder, "none")), (error) => !(error instanceof OwnedError));
  const long = join(folder, "x".repeat(120));
  await mkdir(long);
  await assert.rejects(ownFolder(long), (error) => !(error instanceof OwnedError));
});
