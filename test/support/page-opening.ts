import { launchChromium, openPage } from "./page-browser.js";
import { startPageDay } from "./page-day.js";

const TIMES = 9;

/** Bytes that the page is made of, as they are sent, and when something is seen first; the middle of several openings. */
export async function measureOpening(): Promise<void> {
  const [browser, day] = await Promise.all([launchChromium(), startPageDay({ hours: 1 })]);
  try {
    const paints: number[] = [];
    let bytes = 0;
    for (let time = 0; time < TIMES; time++) {
      const { page, close } = await openPage(browser, day.broker, { realTime: true });
      paints.push(await page.evaluate<number>(FIRST_PAINT));
      bytes = await page.evaluate<number>(BYTES);
      await close();
    }
    paints.sort((a, b) => a - b);
    const [first = 0] = paints;
    const middle = paints[Math.floor(TIMES / 2)] ?? 0;
    const last = paints.at(-1) ?? 0;
    process.stdout.write(`bytes sent for the page, with headers: ${bytes}\n`);
    process.stdout.write(`first contentful paint: ${ms(middle)} (${ms(first)} to ${ms(last)}, ${TIMES} openings)\n`);
  } finally {
    await browser.close();
    await day.close();
  }
}

const FIRST_PAINT = `new Promise((seen) => {
  const look = (list) => list.getEntriesByName("first-contentful-paint").forEach(({ startTime }) => seen(startTime));
  new PerformanceObserver(look).observe({ type: "paint", buffered: true });
})`;
const BYTES = `[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .filter(({ name }) => !/\\/(api|events|session)/.test(new URL(name).pathname))
  .reduce((sum, { transferSize }) => sum + transferSize, 0)`;

function ms(milliseconds: number): string {
  return `${Math.round(milliseconds)} ms`;
}
