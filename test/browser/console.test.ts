import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { handOver } from "../../src/cli/browser/hand-over.js";
import { Secret } from "../../src/core/secret.js";
import { SystemClock } from "../../src/system/clock.js";
import { ProcPeers } from "../../src/system/peer-identity.js";
import { USER_KEY } from "../support/in-process-broker.js";
import { GOV_KEY, type SignInBroker, startSignInBroker } from "../support/sign-in-broker.js";

const CHROMIUM = process.env["CREDBROKER_TEST_CHROMIUM"] ?? "/usr/bin/chromium";
const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

// Skipped where it is missing, which counts as failed in CI (scripts/run-tests).
describe.skipIf(!existsSync(CHROMIUM))("the console in a real browser", () => {
  let fixture: SignInBroker;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    fixture = await startSignInBroker();
    await fixture.broker.call("keys-add", { source: "ops-keys", ...USER_KEY, replace: false });
    await fixture.broker.call("keys-add", { source: "gov-keys", ...GOV_KEY, replace: false });
    // AWS's own names, led to the fake by the proxy that brokerd has too; loopback goes past it.
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS, proxy: { server: fixture.proxy.url } });
  });

  afterAll(async () => {
    await browser.close();
    await fixture.close();
  });

  beforeEach(async () => {
    context = await browser.newContext({ ignoreHTTPSErrors: true });
    page = await context.newPage();
  });

  afterEach(() => context.close());

  /** As `brokerctl console` does it: what is on the browser's command line is the page on loopback. */
  async function open(role: string, extra: object = {}): Promise<void> {
    const { url } = await fixture.broker.call("console", { role, ...extra });
    const handed = await handOver(new Secret(url), new ProcPeers({ clock: new SystemClock() }));
    try {
      await page.goto(handed.url);
      await handed.taken;
    } finally {
      await handed.close();
    }
  }

  it.each([
    ["aws", "dev", "eu-west-1.console.aws.amazon.com", "eu-west-1.signin.aws.amazon.com"],
    ["aws-us-gov", "gov", "us-gov-west-1.console.amazonaws-us-gov.com", "us-gov-west-1.signin.amazonaws-us-gov.com"],
  ])("of the partition %s is signed in as the role, at its own host", async (partition, role, console, signIn) => {
    await open(role, { service: "s3" });
    const url = new URL(page.url());
    expect([url.hostname, url.pathname]).toEqual([console, "/s3/home"]);
    expect(await page.textContent("h1")).toBe("Console");
    expect(await page.textContent("#message")).toMatch(new RegExp(`^arn:${partition}:sts::\\d+:assumed-role/`));
    expect(fixture.signIn.lastOf("getSigninToken").host).toBe(signIn);
    expect(fixture.signIn.lastOf("login").host).toBe(signIn);
  });

  it("of one partition is signed in to that one alone", async () => {
    await open("dev");
    await page.goto("https://us-gov-west-1.console.amazonaws-us-gov.com/console/home");
    expect(await page.textContent("h1")).toBe("Sign in");
  });

  it("of a chained role is signed in without a duration, and a guarded one no longer than its guard says", async () => {
    await open("chained");
    expect(await page.textContent("#message")).toContain("assumed-role/chained/");
    expect(fixture.signIn.lastOf("getSigninToken").params).not.toHaveProperty("SessionDuration");
    await open("guarded", { forSeconds: 900 });
    expect(fixture.signIn.lastOf("getSigninToken").params["SessionDuration"]).toBe("900");
    await fixture.broker.clock.advance(901_000);
    await page.reload();
    expect(await page.textContent("h1")).toBe("Sign in");
  });

  it("leaves neither the sign-in token nor the page on loopback in its history's address", async () => {
    await open("dev");
    expect(page.url()).not.toContain("SigninToken");
    expect(await page.evaluate<string>("document.referrer")).not.toContain("SigninToken");
  });
});
