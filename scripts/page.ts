import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import {
  axeViolations,
  launchChromium,
  openPage,
  overflowOf,
  SCHEMES,
  VIEWS,
  WIDTHS,
} from "../test/support/page-browser.js";
import { startPageDay } from "../test/support/page-day.js";
import { measureLoad } from "../test/support/page-load.js";
import { measureOpening } from "../test/support/page-opening.js";

/**
 * `npm run page -- shots [DIR]`: every view at each width, light and dark, of a daemon with some hours of work behind it.
 * `npm run page -- picture`: README's, docs/page.png.
 * `npm run page -- load [SECONDS]`: what the page holds with 200 roles, 500 leases and 50 events a second. `npm run page -- open`: bytes sent, first paint.
 */
const [what = "shots", argument] = process.argv.slice(2);
const runs: Readonly<Record<string, () => Promise<void>>> = {
  shots: () => takeShots(argument ?? ".page-shots"),
  picture: takePicture,
  load: () => measureLoad(Number(argument ?? 60)),
  open: () => measureOpening(),
};
const run = runs[what];
if (!run) throw new Error(`npm run page -- ${Object.keys(runs).join(" | ")}`);
await run();

async function takeShots(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const [browser, day] = await Promise.all([launchChromium(), startPageDay()]);
  try {
    await day.request({ role: "prod", reason: "the order queue is stuck: read its dead letters", readOnly: true });
    for (const scheme of SCHEMES) {
      for (const width of WIDTHS) {
        const { page, view, close } = await openPage(browser, day.broker, { width, scheme });
        for (const name of VIEWS) {
          await view(name);
          await page.screenshot({ path: join(directory, `${name}-${width}-${scheme}.png`), fullPage: true });
          await tellViolations(`${name} at ${width} in ${scheme}`, page);
        }
        await view("now");
        for (const [name, button] of [
          ["use", "Use another role"],
          ["approve", /^Approve /],
        ] as const) {
          await page.getByRole("button", { name: button }).first().click();
          await page.screenshot({ path: join(directory, `${name}-${width}-${scheme}.png`) });
          await tellViolations(`the dialog ${name} at ${width} in ${scheme}`, page);
          await page.keyboard.press("Escape");
        }
        await close();
      }
    }
  } finally {
    await browser.close();
    await day.close();
  }
  process.stdout.write(`${directory}\n`);
}

/** What README shows: the first view, down to the timeline. */
async function takePicture(): Promise<void> {
  const [browser, day] = await Promise.all([launchChromium(), startPageDay()]);
  try {
    await day.request({ role: "prod", reason: "the order queue is stuck: read its dead letters", readOnly: true });
    const { page, close } = await openPage(browser, day.broker, { width: 1280 });
    const timeline = await page.locator(".legend").boundingBox();
    const height = Math.ceil((timeline?.y ?? 800) + (timeline?.height ?? 0) + 24);
    await page.setViewportSize({ width: 1280, height });
    await page.screenshot({ path: "docs/page.png" });
    await close();
  } finally {
    await browser.close();
    await day.close();
  }
}

/** What axe finds, and a row that is wider than the window, fail the run. */
async function tellViolations(where: string, page: Page): Promise<void> {
  const overflow = await overflowOf(page);
  const found = [...(await axeViolations(page)), ...(overflow > 0 ? [`${overflow} pixels too wide`] : [])];
  for (const violation of found) process.stderr.write(`${where}: ${violation}\n`);
  if (found.length > 0) process.exitCode = 1;
}
