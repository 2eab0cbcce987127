import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { decideInBrowser } from "../fakes/fake-identity-center/decide-in-browser.js";
import {
  type FakeIdentityCenter,
  startFakeIdentityCenter,
} from "../fakes/fake-identity-center/fake-identity-center.js";
import { organization } from "../fakes/fake-identity-center/organization.js";
import { TestBroker } from "../support/broker.js";

const BROWSER = `${process.execPath} ${resolve("test/flows/programs/approving-browser.mjs")}`;
const CONFIG = `
defaults: { region: eu-west-1 }
sources:
  corp: { type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1 }
roles:
  dev: { source: corp, sso_account_id: "100000000001", sso_role_name: AdministratorAccess }
`;

let aws: FakeAws;
let center: FakeIdentityCenter;
let broker: TestBroker;
let log: string;

beforeEach(async () => {
  aws = await startFakeAws({ users: [] });
  center = await startFakeIdentityCenter({ aws, users: { ann: organization(60, 5) } });
  const env = { AWS_ENDPOINT_URL: aws.url, AWS_ENDPOINT_URL_SSO: center.url, AWS_ENDPOINT_URL_SSO_OIDC: center.url };
  broker = await TestBroker.create({ name: "sso", config: CONFIG, env });
  log = join(broker.home, "browser.log");
  await broker.start();
  await broker.call("store-create", {});
});

afterEach(async () => {
  await broker.stop();
  await center.close();
  await aws.close();
});

/** brokerctl with a browser whose user says yes. */
function ctl(...args: string[]): ReturnType<TestBroker["ctl"]> {
  return broker.ctl(args, { env: { BROWSER, APPROVING_BROWSER_LOG: log } });
}

function startLogin(...args: string[]): ChildProcess {
  return spawn(process.execPath, [resolve("dist/brokerctl.js"), "login", "corp", ...args], {
    env: broker.env,
    stdio: ["ignore", "ignore", "ignore"],
  });
}

async function sourceState(): Promise<string | undefined> {
  return (await broker.call("status", {})).sources[0]?.state;
}

async function until(look: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await look())) await new Promise((wait) => setTimeout(wait, 20));
}

describe("brokerctl login", () => {
  it("opens the browser, comes back logged in, and programs get the role", async () => {
    const { code, stderr } = await ctl("login");
    expect([code, stderr]).toEqual([0, expect.stringContaining("logged in to corp until")]);
    await until(() => readFileSync(log, "utf8").includes("go back to your terminal"));
    expect(readFileSync(log, "utf8").match(/^opened /gm)).toHaveLength(1);
    const { stdout, stderr: why } = await ctl("exec", "dev", "--as", "static", "--", "printenv", "AWS_ACCESS_KEY_ID");
    expect([why, stdout]).toEqual(["", expect.stringMatching(/^ASIA/)]);
    const inPlace = await ctl("exec", "corp:100000000059/Billing", "--", "printenv", "AWS_REGION");
    expect([inPlace.code, inPlace.stdout]).toEqual([0, "eu-west-1\n"]);
    const adHoc = await ctl("whoami", "corp:100000000060/Developer", "--json");
    expect(JSON.parse(adHoc.stdout)).toMatchObject({ account: "100000000060" });
    expect((await ctl("logout")).stderr).toContain("logged out of corp");
    expect((await ctl("whoami", "dev")).code).toBe(4);
  });

  it("started 10 times at once is one login and one browser", async () => {
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => ctl("login", "corp")));
    expect(outcomes.map(({ code }) => code)).toEqual(Array.from({ length: 10 }, () => 0));
    expect(readFileSync(log, "utf8").match(/^opened /gm)).toHaveLength(1);
    expect(center.countOf("CreateToken")).toBe(1);
  });

  it("is over in the daemon too after Ctrl-C", async () => {
    const login = startLogin();
    await center.finished("StartDeviceAuthorization");
    await center.finished("CreateToken", 2);
    login.kill("SIGINT");
    const [, signal] = (await once(login, "exit")) as [number | null, string | null];
    expect(signal).toBe("SIGINT");
    await until(() => broker.log().includes("was cancelled"));
    const polls = center.countOf("CreateToken");
    center.approve(center.pendingUserCodes()[0]!);
    await new Promise((wait) => setTimeout(wait, 2500));
    // One may have been on its way; a login that lives asks every second.
    expect(center.countOf("CreateToken")).toBeLessThanOrEqual(polls + 1);
    expect(await sourceState()).toBe("login_required");
  });
});

describe("brokerctl sso roles", () => {
  it("goes through 60 accounts of 5 roles below the portal's limit, and writes them", async () => {
    await ctl("login");
    center.settings.callsPerSecond = 20;
    center.settings.pageSize = 25;
    const listed = await ctl("sso", "roles", "corp", "--json");
    expect(JSON.parse(listed.stdout)).toHaveLength(300);
    const added = await ctl("sso", "roles", "corp", "--add", "--match", "*/ReadOnly*", "--prune", "--yes");
    expect([added.code, added.stderr]).toEqual([0, expect.stringContaining("60 roles added, 0 removed")]);
    const warmed = await ctl("use", "Team-60-Production/ReadOnlyAccess");
    expect(warmed.code).toBe(0);
  });

  it("comes to its end though the portal refuses every other call", async () => {
    await ctl("login");
    center.settings.callsPerSecond = 9;
    const listed = await ctl("sso", "roles", "corp", "--json");
    expect(center.calls.some(({ status }) => status === 429)).toBe(true);
    expect(JSON.parse(listed.stdout)).toHaveLength(300);
  });
});

describe("kill -9", () => {
  it("while a login's token is on its way loses that login at most", async () => {
    for (const delay of [0, 5, 20]) {
      const { loginId, url } = await broker.call("login-start", { source: "corp", flow: "browser" });
      broker.call("login-wait", { loginId }).catch(() => undefined);
      const { location } = await decideInBrowser(url, "approve");
      const grants = center.countOf("CreateToken");
      fetch(location!).catch(() => undefined);
      await center.finished("CreateToken", grants + 1);
      await new Promise((wait) => setTimeout(wait, delay));
      await broker.stop("SIGKILL");
      await broker.start();
      expect(["ready", "login_required"]).toContain(await sourceState());
      if ((await sourceState()) === "ready") await broker.call("warm", { role: "dev" });
      await broker.call("logout", { source: "corp" });
    }
    expect((await ctl("login")).code).toBe(0);
    expect(existsSync(join(broker.home, "state", "secrets.sealed"))).toBe(true);
  });

  it("in the middle of renewals leaves a session that works, or one that says that it is over", async () => {
    Object.assign(center.settings, SHORT_LIVED);
    await ctl("login");
    for (let round = 0; round < 3; round++) {
      await renewedOrOver(center.countOf("CreateToken") + 1);
      await broker.stop("SIGKILL");
      // Whether the new refresh token was stored is a matter of microseconds. Where it was not, the next start has the old
      // one and an access token that may live still: not its first answer decides, but its first renewal.
      const renewals = center.countOf("CreateToken");
      await broker.start();
      expect([0, 4]).toContain((await ctl("refresh", "dev")).code);
      await renewedOrOver(renewals + 1);
      const { code } = await ctl("refresh", "dev");
      expect([0, 4]).toContain(code);
      if (code === 4) expect((await ctl("login")).code).toBe(0);
    }
  });

  it("between a renewal and its answer costs the session at most: status says so, and a login brings it back", async () => {
    Object.assign(center.settings, SHORT_LIVED);
    await ctl("login");
    center.faults.set("CreateToken", { kind: "unanswered" });
    await renewedOrOver(center.countOf("CreateToken") + 1);
    await broker.stop("SIGKILL");
    center.faults.clear("CreateToken");
    await broker.start();
    await until(async () => {
      await askForCredentials();
      return (await sourceState()) === "login_required";
    });
    expect((await ctl("refresh", "dev")).code).toBe(4);
    expect((await ctl("login")).code).toBe(0);
    expect((await ctl("refresh", "dev")).code).toBe(0);
  });
});

/** Renewals fall due within seconds, role credentials are asked for again and again. */
const SHORT_LIVED = { accessTokenSeconds: 3, roleSessionSeconds: 3 };

/** Asks for credentials until so many tokens were asked for since the start, or the session is over. */
async function renewedOrOver(renewals: number): Promise<void> {
  let isDone = false;
  const asking = setInterval(() => void askForCredentials(), 50);
  const over = until(async () => isDone || (await sourceState()) === "login_required");
  await Promise.race([center.finished("CreateToken", renewals), over]);
  isDone = true;
  clearInterval(asking);
}

async function askForCredentials(): Promise<void> {
  await broker.call("refresh", { role: "dev" }).catch(() => undefined);
}
