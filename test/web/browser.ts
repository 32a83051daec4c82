/** A real browser on the real service, for tests. */
import assert from "node:assert/strict";
import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import process from "node:process";
import type { TestContext } from "node:test";
import type { Browser, Page } from "playwright-core";
import { atEnd } from "../support/folder.ts";

/** How long a page may take for anything, in milliseconds: far more than it does. */
const PATIENCE_MS = 30_000;

// deno-fmt-ignore
const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-component-update",
  "--disable-sync", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/** The path of Debian's Chromium; undefined where there is none. */
export function findChromium(): string | undefined {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    for (const name of ["chromium-headless-shell", "chromium", "chromium-browser"]) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch { /* not this one */ }
    }
  }
  return undefined;
}

/** Starts it. */
export async function startBrowser(executablePath: string): Promise<Browser> {
  const { chromium } = await import("playwright-core");
  return await chromium.launch({ executablePath, args: ARGUMENTS });
}

/** How a page is opened. */
export interface Look {
  width?: number;
  dark?: boolean;
  /** Messages of the browser that are part of what is tested. */
  expected?: RegExp;
  /** Requests that get no answer. */
  block?: RegExp;
}

/**
 * Opens a page in a profile of its own. When the test ends it fails where the page said an error, broke its own policy or asked
 * another host.
 */
export async function openPage(
  t: TestContext,
  browser: Browser,
  url: string,
  { width = 1280, dark = false, expected, block }: Look = {},
): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    colorScheme: dark ? "dark" : "light",
    reducedMotion: "reduce", // what turns and slides is drawn by the processor here, sixty times a second
  });
  const wrong: string[] = [];
  const { origin } = new URL(url);
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.on("pageerror", (error) => wrong.push(`threw ${error.stack}`));
  page.on("console", (message) => {
    const text = message.text();
    if (["error", "warning"].includes(message.type()) && !expected?.test(text)) wrong.push(text);
  });
  page.on("request", (request) => {
    const asked = request.url();
    if (!asked.startsWith(`${origin}/`) && !asked.startsWith(`blob:${origin}/`)) {
      wrong.push(`asked ${asked}`);
    }
  });
  atEnd(t, async () => {
    await context.close();
    assert.deepEqual(wrong, []);
  });
  if (block) await page.route(block, (route) => route.abort());
  await page.goto(url);
  return page;
}

interface Finding {
  id: string;
  impact: string;
  nodes: { html: string; failureSummary: string }[];
}

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Fails where axe-core finds something serious or critical in the page as it is. */
export async function assertAccessible(page: Page): Promise<void> {
  const { readFile } = await import("node:fs/promises");
  // Evaluated over the debugging protocol: the page's own policy would not let it in. Once a page, as that is most of the time.
  if (await page.evaluate("typeof axe") === "undefined") {
    await page.evaluate(await readFile(AXE, "utf8"));
  }
  const findings = await page.evaluate(
    `axe.run({ resultTypes: ["violations"] }).then(({ violations }) => violations)`,
  ) as Finding[];
  const serious = findings.filter(({ impact }) => impact === "serious" || impact === "critical");
  assert.deepEqual(
    serious.map(({ id, nodes }) => [id, nodes.map((each) => each.html + each.failureSummary)]),
    [],
  );
}
