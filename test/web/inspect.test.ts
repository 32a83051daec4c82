/** The inspector in Debian's Chromium, on the service with an oc that can be held. */
import assert from "node:assert/strict";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { createFakeOc, type FakeOc } from "../support/fake-oc.ts";
import { atEnd } from "../support/folder.ts";
import { makePlace, type Place, type Service, startService } from "../support/service.ts";
import { startStrippingProxy } from "../support/stripping-proxy.ts";
import { assertAccessible, findChromium, openPage, startBrowser } from "./browser.ts";

const chromium = findChromium();

if ("Deno" in globalThis) {
  console.log("Browser tests run on Node: the page in the browser is the same");
  test("on Deno the browser tests did not run", () => {});
} else if (chromium === undefined && process.env["BROWSER_TESTS"] !== "1") {
  console.log("No Chromium here: browser tests did not run (apt-get install chromium)");
  test("no Chromium here: browser tests did not run", () => {});
} else {
  describe("the inspector", () => inspectorTests(chromium ?? "chromium"));
}

/** Neither SIGINT nor SIGTERM ends it. */
const DEAF = { image: "localhost/never-exits-must-gather:latest" };

/** Keeps in the page where a mark has been, also for a moment only. */
const WATCH_MARKS = `
  const seen = [];
  new MutationObserver((changes) => {
    const states = changes.map(({ target }) => target).filter((each) => each.matches(".mark"));
    for (const { dataset } of states) if (seen.at(-1) !== dataset.state) seen.push(dataset.state);
    document.body.dataset.seen = seen.join();
  }).observe(document.querySelector(".drawing"), { subtree: true, attributeFilter: ["data-state"] });`;

function inspectorTests(path: string): void {
  let browser: Browser;
  let place: Place;
  let oc: FakeOc;
  let service: Service;

  before(async () => {
    place = await makePlace();
    oc = await createFakeOc({ folder: place.folder });
    browser = await startBrowser(path);
    service = await startService(place, {
      OC: oc.path,
      INSPECT_SEND: "1",
      MAX_CONCURRENT: "4",
      STOP_GRACE: "1s",
    });
  });
  after(async () => {
    await browser?.close();
    await service?.stop();
    await oc?.close();
    await place.remove();
  });

  const inspect = (hash = "") => new URL(`inspect${hash}`, service.url).href;
  const drawn = (page: Page, machine: string) =>
    page.locator(`svg[data-machine="${machine}"]`).waitFor();
  const mark = (page: Page, id: number, state: string) =>
    page.locator(`.mark[data-state="${state}"]`).getByText(String(id), { exact: true }).waitFor();
  const sendButton = (page: Page, name: string) =>
    page.getByRole("region", { name: "Send an event" }).getByRole("button", { name, exact: true });

  test("a mark goes where its gather goes, and its history is replayed step by step", async (t) => {
    const page = await openPage(t, browser, inspect());
    await drawn(page, "gather");
    await page.getByText("Nothing is being gathered").waitFor();
    await assertAccessible(page);

    for (const gate of ["before-gather", "during-gather", "during-copy"] as const) oc.hold(gate);
    const { id } = await service.start({ "custom-name": "watched" });
    await mark(page, id, "inprogress.gathering.starting");
    oc.release("before-gather");
    await mark(page, id, "inprogress.gathering.collecting");
    await page.locator(".mark").getByText(String(id)).click();
    await page.getByRole("heading", { name: "watched" }).waitFor();
    await page.getByText('"collecting"').waitFor();
    oc.release("during-gather");
    await mark(page, id, "inprogress.copying.receiving");
    oc.release("during-copy");
    await mark(page, id, "completed");
    await assertAccessible(page);

    // Every step that was written down is found on the drawing, and leads to where the mark then is.
    const { transitions } = await service.get(id);
    const back = page.getByRole("button", { name: "Step back" });
    for (const step of transitions.toReversed()) {
      await mark(page, id, step.to);
      assert.ok(await page.locator(".way.chosen").count() > 0, `${step.from} ${step.event}`);
      assert.equal(
        await page.locator(".row.chosen").first().getAttribute("data-event"),
        step.event,
      );
      assert.equal(await page.locator(".state.chosen").getAttribute("data-state"), step.to);
      await back.click();
    }
    await mark(page, id, "new");
    assert.ok(await back.isDisabled());

    // By keyboard.
    const slider = page.getByRole("slider", { name: "Step" });
    await slider.focus();
    await page.keyboard.press("ArrowRight");
    await mark(page, id, transitions[0]?.to ?? "");
    await page.getByText(/^Step 2 of \d+, .*, after \d+ ms$/).waitFor();
    await page.keyboard.press("End");
    await mark(page, id, "completed");
    await page.getByRole("button", { name: "Play" }).focus();
    await page.keyboard.press("Enter");
    await mark(page, id, "new");
    await mark(page, id, transitions[1]?.to ?? "");
    await page.getByRole("button", { name: "Pause" }).click();

    await page.getByText("In words").click();
    await page.getByRole("row").filter({ hasText: "after packLimit" }).waitFor();
    await assertAccessible(page);
  });

  test("an event is sent by a button, and the machine that ends the process is drawn with its mark too", async (t) => {
    const { id } = await service.start({ "custom-name": "told", ...DEAF });
    const page = await openPage(t, browser, inspect(`#/gather/${id}`));
    await mark(page, id, "inprogress.gathering.collecting");
    await page.getByRole("link", { name: "stop", exact: true }).click();
    await drawn(page, "stop");
    assert.equal(await page.locator(".mark").count(), 0);
    await page.evaluate(WATCH_MARKS);
    await sendButton(page, "gather.cancel").click();
    await page.locator('[data-seen="asking,insisting,killing"]').waitFor();
    assert.equal((await service.ended(id)).reason, "cancelled");
    await page.locator(".mark").waitFor({ state: "detached" });
    await page.getByText('"cancelled"').waitFor();
    await page.getByText("It has ended").waitFor();
    await sendButton(page, "gather.cancel").waitFor({ state: "hidden" });
  });

  test("the service's own machine has its mark; a gather that is not there is told", async (t) => {
    const page = await openPage(t, browser, inspect("#/service"), { expected: /status of 404/ });
    await drawn(page, "service");
    await page.locator('.mark[data-state="serving"]').waitFor();
    await page.goto(inspect("#/gather/999"));
    await page.getByText("There is no gather 999").waitFor();
    await drawn(page, "gather");
    await page.getByRole("link", { name: "Console" }).click();
    await page.getByRole("link", { name: "Inspector" }).click();
    await drawn(page, "gather");
  });

  test("fits a phone, in the dark, behind a proxy that takes a prefix off", async (t) => {
    const { id } = await service.ended((await service.start({ "custom-name": "small" })).id);
    const proxy = await startStrippingProxy("/proxied/below/", service.url);
    atEnd(t, proxy.close);
    const url = new URL(`inspect#/gather/${id}`, proxy.base).href;
    const page = await openPage(t, browser, url, { width: 320, dark: true });
    await drawn(page, "gather");
    await mark(page, id, "completed");
    assert.equal(await page.evaluate("document.documentElement.scrollWidth - innerWidth"), 0);
    await assertAccessible(page);
    assert.deepEqual(proxy.astray, []);
  });
}
