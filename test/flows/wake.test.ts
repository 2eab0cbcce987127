import { afterEach, describe, expect, it } from "vitest";
import { settle } from "../support/fake-clock.js";
import { ACCOUNT, get, InProcessBroker, roleArn, USER_KEY } from "../support/in-process-broker.js";
import { startSsoBroker } from "../support/sso-broker.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ROLES = Array.from({ length: 30 }, (_, index) => `role-${index}`);
const SOURCES = ["one", "two", "three"];

const YAML = `
defaults: { region: eu-west-1 }
sources:
${SOURCES.map((source) => `  ${source}: { type: keys }`).join("\n")}
roles:
${ROLES.map((role, index) => `  ${role}: { source: ${SOURCES[index % 3] ?? ""}, role_arn: "${roleArn(role)}" }`).join("\n")}
`;

let broker: InProcessBroker;
afterEach(() => broker.close());

/** Every role fetched by a client once. */
async function inUse(): Promise<readonly string[]> {
  const trusts = [`arn:aws:iam::${ACCOUNT}:user/me`];
  const roles = ROLES.map((role) => ({ arn: roleArn(role), trusts }));
  broker = await InProcessBroker.create({ config: YAML, aws: { roles } });
  await broker.start();
  await broker.call("store-create", {});
  for (const source of SOURCES) await broker.call("keys-add", { source, ...USER_KEY, replace: false });
  const urls = [];
  for (const role of ROLES) urls.push(await broker.urlOf(role));
  expect(await answers(urls)).toEqual(new Set(["200"]));
  broker.aws.calls.length = 0;
  return urls;
}

const answerOf = async (url: string): Promise<string> => {
  const { status, body } = await get(url);
  return status === 200 ? "200" : `${status} ${body["Code"] ?? ""}`;
};
const answers = async (urls: readonly string[]): Promise<Set<string>> => new Set(await Promise.all(urls.map(answerOf)));

function assumed(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { action, params } of broker.aws.calls) {
    const role = params["RoleArn"]?.split("/")[1] ?? action;
    counts.set(role, (counts.get(role) ?? 0) + 1);
  }
  return counts;
}

const onceEach = new Map(ROLES.map((role) => [role, 1]));

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await settle();
}

describe.each([
  ["12 hours", 12 * HOUR],
  ["40 days", 40 * DAY],
])("after %s asleep", (_, asleep) => {
  it("30 roles are renewed once each before clients ask, and no client sees an error", async () => {
    const urls = await inUse();
    broker.clock.jump(asleep);
    await broker.clock.advance(5000);
    await until(() => broker.aws.calls.length === ROLES.length);
    await settle();
    expect(await answers(urls)).toEqual(new Set(["200"]));
    await broker.clock.advance(MINUTE);
    expect(assumed()).toEqual(onceEach);
  });

  it("clients that ask before anything else happened are answered, with one call for each role", async () => {
    const urls = await inUse();
    broker.clock.jump(asleep);
    const crowd = await answers([...urls, ...urls, ...urls, ...urls]);
    expect(crowd).toEqual(new Set(["200"]));
    await broker.clock.advance(MINUTE);
    expect(assumed()).toEqual(onceEach);
  });
});

describe("a wake", () => {
  it("renews ten roles at a time, and a client that asks for another does not wait for them", async () => {
    const urls = await inUse();
    const hold = broker.aws.faults.hold("AssumeRole");
    broker.clock.jump(12 * HOUR);
    await broker.clock.advance(5000);
    await hold.arrived(10);
    await settle();
    expect(hold.waiting).toBe(10);
    const underWay = new Set(assumed().keys());
    const other = ROLES.findIndex((role) => !underWay.has(role));
    const asked = answerOf(urls[other]!);
    await hold.arrived(11);
    hold.release();
    expect(await asked).toBe("200");
    await until(() => broker.aws.calls.length === ROLES.length);
    expect(assumed()).toEqual(onceEach);
  });

  it("starts with the roles that were used last", async () => {
    const urls = await inUse();
    await broker.clock.advance(1000);
    await get(urls[29]!);
    const hold = broker.aws.faults.hold("AssumeRole");
    broker.clock.jump(12 * HOUR);
    await broker.clock.advance(5000);
    await hold.arrived(10);
    expect(assumed().has("role-29")).toBe(true);
    hold.release();
  });

  it("without a network yet tells clients to ask again, and has the credentials as soon as it is there", async () => {
    const urls = await inUse();
    await broker.aws.down();
    broker.clock.jump(12 * HOUR);
    expect(await passing(answers(urls))).toEqual(new Set(["503 CredentialsPending"]));
    await pump(4000);
    await broker.aws.up();
    const again = await passing(answers(urls));
    expect([...again].filter((answer) => answer.startsWith("400"))).toEqual([]);
    await pump(2500);
    expect(await answers(urls)).toEqual(new Set(["200"]));
  });

  it("without a network for half a minute says so", async () => {
    const urls = await inUse();
    await broker.aws.down();
    broker.clock.jump(12 * HOUR);
    expect(await passing(answerOf(urls[0]!))).toBe("503 CredentialsPending");
    await pump(32_000, 64);
    expect(await answerOf(urls[0]!)).toBe("400 AwsUnreachable");
  });

  it("without a network serves what still lives", async () => {
    const urls = await inUse();
    await broker.aws.down();
    broker.clock.jump(40 * MINUTE);
    expect(await answers(urls)).toEqual(new Set(["200"]));
    await pump(10_000);
    expect(await answers(urls)).toEqual(new Set(["200"]));
  });

  it("forgets the pauses that grew before the sleep", async () => {
    const urls = await inUse();
    await broker.aws.down();
    await pump(36 * MINUTE, 100);
    await broker.aws.up();
    broker.aws.calls.length = 0;
    broker.clock.jump(12 * HOUR);
    await broker.clock.advance(5000);
    await until(() => broker.aws.calls.length === ROLES.length);
    expect(await answers(urls)).toEqual(new Set(["200"]));
  });

  it("keeps idle time: what was in use before the sleep is, what was nearly let go soon is", async () => {
    const urls = await inUse();
    for (let hour = 0; hour < 7; hour++) {
      await broker.clock.advance(HOUR);
      await get(urls[0]!);
    }
    broker.clock.jump(12 * HOUR);
    const wokeAt = broker.clock.now();
    await pump(3 * HOUR);
    const late = broker.aws.calls.filter(({ time }) => time > wokeAt + 90 * MINUTE);
    expect(new Set(late.map(({ params }) => params["RoleArn"]))).toEqual(new Set([roleArn("role-0")]));
    expect(
      new Set(broker.aws.calls.filter(({ time }) => time > wokeAt).map(({ params }) => params["RoleArn"])).size,
    ).toBe(30);
  });

  it("cuts a call that hung when the machine went to sleep, instead of waiting for its limit", async () => {
    const urls = await inUse();
    const hold = broker.aws.faults.hold("AssumeRole");
    await broker.clock.advance(36 * MINUTE);
    await hold.arrived(10);
    // These ten stay without an answer; what comes from now on gets one.
    broker.aws.faults.hold("AssumeRole").release();
    broker.clock.jump(12 * HOUR);
    const answered = await passing(answers(urls));
    expect([...answered].filter((answer) => answer.startsWith("400"))).toEqual([]);
    await pump(1000);
    expect(await answers(urls)).toEqual(new Set(["200"]));
  });
});

describe("a clock that is set back by an hour", () => {
  it("renews what is held under the wrong time, once, and goes on serving", async () => {
    const urls = await inUse();
    broker.clock.jump(-HOUR);
    expect(await answers(urls)).toEqual(new Set(["200"]));
    await broker.clock.advance(5000);
    await until(() => broker.aws.calls.length === ROLES.length);
    expect(await answers(urls)).toEqual(new Set(["200"]));
    await broker.clock.advance(5 * MINUTE);
    expect(assumed()).toEqual(onceEach);
  });
});

describe("leases over a sleep", () => {
  it("have ended when their end passed meanwhile, at the first request", async () => {
    await inUse();
    const { leaseUrl } = await broker.call("lease-create", { name: "short", role: "role-1", forSeconds: 3600 });
    const lasting = await broker.call("lease-create", { name: "long", role: "role-1", forSeconds: 86_400 });
    expect(await answerOf(leaseUrl)).toBe("200");
    broker.clock.jump(12 * HOUR);
    expect(await answerOf(leaseUrl)).toBe("403 LeaseEnded");
    expect(await answerOf(lasting.leaseUrl)).toBe("200");
  });

  it("have fallen back from `use --for`, at the first request", async () => {
    await inUse();
    const lease = { by: "default" } as const;
    const { leaseUrl } = await broker.call("lease-access", { lease });
    await broker.call("use", { lease, role: "role-1" });
    await broker.call("use", { lease, role: "role-2", forSeconds: 1800 });
    expect((await get(leaseUrl)).body["RoleArn"]).toBe(roleArn("role-2"));
    broker.clock.jump(12 * HOUR);
    expect((await get(leaseUrl)).body["RoleArn"]).toBe(roleArn("role-1"));
  });
});

describe("a login over a sleep", () => {
  const SERIAL = "arn:aws:iam::111111111111:mfa/me";

  it("of MFA that has ended is asked for once, without a call to AWS", async () => {
    const roles = ["dev", "prod"].map((name) => ({ arn: roleArn(name), trusts: [`arn:aws:iam::${ACCOUNT}:user/me`] }));
    const config = `
defaults: { region: eu-west-1 }
sources:
  one: { type: keys, mfa_serial: "${SERIAL}" }
roles:
  dev: { source: one, role_arn: "${roleArn("dev")}" }
  prod: { source: one, role_arn: "${roleArn("prod")}" }
`;
    const users = [{ ...USER_KEY, account: ACCOUNT, userName: "me", mfaSerial: SERIAL }];
    broker = await InProcessBroker.create({ config, aws: { users, roles } });
    await broker.start();
    await broker.call("store-create", {});
    await broker.call("keys-add", { source: "one", ...USER_KEY, replace: false });
    broker.aws.allowMfaCodes("123456", "654321");
    await broker.call("login-mfa", { source: "one", code: "123456" });
    const urls = [await broker.urlOf("dev"), await broker.urlOf("prod")];
    expect(await answers(urls)).toEqual(new Set(["200"]));
    broker.aws.calls.length = 0;

    broker.clock.jump(40 * DAY);
    await pump(MINUTE);
    expect(broker.aws.calls).toEqual([]);
    expect(await answers(urls)).toEqual(new Set(["400 MfaRequired"]));
    await broker.call("login-mfa", { source: "one", code: "654321" });
    await until(() => broker.aws.countOf("AssumeRole") === 2);
    expect(await answers(urls)).toEqual(new Set(["200"]));
  });

  it("of Identity Center that can be renewed is renewed once, however many roles wait for it", async () => {
    const fixture = await startSsoBroker();
    try {
      broker = fixture.broker;
      await fixture.logIn();
      const urls = [await broker.urlOf("dev"), await broker.urlOf("power")];
      expect(await answers(urls)).toEqual(new Set(["200"]));
      const before = fixture.center.countOf("CreateToken");
      broker.clock.jump(2 * HOUR);
      expect(await answers([...urls, ...urls, ...urls])).toEqual(new Set(["200"]));
      await pump(30_000);
      expect(fixture.center.countOf("CreateToken") - before).toBe(1);
      expect(await fixture.sourceState()).toBe("ready");
    } finally {
      await fixture.close();
    }
  });

  it("of Identity Center that has ended is one refused renewal and one state, and no login is started", async () => {
    const fixture = await startSsoBroker();
    try {
      broker = fixture.broker;
      await fixture.logIn();
      const urls = [await broker.urlOf("dev"), await broker.urlOf("power")];
      expect(await answers(urls)).toEqual(new Set(["200"]));
      const calls = fixture.center.calls.length;
      broker.log.length = 0;
      broker.clock.jump(40 * DAY);
      expect(await answers([...urls, ...urls, ...urls])).toEqual(new Set(["400 LoginRequired"]));
      await pump(MINUTE);
      const made = fixture.center.calls.slice(calls).map(({ action }) => action);
      expect(made.filter((action) => action !== "CreateToken")).toEqual([]);
      expect(made.length).toBeLessThanOrEqual(1);
      expect(broker.log.filter(({ message }) => /login required|session ended/.test(message))).toHaveLength(1);
      expect(await fixture.sourceState()).toBe("login_required");
    } finally {
      await fixture.close();
    }
  });
});

/** Lets time pass until it is decided. */
async function passing<T>(promise: Promise<T>): Promise<T> {
  const watched = { isDecided: false };
  const decided = (): void => void (watched.isDecided = true);
  promise.then(decided, decided);
  while (!watched.isDecided) await pump(50, 1);
  return promise;
}

/** Time passes in steps, each with turns of the event loop for real sockets. */
async function pump(ms: number, steps = 20): Promise<void> {
  for (let step = 0; step < steps; step++) {
    await broker.clock.advance(ms / steps);
    for (let turn = 0; turn < 10; turn++) await settle();
  }
}
