/** The console in Debian's Chromium, on the service as it runs where there is no oc. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { type ApiServer, makeAuthority, startApiServer } from "../support/api-server.ts";
import { plan, PLANS_PATH } from "../support/api-lists.ts";
import { createFakeOc, type FakeOc } from "../support/fake-oc.ts";
import { atEnd } from "../support/folder.ts";
import { makePlace, type Place, type Service, startService } from "../support/service.ts";
import { assertAccessible, findChromium, openPage, startBrowser } from "./browser.ts";

const chromium = findChromium();

if ("Deno" in globalThis) {
  console.log("Browser tests run on Node: the page in the browser is the same");
  test("on Deno the browser tests did not run", () => {});
} else if (chromium === undefined && process.env["BROWSER_TESTS"] !== "1") {
  console.log("No Chromium here: browser tests did not run (apt-get install chromium)");
  test("no Chromium here: browser tests did not run", () => {});
} else {
  describe("the console", () => consoleTests(chromium ?? "chromium"));
}

/** A service may be asked to run for ever in these. */
const SLOW = { command: "sleep 300" };

function consoleTests(path: string): void {
  let browser: Browser;
  let place: Place;
  let service: Service;

  before(async () => {
    place = await makePlace();
    const env = { OC: "embedded", LOCAL_COMMANDS: "1", MAX_CONCURRENT: "4" };
    browser = await startBrowser(path);
    service = await startService(place, env);
  });
  after(async () => {
    // Where Chromium does not start, the tests fail, and then there is less to end.
    await browser?.close();
    await service?.stop();
    await place.remove();
  });

  const dialogOf = (page: Page) => page.getByRole("dialog");
  const startButton = (page: Page) => page.getByRole("button", { name: "Start gathering" }).first();
  const row = (page: Page, name: string) => page.getByRole("row").filter({ hasText: name });

  test("says something kind when empty, starts a gather, shows it to its end, and gives its archive byte by byte", async (t) => {
    const page = await openPage(t, browser, service.url);
    await page.getByText("Nothing gathered yet").waitFor();
    await assertAccessible(page);

    await startButton(page).click();
    await dialogOf(page).getByLabel("Name", { exact: true }).fill("plan:web");
    await assertAccessible(page);
    await dialogOf(page).getByRole("button", { name: "Start gathering" }).click();
    await page.getByRole("heading", { name: "plan:web" }).waitFor();
    await page.getByRole("log", { name: "Output" }).getByText("Using must-gather plug-in image")
      .waitFor();
    await page.locator(".head-status").getByText("Completed").waitFor();
    await assertAccessible(page);

    const record = await service.get("plan:web");
    const data = Buffer.from(await (await service.fetch(record["archive-url"])).arrayBuffer());
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download" }).click();
    const download = await downloading;
    assert.ok(data.equals(await readFile(await download.path())));
    assert.equal(download.suggestedFilename().replace("_", ":"), record["archive-name"]);
    const digest = Buffer.from(record["archive-digest"].slice(9, -1), "base64").toString("hex");
    await page.getByText(digest).waitFor();

    // Every line that was printed is there once, wherever the log ended and the events began.
    const log = (await (await service.fetch(`must-gather/${record.id}/log`)).text()).split("\n");
    await page.waitForFunction(
      `document.querySelectorAll(".output li").length === ${log.length - 1}`,
    );
    assert.deepEqual(await page.locator(".output li").allTextContents(), log.slice(0, -1));
  });

  // They wait more than they work: for gathers, and for what the page hears of them.
  describe("with gathers", { concurrency: 2 }, () => {
    test("shows what is in an archive: folders, a file, its search and its end", async (t) => {
      const { id } = await service.ended(
        (await service.start({ "custom-name": "to look into" })).id,
      );
      const page = await openPage(t, browser, `${service.url}#/gathers/${id}`);
      await page.getByRole("button", { name: /^local-gather-/ }).click();
      await page.getByRole("link", { name: /^index\.json/ }).click();
      const file = page.getByRole("region", { name: "File index.json" });
      await file.getByText('"files": [').waitFor();
      assert.match(page.url(), new RegExp(`#/gathers/${id}/files/local-gather-[^/]+/index.json$`));
      await page.getByLabel("Search in file index.json").fill("MILLISECONDS");
      await page.getByText(/^1 of \d+$/).waitFor();
      await page.getByRole("button", { name: "Search whole file" }).click();
      await page.getByText("Lines of the whole file").waitFor();
      assert.ok(await file.locator("mark").count() > 10);
      await page.getByRole("button", { name: "End", exact: true }).click();
      await file.getByText("}", { exact: true }).last().waitFor();
      await assertAccessible(page);

      await page.getByLabel("Find a file").fill("os-release");
      await page.getByRole("link", { name: /os-release/ }).click();
      await page.getByRole("region", { name: "File os-release.txt" }).getByText("PRETTY_NAME")
        .waitFor();
      // The address alone brings the file back; of a long one its first lines.
      const body = Array.from({ length: 6_000 }, (_, n) => `line ${n + 1}\n`).join("");
      await page.route(/\/files\/.*os-release/, (route) => route.fulfill({ body }));
      await page.reload();
      await page.getByText("the first 5,000 lines").waitFor();
      const shown = await page.locator(".viewer li").allTextContents();
      assert.deepEqual([shown.length, shown[0], shown.at(-1)], [5_000, "line 1", "line 5000"]);
    });

    test("asks before it cancels, and keeps what was collected when told so", async (t) => {
      const { id } = await service.start({ "custom-name": "to cancel", ...SLOW });
      const page = await openPage(t, browser, `${service.url}#/gathers/${id}`);
      const cancel = page.getByRole("button", { name: "Cancel gather" });
      await cancel.click();
      await page.keyboard.press("Escape");
      await dialogOf(page).waitFor({ state: "detached" });
      assert.equal((await service.get(id)).status, "inprogress");
      await cancel.click();
      await assertAccessible(page);
      const asking = page.waitForRequest((request) => request.method() === "DELETE");
      await dialogOf(page).getByRole("button", { name: "Cancel gather" }).click();
      assert.match((await asking).url(), /\?keep=1$/);
      await page.locator(".head-status").getByText("Cancelled").waitFor();
      assert.equal((await service.get(id)).reason, "cancelled");
      assert.equal(await cancel.count(), 0);
    });

    test("a gather is started by keyboard alone, and the dialog keeps the focus", async (t) => {
      const page = await openPage(t, browser, service.url);
      await row(page, "plan:web").waitFor();
      const focused = () =>
        page.evaluate("document.activeElement.innerText || document.activeElement.name");
      for (let i = 0; await focused() !== "Start gathering" && i < 10; i++) {
        await page.keyboard.press("Tab");
      }
      await page.keyboard.press("Enter");
      await dialogOf(page).waitFor();
      const inside = () =>
        page.evaluate(
          "!!document.activeElement.closest('dialog') || document.activeElement === document.body",
        );
      for (let i = 0; i < 12; i++) {
        assert.ok(await inside());
        await page.keyboard.press("Tab");
      }
      await page.keyboard.press("Escape");
      await dialogOf(page).waitFor({ state: "detached" });
      assert.equal(await focused(), "Start gathering");

      await page.keyboard.press("Enter");
      await page.keyboard.press("ArrowDown"); // from everything to a plan
      await page.keyboard.press("Tab");
      await page.keyboard.type("my plan");
      await page.keyboard.press("Tab");
      await page.keyboard.type("shop");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "plan:my plan" }).waitFor();
      assert.equal(
        (await service.get("plan:my plan")).command,
        "NS=shop PLAN=my plan /usr/bin/targeted",
      );
    });

    test("tells what is wrong as it is typed, and what the service says at the form", async (t) => {
      const page = await openPage(t, browser, service.url, { expected: /status of 400/ });
      await startButton(page).click();
      const dialog = dialogOf(page);
      await dialog.getByText("More options").click();
      const timeout = dialog.getByLabel("Timeout");
      await timeout.fill("20");
      await dialog.getByText("A duration above zero").waitFor();
      assert.equal(await timeout.getAttribute("aria-invalid"), "true");
      await timeout.fill("100h"); // only the service knows the most
      assert.equal(await timeout.getAttribute("aria-invalid"), "false");
      await dialog.getByRole("button", { name: "Start gathering" }).click();
      await dialog.getByRole("alert").getByText("timeout: must be at most 86400s").waitFor();
      await dialog.getByLabel("Node", { exact: true }).fill("worker-0");
      await dialog.getByLabel("Node selector").fill("a=b");
      await dialog.getByText("Not together with “Node”").waitFor();
      await assertAccessible(page);
    });

    test("what comes from a gather is never markup", async (t) => {
      const name = `<img src=x onerror="document.title='owned'">`;
      const { id } = await service.start({ "custom-name": name });
      const page = await openPage(t, browser, service.url);
      await row(page, name).getByRole("link").click();
      await page.getByRole("heading", { name }).waitFor();
      await service.ended(id);
      await page.locator(".head-status").getByText("Completed").waitFor();
      assert.equal(await page.title(), `${name} · Must-gather`);
      assert.equal(await page.locator("main img").count(), 0);
    });

    test("follows without a stream too, fits a phone, and is as accessible in the dark", async (t) => {
      const small = await openPage(t, browser, service.url, {
        width: 320,
        dark: true,
        expected: /ERR_FAILED/,
        block: /\/events/,
      });
      await small.getByText("Changes are asked for every three seconds").waitFor();
      await service.start({ "custom-name": "seen by polling" });
      await row(small, "seen by polling").getByText("Completed").waitFor();
      const overflow = () => small.evaluate("document.documentElement.scrollWidth - innerWidth");
      assert.equal(await overflow(), 0);
      await assertAccessible(small);
      await row(small, "seen by polling").getByRole("link").click();
      await small.getByRole("heading", { name: "In the archive" }).waitFor();
      assert.equal(await overflow(), 0);
      await assertAccessible(small);
      await small.getByRole("button", { name: "Switch to light colours" }).click();
      await assertAccessible(small);
    });

    test("a page stays when the service goes, and lives again when it is back", async (t) => {
      const own = await makePlace();
      atEnd(t, own.remove);
      const first = await startService(own, { OC: "embedded" });
      const page = await openPage(t, browser, first.url, { expected: /ERR_|status of 50\d/ });
      await page.getByText("Nothing gathered yet").waitFor();
      await first.stop();
      await page.getByText("The service does not answer").waitFor();
      const second = await startService(own, { OC: "embedded", PORT: new URL(first.url).host });
      atEnd(t, second.stop);
      const back = page.getByText("The service is back").waitFor();
      // The page tries by itself, too, and takes the button away where it was first.
      const click = page.getByRole("button", { name: "Try now" }).click();
      await Promise.race([back, click.catch(() => {})]);
      await back;
      await second.start({ "custom-name": "after" });
      await row(page, "after").getByText("Completed").waitFor();
    });
  });

  describe("where the cluster is asked who is calling", () => {
    const ADMIN = "sha256~admin-of-the-browser";
    let own: Place;
    let api: ApiServer;
    let oc: FakeOc;
    let asking: Service;

    before(async () => {
      own = await makePlace();
      const authority = await makeAuthority(join(own.folder, "ca"));
      api = await startApiServer(await authority.issue());
      api.users.set(ADMIN, { name: "kube:admin", admin: true });
      api.users.set("viewer", { name: "viewer", admin: false });
      oc = await createFakeOc({ folder: own.folder, release: "4.18", tokens: [ADMIN] });
      const kubeconfig = join(own.folder, "kubeconfig");
      const cluster = { "server": api.url, "certificate-authority": authority.path };
      await writeFile(
        kubeconfig,
        JSON.stringify({
          "apiVersion": "v1",
          "kind": "Config",
          "current-context": "main",
          "contexts": [{ name: "main", context: { cluster: "main", user: "nobody" } }],
          "clusters": [{ name: "main", cluster }],
          "users": [{ name: "nobody", user: {} }],
        }),
      );
      asking = await startService(own, {
        OC: oc.path,
        AUTH: "cluster-admin",
        KUBECONFIG: kubeconfig,
      });
    });
    after(async () => {
      await asking.stop();
      await oc.close();
      await api.close();
      await own.remove();
    });

    test("the page asks for a token, says when it is refused, and keeps it in this tab only", async (t) => {
      const page = await openPage(t, browser, asking.url, { expected: /status of 40[13]/ });
      await page.getByText("Who are you?").waitFor();
      await assertAccessible(page);
      const give = async (token: string) => {
        await page.getByLabel("Token").fill(token);
        await page.keyboard.press("Enter");
      };
      await give("unknown");
      await page.getByText("The token was refused").waitFor();
      await give("viewer");
      await page.getByText("This token may not do that").waitFor();
      await give(ADMIN);
      await page.getByText("Nothing gathered yet").waitFor();
      await page.reload();
      await page.getByText("Nothing gathered yet").waitFor();
      const kept = await page.evaluate("JSON.stringify([{ ...localStorage }, document.cookie])");
      assert.ok(!String(kept).includes(ADMIN));
      const other = await page.context().newPage();
      await other.goto(asking.url);
      await other.getByText("Who are you?").waitFor();
    });

    test("offers the cluster's plans and VMs, and gathers the one that was chosen or only named", async (t) => {
      const web = [{ id: "vm-17", name: "Web (prod)" }];
      api.lists.items.set(PLANS_PATH, [
        plan("shop/web", {
          target: "vms",
          conditions: ["Succeeded"],
          vms: web,
          migrated: [{ id: "vm-17", newName: "web-prod", phase: "Completed" }],
        }),
        plan("bank/web", { conditions: ["Ready"] }),
        ...Array.from({ length: 80 }, (_, n) => plan(`mtv/plan-${n}`)),
      ]);
      const page = await openPage(t, browser, asking.url, { expected: /status of 401/ });
      await page.getByLabel("Token").fill(ADMIN);
      await page.keyboard.press("Enter");
      await startButton(page).click();
      const dialog = dialogOf(page);
      const option = (name: string | RegExp) => dialog.getByRole("option", { name });
      const gathered = async (name: string, command: string) => {
        await page.getByRole("heading", { name }).waitFor();
        await page.getByText(command, { exact: true }).first().waitFor();
      };

      // By mouse: what is typed sifts the list, a click fills in name and namespace.
      await dialog.getByText("A plan").click();
      await dialog.getByRole("combobox", { name: "Plan" }).click();
      await dialog.getByText("The first 50 of 82; type to see others").waitFor();
      await dialog.getByRole("combobox", { name: "Plan" }).fill("web");
      assert.equal(await option(/^web/).count(), 2);
      await assertAccessible(page);
      await option(/web in shop · 1 VM Succeeded/).click();
      assert.equal(await dialog.getByRole("textbox", { name: "Namespace" }).inputValue(), "shop");
      assert.equal(await dialog.getByLabel("Name", { exact: true }).inputValue(), "plan:web");
      await dialog.getByRole("button", { name: "Start gathering" }).click();
      await gathered("plan:web", "NS=shop PLAN=web /usr/bin/targeted");

      // By keyboard: Escape closes the list and not the dialog, arrows and Enter choose.
      await page.goto(`${asking.url}#/`);
      await startButton(page).click();
      await dialog.getByText("A virtual machine").click();
      await dialog.getByRole("combobox", { name: "VM" }).focus();
      await option(/^web-prod/).waitFor();
      await page.keyboard.press("Escape");
      assert.equal(await option(/^web-prod/).count(), 0);
      assert.ok(await dialog.isVisible());
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      assert.equal(await dialog.getByRole("combobox", { name: "VM" }).inputValue(), "web-prod");
      await page.keyboard.press("Enter");
      await gathered("vm:web-prod", "NS=vms VM=web-prod /usr/bin/targeted");

      // Only named, as the Forklift UI does: the service looks it up, and the page shows both commands.
      await page.goto(`${asking.url}#/`);
      await startButton(page).click();
      await dialog.getByText("A virtual machine").click();
      await dialog.getByRole("combobox", { name: "VM" }).fill("vm-17");
      await page.keyboard.press("Enter");
      await gathered("vm:vm-17", "VM=vm-17 /usr/bin/targeted");
      await page.getByText("Ran as").waitFor();
      await page.getByText("NS=vms VM=web-prod /usr/bin/targeted", { exact: true }).first()
        .waitFor();
      await page.goto(`${asking.url}#/`);
      await startButton(page).click();
      await dialog.getByText("A plan").click();
      await dialog.getByRole("combobox", { name: "Plan" }).fill("web");
      await option(/^web/).first().waitFor();
      // The list closes under the mouse, and the button stays where it is.
      await dialog.getByRole("button", { name: "Start gathering" }).click();
      await page.getByText(/2 plans may be meant by web: shop\/web, bank\/web/).first().waitFor();
      await assertAccessible(page);
    });
  });
}
