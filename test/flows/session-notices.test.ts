import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createControlClient } from "../../src/control-api/client.js";
import type { LaunchRequest } from "../../src/control-api/launch-contract.js";
import { auditLines } from "../support/audit-lines.js";
import { get } from "../support/in-process-broker.js";
import { type SsoBroker, startSsoBroker } from "../support/sso-broker.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let fixture: SsoBroker;
let url: string;
const connections: { close(): void }[] = [];

beforeEach(async () => {
  fixture = await startSsoBroker();
  fixture.center.settings.sessionSeconds = 2 * 3600;
  await fixture.logIn();
  url = await fixture.broker.urlOf("dev");
});

afterEach(async () => {
  for (const connection of connections.splice(0)) connection.close();
  await fixture.close();
});

const titles = (): readonly string[] => (fixture.broker.notices?.shown ?? []).map(({ title }) => title);

/** Time passes; every minute a program asks for its credentials. Answers what it got beside them. */
async function work(ms: number): Promise<ReadonlySet<string>> {
  const { broker } = fixture;
  const refusals = new Set<string>();
  for (const end = broker.clock.now() + ms; broker.clock.now() < end; ) {
    await broker.pass(MINUTE);
    const { status, body } = await get(url);
    if (status !== 200) refusals.add(body["Code"] ?? "");
  }
  return refusals;
}

/** The terminal of an `exec`: its lines. */
async function terminal(request: Partial<LaunchRequest> = {}): Promise<readonly string[]> {
  const socketPath = join(fixture.broker.home, "run", "control.sock");
  const client = createControlClient({ socketPath, version: "0.0.0-test" });
  const launched = await client.launch({ kind: "exec", role: "dev", pid: process.pid, ...request });
  if (!launched || !("connection" in launched)) throw new Error("not launched");
  const lines: string[] = [];
  launched.connection.onNotice = (text) => lines.push(text);
  connections.push(launched.connection);
  return lines;
}

describe("the end of a login to Identity Center", () => {
  it("is told on the desktop and in the terminals of its commands, once, before a program misses it", async () => {
    const [mine, second] = [await terminal(), await terminal({ role: "power" })];

    expect(await work(100 * MINUTE)).toEqual(new Set());
    expect(titles()).toEqual([]);
    expect(await work(10 * MINUTE)).toEqual(new Set());

    const [title = ""] = titles();
    expect(titles()).toHaveLength(1);
    expect(title).toMatch(/^credbroker: the login of corp ends at \d\d:\d\d, in 1[45] min$/);
    expect(fixture.broker.notices?.shown[0]?.text).toBe("brokerctl login corp --force");
    const sentence = `${title.slice("credbroker: ".length)}: brokerctl login corp --force`;
    await expect.poll(() => [...mine, ...second]).toEqual([sentence, sentence]);
    await fixture.broker.stop();
    const onRecord = auditLines(join(fixture.broker.home, "state")).filter(({ event }) => event === "notice");
    expect(onRecord).toMatchObject([{ outcome: "done", source: "corp", detail: sentence }]);
  });

  it("is told again only of the login that follows, while programs go on", async () => {
    for (let login = 1; login <= 2; login++) {
      expect(await work(119 * MINUTE)).toEqual(new Set());
      expect(titles()).toHaveLength(login);
      await fixture.logIn();
    }
  });

  it("that only a refused renewal shows is told while programs still have credentials", async () => {
    expect(await work(HOUR)).toEqual(new Set());
    fixture.center.revokeRefreshTokens();
    expect(await work(HOUR)).toEqual(new Set());

    expect(titles()).toHaveLength(1);
    expect(titles()[0]).toMatch(/^credbroker: the login of corp has ended; what it gave is served until \d\d:\d\d$/);
  });

  it("is not told to who logged out", async () => {
    expect(await work(5 * MINUTE)).toEqual(new Set());
    await fixture.broker.call("logout", { source: "corp" });
    expect(await work(HOUR)).toEqual(new Set(["LoginRequired"]));
    expect(titles()).toEqual([]);
  });

  it("reaches neither desktop nor terminal with notices: off, by an edit that is taken up", async () => {
    const lines = await terminal();
    const file = join(fixture.broker.home, "config.yaml");
    writeFileSync(file, `${readFileSync(file, "utf8")}notices: off\n`);
    await fixture.broker.reload();

    await work(2.1 * HOUR);

    expect([titles(), lines]).toEqual([[], []]);
    const said = fixture.broker.log.filter(({ message }) => message.startsWith("the login of corp ends at"));
    expect(said).toHaveLength(1);
  });
});
