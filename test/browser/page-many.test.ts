import { createServer, request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser, Frame, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { SystemDialogs } from "../../src/system/desktop-dialog.js";
import { FakeDialogs } from "../fakes/fake-dialogs.js";
import { auditLines } from "../support/audit-lines.js";
import { get, InProcessBroker, roleArn } from "../support/in-process-broker.js";
import {
  axeViolations,
  hasChromium,
  launchChromium,
  type OpenedPage,
  openPage,
  overflowOf,
  VIEWS,
} from "../support/page-browser.js";
import { makeLeases, manyRolesYaml } from "../support/page-load.js";

const GUARDED = `  desk: { source: ops-keys, role_arn: "${roleArn("prod")}", guard: { confirm: desktop, reason: true, max_lease: 15m } }\n`;

// Skipped where it is missing, which counts as failed in CI (scripts/run-tests).
describe.skipIf(!hasChromium())("the page of 200 roles and 500 leases", () => {
  let browser: Browser;
  let broker: InProcessBroker;
  let opened: OpenedPage;
  let page: Page;

  beforeAll(async () => {
    [browser, broker] = await Promise.all([
      launchChromium(),
      InProcessBroker.ready({ config: manyRolesYaml() + GUARDED }),
    ]);
    const urls = await makeLeases(broker);
    for (const url of urls.slice(0, 30)) await get(url);
  });

  afterAll(async () => {
    await browser.close();
    await broker.close();
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    await opened.close();
  });

  async function open(options: Parameters<typeof openPage>[2] = {}): Promise<void> {
    opened = await openPage(browser, broker, options);
    page = opened.page;
  }

  const outcomes = () => page.locator(".outcome p");
  const press = (name: string) => page.getByRole("button", { name, exact: true }).click();

  it.each([320, 1440])("has no view that is too wide, or that axe complains of, at %i pixels", async (width) => {
    await open({ width });
    for (const view of VIEWS) {
      await opened.view(view);
      expect([view, await overflowOf(page), await axeViolations(page)]).toEqual([view, 0, []]);
    }
    await opened.view("now");
    await press("Use another role");
    expect(await page.getByLabel("Lease", { exact: true }).locator("option").count()).toBeGreaterThan(500);
    expect([await overflowOf(page), await axeViolations(page)]).toEqual([0, []]);
  });

  it("shows what there is, though the tab is not seen: no frame is drawn in it, and its timers are late", async () => {
    await open({ before: NOT_SEEN });
    expect(await page.textContent(".lead h2")).toBe("Your programs get no role yet");
  });

  it("shows the first view for a place that there is none of, and says what it said before once", async () => {
    await open();
    await opened.view("roles");
    await page.evaluate<unknown>(`location.hash = "#/constructor"`);
    await expect.poll(() => page.textContent("h1")).toBe("credbroker: Now");
    await opened.view("roles");
    for (let time = 0; time < 2; time++) {
      await press("Refresh team-0");
      await expect.poll(() => outcomes().count()).toBe(1);
    }
  });

  it("shows lines of the record as they come in the elements of those before", async () => {
    await open();
    await opened.view("audit");
    const first = page.locator(".row").first();
    await first.waitFor();
    await page.evaluate<unknown>(`document.querySelector(".row").isMarked = true`);
    await broker.call("lease-create", { name: "fresh", role: "team-1" });
    await expect.poll(() => first.textContent()).toContain("lease fresh");
    expect(await page.evaluate<boolean>(`document.querySelector(".row").isMarked === true`)).toBe(true);
  });

  it("has a guarded role asked for on the desktop while it waits, and none of it once the dialog is closed", async () => {
    const dialogs = new FakeDialogs();
    vi.spyOn(SystemDialogs.prototype, "ask").mockImplementation((dialog) => dialogs.ask(dialog));
    let answerNow = (): void => undefined;
    dialogs.thinking = new Promise<void>((resolve) => (answerNow = resolve));
    dialogs.answer = { answer: "yes" };
    await open();
    const use = async () => {
      await press("Use another role");
      await page.getByLabel("Role", { exact: true }).selectOption("desk");
      await page.getByLabel("For", { exact: true }).fill("10m");
      await page.getByLabel("Reason", { exact: true }).fill("to look at the queue");
      await press("Use desk");
    };

    await use();
    await expect.poll(() => page.locator("dialog [role=status]").textContent()).toContain("Waiting for your yes");
    await expect.poll(() => dialogs.shown.length).toBe(1);
    expect(dialogs.shown[0]?.lines.join("\n")).toMatch(
      /desk.*on a page of brokerctl ui.*10 min.*to look at the queue/s,
    );
    await press("Cancel");
    await opened.view("leases");
    await press("Make a lease");
    answerNow();
    await expect.poll(() => decided()).toBe(true);
    // What was opened meanwhile stays open.
    expect(await page.locator("dialog[open] h2").textContent()).toBe("Make a lease");
    await page.keyboard.press("Escape");

    await broker.call("use", { lease: { by: "default" }, role: "team-0" });
    await opened.view("now");
    await use();
    await expect.poll(() => page.locator(".banner").textContent()).toMatch(/desk is live for every program of yours, /);
    expect(dialogs.shown).toHaveLength(2);
    await broker.call("use", { lease: { by: "default" }, role: "team-0" });
    await expect.poll(() => page.locator(".banner").count()).toBe(0);
  });

  /** Refused, as the page has gone (control/page-operations), unless the yes was quicker than the end of its connection. */
  function decided(): boolean {
    const stateDir = join(broker.home, "state");
    const lines = [...auditLines(stateDir), ...auditLines(stateDir, "refusals")];
    return lines.some(({ role, via }) => role === "desk" && via === "page");
  }

  it("works in four tabs of a browser at once, and a fifth is told why it does not", async () => {
    await open();
    const tabs: Page[] = [];
    for (let index = 0; index < 4; index++) {
      const tab = await opened.context.newPage();
      await tab.goto((await broker.call("ui-open", { findings: [] })).url);
      tabs.push(tab);
      if (index < 3) await tab.waitForSelector("main h2");
    }
    await expect
      .poll(() => tabs[3]?.locator(".link-problem").textContent())
      .toMatch(/too many pages are open: 4 at most.*close tabs with it/s);
    await press("Refresh all");
    await expect.poll(() => outcomes().count()).toBe(1);
    await tabs[0]?.close();
    await expect.poll(() => tabs[3]?.locator(".link-problem").count()).toBe(0);
  });

  describe("in a frame of a foreign page", () => {
    const servers: Server[] = [];
    afterEach(() => {
      for (const server of servers.splice(0)) server.close();
    });

    async function listen(server: Server): Promise<number> {
      servers.push(server);
      await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
      return (server.address() as AddressInfo).port;
    }

    /** The frame in a page at another port, once it was loaded or refused. */
    async function framed(address: string, host: string): Promise<Frame> {
      const html = `<!doctype html><title>foreign</title><iframe src="${address}"></iframe>`;
      const port = await listen(
        createServer((_request, response) => response.setHeader("Content-Type", "text/html").end(html)),
      );
      const foreign = await opened.context.newPage();
      await foreign.goto(`http://${host}:${port}/`);
      return foreign.frames()[1]!;
    }

    /** The page for a browser that says nothing of who asks, as Safari: without the headers that are `left out`. */
    function silent(port: number, leftOut: readonly string[]): Promise<number> {
      return listen(
        createServer(({ url = "/" }, response) => {
          httpRequest({ host: "127.0.0.1", port, path: url, agent: false }, (answer) => {
            const headers = Object.entries(answer.headers).filter(([name]) => !leftOut.includes(name));
            response.writeHead(answer.statusCode ?? 500, Object.fromEntries(headers));
            answer.pipe(response);
          }).end();
        }),
      );
    }

    it("shows nothing: brokerd refuses it, and where it is not told who asks its headers do", async () => {
      await open();
      const port = Number(new URL(page.url()).port);
      const isShown = async (ofPort: number, host: string): Promise<boolean> => {
        const address = `http://127.0.0.1:${ofPort}/`;
        return (await framed(address, host)).url() === address;
      };
      for (const host of ["127.0.0.1", "localhost"]) expect(await isShown(port, host)).toBe(false);
      for (const one of [[], ["x-frame-options"], ["content-security-policy"]]) {
        expect([one, await isShown(await silent(port, one), "localhost")]).toEqual([one, false]);
      }
      const bare = await silent(port, ["x-frame-options", "content-security-policy"]);
      const frame = await framed(`http://127.0.0.1:${bare}/`, "localhost");
      expect(frame.url()).toBe(`http://127.0.0.1:${bare}/`);
      await expect.poll(() => frame.textContent("body")).toContain("This page is not open");
    });
  });
});

/** A tab in the background, but for its requests. */
const NOT_SEEN = `{
  const { setTimeout } = window;
  window.requestAnimationFrame = () => 0;
  window.setTimeout = (run, ms = 0, ...rest) => (ms > 0 && ms < 400 ? 0 : setTimeout(run, ms, ...rest));
}`;
