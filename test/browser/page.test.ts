import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { decideInBrowser } from "../fakes/fake-identity-center/decide-in-browser.js";
import {
  axeViolations,
  hasChromium,
  launchChromium,
  type OpenedPage,
  openPage,
  overflowOf,
  VIEWS,
  WIDTHS,
} from "../support/page-browser.js";
import { type PageDay, startPageDay } from "../support/page-day.js";

// Skipped where it is missing, which counts as failed in CI (scripts/run-tests).
describe.skipIf(!hasChromium())("the page of a day's work", () => {
  let browser: Browser;
  let day: PageDay;
  let opened: OpenedPage;
  let page: Page;

  beforeAll(async () => {
    [browser, day] = await Promise.all([launchChromium(), startPageDay({ hours: 1 })]);
  });

  afterAll(async () => {
    await browser.close();
    await day.close();
  });

  afterEach(async () => {
    const complaints = opened.complaints.filter((text) => !text.includes("the server responded with a status of 4"));
    await opened.close();
    await denyPending(day);
    expect(complaints).toEqual([]);
  });

  async function open(options: Parameters<typeof openPage>[2] = {}): Promise<void> {
    opened = await openPage(browser, day.broker, options);
    page = opened.page;
  }

  const dialog = () => page.locator("dialog[open]");
  /** What the last action came to. */
  const outcome = () => page.locator(".outcome p").first();
  const status = () => day.broker.call("status", {});
  const press = (name: string) => page.getByRole("button", { name, exact: true }).click();

  it("opens by a link that is good once, and leaves no secret in the address", async () => {
    const { url } = await day.broker.call("ui-open", { findings: [] });
    await open();
    await page.goto(url);
    await page.waitForSelector("main h2");
    expect(new URL(page.url()).hash).toBe("");
    expect(await page.evaluate<number>("localStorage.length + document.cookie.length")).toBe(0);

    await page.reload();
    await page.waitForSelector(".lead h2");
    expect(await page.textContent(".lead h2")).toBe("Your programs get dev");

    const other = await browser.newPage();
    await other.goto(url);
    await other.waitForSelector("h1");
    expect(await other.textContent("h1")).toBe("This page is not open");
    expect(await other.textContent("body")).toContain("brokerctl ui");
    await other.close();
  });

  it.each(WIDTHS)("has no view that is wider than %i pixels", async (width) => {
    await open({ width });
    for (const view of VIEWS) {
      await opened.view(view);
      expect([view, await overflowOf(page)]).toEqual([view, 0]);
    }
  });

  // All of them: npm run page -- shots.
  it.each([
    [320, "light"],
    [1440, "dark"],
  ] as const)("has no view that axe complains of, at %i pixels in %s", async (width, scheme) => {
    const id = await day.request({ role: "prod", reason: `to look, ${scheme}`, readOnly: true });
    await open({ width, scheme });
    for (const view of VIEWS) {
      await opened.view(view);
      expect([view, await axeViolations(page)]).toEqual([view, []]);
    }
    await opened.view("now");
    await press("Table");
    await page.getByRole("button", { name: /^Approve prod/ }).click();
    await dialog().waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /^Deny prod/ }).click();
    await press("Deny");
    await expect.poll(() => outcome().textContent()).toContain(`request ${id}`);
  });

  it("shows states with their words, what fixes them, and who holds what until when", async () => {
    await open();
    const troubles = page.locator(".troubles li");
    expect(await troubles.filter({ hasText: "break-glass" }).textContent()).toContain("MFA required");
    expect(await troubles.filter({ hasText: "spare-keys" }).textContent()).toContain("brokerctl keys add spare-keys");
    expect(await troubles.filter({ hasText: "billing" }).textContent()).toContain("denied");
    expect(await page.locator(".for-readers table").textContent()).toContain("break-glass");
    await opened.view("leases");
    const agent = page.locator(".row").filter({ hasText: "agent" }).first();
    expect(await agent.textContent()).toMatch(
      /staging, read-only.*claude.*pid \d+.*code\/orders.*holds staging until/s,
    );
    await opened.view("health");
    const health = page.locator("main");
    await expect.poll(() => health.textContent()).toContain("AWS_PROFILE is set in this shell");
    expect(await health.textContent()).toContain("login-notice break-glass");
  });

  it("moves the default lease by the keyboard alone, and gives the focus back", async () => {
    await open();
    await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("Use another role");
    await page.keyboard.press("Enter");
    await dialog().waitFor();
    await page.keyboard.press("Escape");
    await expect.poll(() => focused(page)).toBe("Use another role");
    await page.keyboard.press("Enter");
    await dialog().waitFor();
    await page.getByLabel("Role", { exact: true }).focus();
    await page.keyboard.type("data-r");
    await page.getByLabel("Lease", { exact: true }).focus();
    await page.keyboard.press("Tab");
    await page.keyboard.type("20m");
    await page.keyboard.press("Enter");
    await expect.poll(() => outcome().textContent()).toContain("default lease: dev (100000000001) → data-readonly");
    expect((await status()).defaultRole).toBe("data-readonly");
    await expect.poll(() => page.textContent(".lead h2")).toBe("Your programs get data-readonly");
    await day.broker.call("use", { lease: { by: "default" }, role: "dev" });
    // Told by the stream, without a reload.
    await expect.poll(() => page.textContent(".lead h2")).toBe("Your programs get dev");
  });

  it("opens a dialog anew where it is asked for before the end of the last one is told", async () => {
    await open();
    await press("Use another role");
    await dialog().waitFor();
    await page.getByLabel("For (optional)").fill("20m");
    // The browser tells of the end in a task of its own, after both.
    await page.evaluate<unknown>(`new Promise((resolve) => {
      const closed = document.querySelector("dialog[open]");
      closed.addEventListener("close", () => setTimeout(resolve));
      closed.close();
      document.querySelector(".lead button.primary").click();
    })`);
    await dialog().waitFor();
    expect(await page.getByLabel("For (optional)").inputValue()).toBe("");
    await page.keyboard.press("Escape");
    await dialog().waitFor({ state: "hidden" });
  });

  it("makes a narrowed lease, moves it, narrows it further and revokes it, each on record", async () => {
    await open();
    await opened.view("leases");
    await press("Make a lease");
    await page.getByLabel("Name", { exact: true }).fill("notebook");
    await page.getByLabel("Role", { exact: true }).selectOption("staging");
    await page.getByLabel("Read-only").check();
    await page.getByLabel("Life of each set of keys").fill("nonsense");
    await press("Make it");
    await expect.poll(() => dialog().locator(".problem").textContent()).toContain("must be a duration like");
    await page.getByLabel("Life of each set of keys").fill("15m");
    await press("Make it");
    await expect.poll(() => page.locator(".outcome").textContent()).toContain("brokerctl env --lease notebook");
    const made = await day.broker.call("lease-show", { lease: { by: "name", name: "notebook" } });
    expect(made.scope).toMatchObject({ readOnly: true, sessionSeconds: 900 });

    await press("Move notebook");
    await page.getByLabel("Role", { exact: true }).selectOption("dev");
    await press("Use dev");
    await expect.poll(() => outcome().textContent()).toContain("notebook: staging");

    await press("Narrow notebook");
    expect(await dialog().textContent()).toContain("It has read-only; keys of 15m now");
    await page.getByLabel("Life of each set of keys").fill("30m");
    await press("Narrow");
    await expect.poll(() => dialog().locator(".problem").textContent()).toContain("--session-for would widen it");
    await page.getByLabel("Life of each set of keys").fill("");
    await page.getByLabel("Services").fill("s3");
    await press("Narrow");
    await expect.poll(() => outcome().textContent()).toContain("lease notebook has read-only s3; keys of 15m");
    const narrowed = await day.broker.call("lease-show", { lease: { by: "name", name: "notebook" } });
    expect(narrowed.scope).toMatchObject({ services: ["s3:read"], sessionSeconds: 900 });

    await press("Revoke notebook");
    expect(await dialog().textContent()).toContain("cannot be had back");
    await press("Revoke");
    await expect.poll(() => outcome().textContent()).toContain("lease notebook has ended");
    await opened.view("audit");
    await page.getByLabel("Role, lease, program, directory").fill("notebook");
    // One that was refused, and one that was done.
    const words = { "lease made": 1, "lease set to": 1, "lease narrowed": 2, "lease revoked": 1 };
    for (const [word, count] of Object.entries(words)) {
      await expect
        .poll(() => page.locator(".row").filter({ hasText: "notebook" }).filter({ hasText: word }).count())
        .toBe(count);
    }
  });

  it("approves a request with its scope and reason shown, has a banner while it is live, and takes it back", async () => {
    await day.request({ role: "prod", reason: "to read the dead letters", readOnly: true });
    await open();
    expect(await page.locator(".card h3").textContent()).toBe("agent asks for prod, read-only, for 30m");
    expect(await page.locator(".card blockquote").textContent()).toBe("to read the dead letters");
    await page.getByRole("button", { name: /^Approve prod/ }).click();
    expect(await dialog().textContent()).toContain("read-only");
    await page.getByLabel("For", { exact: true }).fill("10m");
    await press("Approve");
    await expect.poll(() => page.locator(".banner").textContent()).toMatch(/prod is live for lease agent, 10 min left/);
    await press("Take back");
    await press("Take it back");
    await expect.poll(() => page.locator(".banner").count()).toBe(0);
    await opened.view("requests");
    expect(await page.locator(".row").first().textContent()).toContain("denied");
  });

  it("asks the reason of a guarded role, and sends to a terminal where its guard asks there", async () => {
    await open();
    await press("Use another role");
    await page.getByLabel("Role", { exact: true }).selectOption("root-ops");
    expect(await dialog().locator("code").textContent()).toContain(
      "brokerctl use root-ops --default --for 30m --reason TEXT",
    );
    expect(await page.getByRole("button", { name: "Use root-ops", exact: true }).isDisabled()).toBe(true);
    await page.getByLabel("Role", { exact: true }).selectOption("prod");
    await page.getByLabel("For", { exact: true }).fill("10m");
    await page.getByLabel("Reason", { exact: true }).fill("to deploy by hand");
    await press("Use prod");
    await expect.poll(() => page.locator(".banner").textContent()).toContain("prod is live for every program of yours");
    await press("Move off prod: default lease");
    await dialog().getByRole("button", { name: /^Use / }).click();
    await expect.poll(() => page.locator(".banner").count()).toBe(0);
    expect((await status()).defaultRole).toBe("dev");
  });

  it("locks and unlocks", async () => {
    await open();
    await press("Lock");
    await dialog().getByRole("button", { name: "Lock", exact: true }).click();
    await page.getByRole("button", { name: "Unlock", exact: true }).click();
    await expect.poll(async () => (await status()).daemon.state).toBe("ready");
    await expect.poll(() => page.locator(".head-tools .state").textContent()).toBe("ready");
  });

  it("logs in by a code that is shown, and by one of an MFA device that may be wrong", async () => {
    await day.broker.call("logout", { source: "corp" });
    await open();
    await page.getByRole("button", { name: "Log in: corp" }).first().click();
    await press("With a code, on any device");
    const code = (await page.locator(".user-code").textContent()) ?? "";
    expect(day.center.pendingUserCodes()).toEqual([code]);
    const address = await dialog().getByRole("link").getAttribute("href");
    await decideInBrowser(address ?? "", "approve");
    await day.broker.clock.advance(5000);
    await expect.poll(() => outcome().textContent()).toContain("logged in to corp");
    expect(await day.sourceState()).toBe("ready");

    await page.getByRole("button", { name: "Log in: break-glass" }).first().click();
    await page.getByLabel("MFA code").fill("123456");
    await press("Log in");
    await expect.poll(() => dialog().locator(".problem").textContent()).toContain("MFA");
  });

  it("refreshes a role, and tells who has it", async () => {
    await open();
    await opened.view("roles");
    await press("Refresh data-readonly");
    await expect.poll(() => outcome().textContent()).toContain("renewed data-readonly: until");
    await press("Who has dev");
    await expect.poll(() => dialog().textContent()).toMatch(/ide.*idea.*holds it until/s);
  });

  it("shows markup in the names and words of others as text", async () => {
    const markup = `<img src=x onerror="document.title='run'"><b>bold</b>`;
    await day.request({ role: "prod", reason: markup });
    await open({ findings: [{ level: "error", title: markup, fix: markup }] });
    expect(await page.locator(".card blockquote").textContent()).toBe(markup);
    await opened.view("health");
    await expect.poll(() => page.locator(".finding").last().textContent()).toContain(markup);
    await opened.view("audit");
    await expect.poll(() => page.locator("main").textContent()).toContain("<b>bold</b>");
    expect([await page.locator("main img").count(), await page.title()]).toEqual([0, "credbroker"]);
  });

  it("shows a page of a long list at a time, all of which is searched", async () => {
    for (let index = 0; index < 40; index++)
      await day.broker.call("lease-create", { name: `job-${index}`, role: null });
    await open();
    await opened.view("leases");
    await page.locator(".pager").waitFor();
    expect([await page.locator(".row").count(), await page.locator(".pager").textContent()]).toEqual([
      25,
      expect.stringContaining("1–25 of 44"),
    ]);
    await press("Next");
    expect(await page.locator(".row").count()).toBe(19);
    await page.getByLabel("Name, role, program or directory").fill("job-39");
    await expect.poll(() => page.locator(".row h3").allTextContents()).toEqual(["job-39"]);
  });

  it("tells of a request by a notification, and asks for leave only when the button is pressed", async () => {
    await open({ before: NOTIFICATION_STAND_IN });
    expect(await page.evaluate<number>("Notification.asked")).toBe(0);
    await press("Notify me");
    await expect.poll(() => page.getByRole("button", { name: "Notify me" }).getAttribute("aria-pressed")).toBe("true");
    expect(await page.evaluate<number>("Notification.asked")).toBe(1);
    await day.request({ role: "prod", reason: "to restart the queue" });
    await expect
      .poll(() => page.evaluate<string[]>("Notification.shown"))
      .toContain("agent asks for prod: For 30m: to restart the queue");
  });
});

/** A browser whose person says yes; what it would show is kept. */
const NOTIFICATION_STAND_IN = `window.Notification = class {
  static permission = "default";
  static asked = 0;
  static shown = [];
  static async requestPermission() {
    this.asked++;
    return (this.permission = "granted");
  }
  constructor(title, { body }) {
    Notification.shown.push(title + ": " + body);
  }
};`;

const WAIT_MS = 10 * 60_000;

/** Until it may ask again: one that was denied waits for ten minutes. */
async function denyPending({ broker }: PageDay): Promise<void> {
  const list = async () => (await broker.call("request-list", {})).requests;
  for (const { id, state } of await list()) if (state === "pending") await broker.call("request-deny", { id });
  const since = broker.clock.now() - WAIT_MS;
  const waits = (await list()).some(({ state, decidedAt }) => state === "denied" && (decidedAt ?? 0) > since);
  if (waits) await broker.clock.advance(WAIT_MS + 1000);
}

function focused(page: Page): Promise<string> {
  return page.evaluate<string>("document.activeElement?.textContent ?? ''");
}
