import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { type SsoBroker, startSsoBroker } from "../support/sso-broker.js";

const CHROMIUM = process.env["CREDBROKER_TEST_CHROMIUM"] ?? "/usr/bin/chromium";
const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

// Skipped where it is missing, which counts as failed in CI (scripts/run-tests).
describe.skipIf(!existsSync(CHROMIUM))("a real browser", () => {
  let browser: Browser;
  let page: Page;
  let fixture: SsoBroker;
  let scripts: string[];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });

  afterAll(() => browser.close());

  beforeEach(async () => {
    fixture = await startSsoBroker();
    page = await browser.newPage();
    scripts = [];
    page.on("console", (message) => scripts.push(message.text()));
    page.on("pageerror", (error) => scripts.push(error.message));
  });

  afterEach(async () => {
    await page.close();
    await fixture.close();
  });

  async function start(): Promise<{ readonly url: string; readonly waiting: Promise<unknown> }> {
    const { loginId, url } = await fixture.broker.call("login-start", { source: "corp", flow: "browser" });
    const waiting = fixture.broker.call("login-wait", { loginId });
    waiting.catch(() => undefined);
    return { url, waiting };
  }

  it("goes through the consent page and comes back to a page that says what to do next", async () => {
    const { url, waiting } = await start();
    await page.goto(url);
    expect(await page.textContent("h1")).toContain("Allow credbroker to access your data?");
    await page.click("#approve");
    await page.waitForURL(/^http:\/\/127\.0\.0\.1:\d+\/oauth\/callback\?/);
    expect(await page.textContent("h1")).toBe("Logged in");
    expect(await page.textContent("body")).toContain("go back to your terminal");
    await waiting;
    expect(await fixture.sourceState()).toBe("ready");
    expect((await fixture.broker.call("warm", { role: "dev" })).accountId).toBe("100000000001");
    expect(await page.locator("script").count()).toBe(0);
    // Browsers ask every site for an icon; neither the fake nor we have one.
    expect(scripts.filter((text) => !text.includes("404"))).toEqual([]);
  });

  it("whose user denies is told so, and nothing is stored", async () => {
    const { url, waiting } = await start();
    await page.goto(url);
    await page.click("#deny");
    await page.waitForURL(/\/oauth\/callback\?/);
    expect(await page.textContent("h1")).toBe("Not logged in");
    expect(await page.textContent("body")).toContain("brokerctl login corp");
    expect((await brokerErrorOf(() => waiting)).message).toContain("denied");
    expect(await fixture.sourceState()).toBe("login_required");
  });

  it("cannot use the way back a second time", async () => {
    const { url, waiting } = await start();
    await page.goto(url);
    await page.click("#approve");
    await page.waitForURL(/\/oauth\/callback\?/);
    await waiting;
    await expect(page.reload()).rejects.toThrow(/ERR_CONNECTION_REFUSED/);
    expect(fixture.center.countOf("CreateToken")).toBe(1);
  });

  it("on a foreign page cannot answer the login, nor read what is answered", async () => {
    const { url } = await start();
    const callback = new URL(url).searchParams.get("redirect_uri")!;
    await page.goto(`${fixture.center.url}/device`);
    const forged = JSON.stringify(`${callback}?code=x&state=y`);
    // As text: it runs in the page, where there is a document, and not here.
    const seen = await page.evaluate<string>(`(async () => {
      const read = await fetch(${forged}).then(() => "readable", () => "not readable");
      const frame = document.createElement("iframe");
      frame.src = ${forged};
      document.body.append(frame);
      await new Promise((loaded) => (frame.onload = loaded));
      return read;
    })()`);
    expect(seen).toBe("not readable");
    expect(fixture.center.countOf("CreateToken")).toBe(0);
    await page.goto(url);
    await page.click("#approve");
    await page.waitForURL(/\/oauth\/callback\?/);
    expect(await page.textContent("h1")).toBe("Logged in");
  });

  it("confirms a device's code", async () => {
    const { loginId, url, userCode } = await fixture.broker.call("login-start", { source: "corp", flow: "device" });
    const waiting = fixture.broker.call("login-wait", { loginId });
    await page.goto(url);
    expect(await page.textContent("#code")).toBe(userCode);
    await page.click("#approve");
    await page.waitForSelector("#message");
    await fixture.broker.clock.advance(5000);
    await waiting;
    expect(await fixture.sourceState()).toBe("ready");
  });
});
