import { existsSync } from "node:fs";
import axe from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import type { PageFinding } from "../../src/control-api/ui-contract.js";
import { SystemClock } from "../../src/system/clock.js";
import type { FakeClock } from "./fake-clock.js";
import type { InProcessBroker } from "./in-process-broker.js";

export const CHROMIUM = process.env["CREDBROKER_TEST_CHROMIUM"] ?? "/usr/bin/chromium";
const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

export const hasChromium = (): boolean => existsSync(CHROMIUM);

export function launchChromium(flags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...flags] });
}

export const WIDTHS = [320, 768, 1440] as const;
export const SCHEMES = ["light", "dark"] as const;
export const VIEWS = ["now", "roles", "leases", "requests", "audit", "health"] as const;

export const FINDINGS: readonly PageFinding[] = [
  { level: "warning", title: "AWS_PROFILE is set in this shell: it shadows the endpoint", fix: "unset AWS_PROFILE" },
  { level: "note", title: "the endpoint answers programs of your user only", fix: null },
];

export interface OpenedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the browser complained of: breaches of the policy, errors of the script. */
  readonly complaints: string[];
  /** Shows the view of that name. */
  readonly view: (name: (typeof VIEWS)[number]) => Promise<void>;
  readonly close: () => Promise<void>;
}

interface PageOptions {
  readonly width?: number;
  readonly scheme?: (typeof SCHEMES)[number];
  /** Runs in the page before its own script. */
  readonly before?: string;
  /** The page has the machine's time, and its own measures of it. */
  readonly realTime?: boolean;
  readonly findings?: readonly PageFinding[];
}

/** The page of a broker, as `brokerctl ui` opens it, at the broker's own time. */
export async function openPage(
  browser: Browser,
  broker: Pick<InProcessBroker, "call" | "clock">,
  { width = 1440, scheme = "light", before, realTime = false, findings = FINDINGS }: PageOptions = {},
): Promise<OpenedPage> {
  const context = await browser.newContext({
    ...{ viewport: { width, height: 900 }, colorScheme: scheme, timezoneId: "UTC" },
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  if (before !== undefined) await page.addInitScript(before);
  if (!realTime) await page.clock.setFixedTime(broker.clock.now());
  const { url } = await broker.call("ui-open", { findings });
  const stopTime = passTime(broker.clock);
  await page.goto(url);
  await page.waitForSelector("main h2");
  return {
    ...{ page, context, complaints },
    view: async (name) => {
      await page.click(`header nav a[href="#/${name}"]`);
      await page.waitForSelector(`header nav a[href="#/${name}"][aria-current]`);
    },
    close: async () => {
      await stopTime();
      await context.close();
    },
  };
}

const TICK_MS = 50;

/** A page is open in real time: the daemon's clock keeps up with it. */
function passTime(clock: FakeClock): () => Promise<void> {
  const over = new AbortController();
  const real = new SystemClock();
  const passing = (async () => {
    for (let last = real.now(); !over.signal.aborted; ) {
      await real.sleep(TICK_MS);
      const now = real.now();
      await clock.advance(now - last);
      last = now;
    }
  })();
  return async () => {
    over.abort();
    await passing;
  };
}

/** What axe-core finds wrong, a line each: the rule and the first element. Run by the debugger: the page's policy has no place for it. */
export async function axeViolations(page: Page): Promise<readonly string[]> {
  await animationsOver(page);
  await page.evaluate<unknown>(`window.axe ? 0 : (() => { ${axe.source}; return 0; })()`);
  return page.evaluate<string[]>(
    `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
      violations.map(({ id, help, nodes }) => id + ": " + help + ": " + nodes.map(({ html }) => html).slice(0, 2).join(" ")))`,
  );
}

/** What fades in has its colours once it is there: axe takes those of the moment. What turns for ever is not waited for. */
async function animationsOver(page: Page): Promise<void> {
  await page.evaluate<unknown>(
    `Promise.allSettled(document.getAnimations()
      .filter((animation) => animation.effect.getComputedTiming().endTime !== Infinity)
      .map((animation) => animation.finished))`,
  );
}

/** How much wider than the window the page is, in CSS pixels. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate<number>("document.documentElement.scrollWidth - window.innerWidth");
}
