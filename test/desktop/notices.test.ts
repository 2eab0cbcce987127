import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { SystemClock } from "../../src/system/clock.js";
import { SystemNotices } from "../../src/system/desktop-notices.js";
import { SystemPrograms } from "../../src/system/run-program.js";
import { ACCOUNT, get, InProcessBroker, roleArn, USER_KEY } from "../support/in-process-broker.js";
import { tempDir } from "../support/temp-dir.js";
import { DesktopSession } from "./desktop-session.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const sessions: DesktopSession[] = [];
const brokers: InProcessBroker[] = [];
afterEach(async () => {
  for (const broker of brokers.splice(0)) await broker.close();
  for (const session of sessions.splice(0)) await session.stop();
});

async function desktop({ server = true } = {}): Promise<DesktopSession> {
  const session = await DesktopSession.start();
  sessions.push(session);
  if (server) await session.startServer();
  return session;
}

const noticesIn = (environment: Readonly<Record<string, string>>): SystemNotices =>
  new SystemNotices({ platform: "linux", programs: new SystemPrograms({ environment, clock: new SystemClock() }) });

describe("a notice", () => {
  it("reaches the notification server of the session, under our name and with no button", async () => {
    const session = await desktop();
    const notice = { title: "credbroker: the login of corp ends at 14:05, in 15 min", text: "brokerctl login corp" };

    expect(await noticesIn(session.environment).show(notice)).toBeUndefined();
    expect(session.received).toEqual([
      { app: "credbroker", icon: "dialog-password", title: notice.title, body: notice.text, actions: [] },
    ]);
  });

  it.each([
    ["markup", "<b>corp</b> & <img src='x'/>", "&lt;b&gt;corp&lt;/b&gt; &amp; &lt;img src='x'/&gt;"],
    ["escapes of notify-send", "a\\nb\\t\\x41", "a＼nb＼t＼x41"],
    ["what looks like a flag", "--urgency=critical", "--urgency=critical"],
  ])("shows %s as plain text", async (_what, text, body) => {
    const session = await desktop();

    expect(await noticesIn(session.environment).show({ title: "--help", text })).toBeUndefined();
    expect(session.received).toMatchObject([{ title: "--help", body }]);
  });

  it("says why it is not shown where nothing shows notices, or there is no session, or no program", async () => {
    const bare = await desktop({ server: false });
    const notice = { title: "credbroker", text: "brokerctl login corp" };
    const empty = tempDir("no-programs");
    mkdirSync(join(empty, "bin"));

    expect(await noticesIn(bare.environment).show(notice)).toMatch(/Notifications/);
    expect(await noticesIn({ PATH: "/usr/bin", XDG_RUNTIME_DIR: empty }).show(notice)).toMatch(
      /^ended with exit code 1/,
    );
    expect(await noticesIn({ PATH: join(empty, "bin") }).show(notice)).toContain("no program notify-send");
  });
});

const MFA_SERIAL = `arn:aws:iam::${ACCOUNT}:mfa/me`;

/** A brokerd in this session, one of whose programs has just used a role of a new MFA session of 12 hours. */
async function brokerdIn(session: DesktopSession): Promise<InProcessBroker> {
  const config = `
sources: { ops-keys: { type: keys, mfa_serial: "${MFA_SERIAL}" } }
roles: { dev: { source: ops-keys, role_arn: "${roleArn("dev")}" } }
`;
  const users = [{ ...USER_KEY, account: ACCOUNT, userName: "me", mfaSerial: MFA_SERIAL }];
  const broker = await InProcessBroker.create({ config, aws: { users } });
  brokers.push(broker);
  broker.notices = undefined;
  broker.environment = session.environment;
  await broker.start();
  await broker.call("store-create", {});
  await broker.call("keys-add", { source: "ops-keys", ...USER_KEY, replace: false });
  broker.aws.allowMfaCodes("123456");
  await broker.call("login-mfa", { source: "ops-keys", code: "123456" });
  expect((await get(await broker.urlOf("dev"))).status).toBe(200);
  return broker;
}

describe("brokerd", () => {
  it("shows the end of an MFA session that programs use on the desktop of its session: ahead of it, and once", async () => {
    const session = await desktop();
    const { clock, log } = await brokerdIn(session);

    await clock.advance(MINUTE);
    clock.jump(11 * HOUR + 43 * MINUTE);
    await clock.advance(5000);
    await expect.poll(() => session.received.length).toBe(1);
    await clock.advance(10 * MINUTE);

    expect(session.received).toHaveLength(1);
    expect(session.received[0]?.title).toMatch(/^credbroker: the MFA session of ops-keys ends at .*, in 15 min$/);
    expect(session.received[0]?.body).toBe("brokerctl login ops-keys --force");
    expect(log.filter(({ message }) => message === "no notice on the desktop")).toEqual([]);
  });

  it("says in its log, and nowhere else, that nothing shows notices", async () => {
    const { clock, log } = await brokerdIn(await desktop({ server: false }));

    await clock.advance(MINUTE);
    clock.jump(11 * HOUR + 43 * MINUTE);
    await clock.advance(5000);

    await expect.poll(() => log.filter(({ message }) => message === "no notice on the desktop").length).toBe(1);
    expect(log.filter(({ message }) => message.includes("ends at"))).toHaveLength(1);
  });
});
