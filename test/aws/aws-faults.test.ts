import { createServer, type Server } from "node:net";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAws } from "../../src/aws/aws.js";
import { awsEnvironment } from "../../src/aws/aws-environment.js";
import { type BrokerError, isRecoverable } from "../../src/core/errors.js";
import { SystemClock } from "../../src/system/clock.js";
import type { Fault, Lie } from "../fakes/fake-aws/faults.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY } from "../support/canaries.js";
import { FakeClock } from "../support/fake-clock.js";
import { memoryLogger } from "../support/memory-logger.js";
import { type AwsFixture, annSigns, assuming, REGION, ROLE, startAwsFixture } from "./aws-fixture.js";

let fixture: AwsFixture;
beforeEach(async () => {
  fixture = await startAwsFixture();
});
afterEach(() => fixture.fake.close());

const assume = (): Promise<BrokerError> =>
  brokerErrorOf(() => fixture.sts.assumeRole(annSigns, assuming(ROLE), REGION));

describe("an upstream in trouble", () => {
  test.each<[string, Fault]>([
    ["unavailable without AWS's format", { kind: "unavailable" }],
    ["failing", { kind: "failing" }],
    ["throttling", { kind: "throttle" }],
    ["ending connections without an answer", { kind: "drop" }],
    ["ending connections in the middle of one", { kind: "reset" }],
    ["hidden behind a login page", { kind: "portal" }],
  ])("%s is recoverable, asked once, and names the endpoint", async (_name, fault) => {
    fixture.fake.faults.set("AssumeRole", fault);

    const error = await assume();

    expect(error).toMatchObject({ code: "AwsUnreachable", signer: undefined });
    expect(isRecoverable(error)).toBe(true);
    expect(error.message).toContain(new URL(fixture.fake.url).host);
    expect(error.hint).toBeTruthy();
    expect(fixture.fake.countOf("AssumeRole")).toBe(1);
  });

  test("says how long it wants to be left alone", async () => {
    fixture.fake.faults.set("AssumeRole", { kind: "throttle", retryAfterSeconds: 7 });

    expect(await assume()).toMatchObject({ retryAfterMs: 7000 });
  });

  test("may say so with a date, and a date that has passed means now", async () => {
    fixture.fake.faults.set("AssumeRole", { kind: "throttle", retryAt: new Date(Date.now() + 3_600_000) });
    const { retryAfterMs } = await assume();
    expect(retryAfterMs).toBeGreaterThan(3_000_000);
    expect(retryAfterMs).toBeLessThanOrEqual(3_600_000);

    fixture.fake.faults.set("AssumeRole", { kind: "throttle", retryAt: new Date(0) });

    expect(await assume()).toMatchObject({ retryAfterMs: 0 });
  });

  test("down: refused at once, and well again with the next call after it is up", async () => {
    await fixture.fake.down();

    const error = await assume();

    expect(error).toMatchObject({ code: "AwsUnreachable" });
    expect(error.message).toContain("connection refused");
    await fixture.fake.up();
    await expect(fixture.sts.assumeRole(annSigns, assuming(ROLE), REGION)).resolves.toBeDefined();
  });

  test("restarted: a connection kept from before does no harm", async () => {
    await fixture.sts.assumeRole(annSigns, assuming(ROLE), REGION);
    await fixture.fake.down();
    await fixture.fake.up();

    await expect(fixture.sts.assumeRole(annSigns, assuming(ROLE), REGION)).resolves.toBeDefined();
  });

  test("a name that does not resolve names the region as suspect", async () => {
    const environment = awsEnvironment({ AWS_ENDPOINT_URL: "https://sts.no-such-host.invalid" });
    const { sts } = createAws({ environment, logger: memoryLogger(), clock: new SystemClock() });

    const error = await brokerErrorOf(() => sts.getCallerIdentity(annSigns, REGION));

    expect(error).toMatchObject({ code: "AwsUnreachable" });
    expect(error.message).toContain("sts.no-such-host.invalid");
    expect(error.hint).toContain(REGION);
  });

  test("silent for 10 s by our clock: given up, and the connection closed", async () => {
    const clock = new FakeClock();
    await fixture.fake.close();
    fixture = await startAwsFixture({ ourClock: clock });
    const hold = fixture.fake.faults.hold("AssumeRole");
    const failed = assume();
    await hold.arrived();

    await clock.advance(9999);
    const early = await Promise.race([failed, Promise.resolve("still waiting")]);
    await clock.advance(1);

    expect(early).toBe("still waiting");
    expect(await failed).toMatchObject({ code: "AwsUnreachable" });
    expect((await failed).message).toContain("10 s");
    expect(clock.pending).toBe(0);
  });

  test("a call that succeeds leaves no timer behind", async () => {
    const clock = new FakeClock(Date.now());
    await fixture.fake.close();
    fixture = await startAwsFixture({ ourClock: clock, clock });

    await fixture.sts.assumeRole(annSigns, assuming(ROLE), REGION);

    expect(clock.pending).toBe(0);
  });
});

describe("half-open connections", () => {
  let blackhole: Server;
  const sockets = new Set<{ destroyed: boolean }>();
  beforeEach(async () => {
    sockets.clear();
    blackhole = createServer((socket) => void sockets.add(socket.on("error", () => undefined).resume()));
    await new Promise<void>((resolve) => blackhole.listen(0, "127.0.0.1", resolve));
  });
  afterEach(() => blackhole.close());

  test("a TLS handshake that never answers ends with the deadline", async () => {
    const address = blackhole.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const clock = new FakeClock();
    const environment = awsEnvironment({ AWS_ENDPOINT_URL: `https://127.0.0.1:${port}` });
    const { sts } = createAws({ environment, logger: memoryLogger(), clock });
    const failed = brokerErrorOf(() => sts.getCallerIdentity(annSigns, REGION));
    await until(() => sockets.size === 1);

    await clock.advance(10_000);

    expect(await failed).toMatchObject({ code: "AwsUnreachable" });
    await until(() => [...sockets].every(({ destroyed }) => destroyed));
  });
});

describe("a lying upstream", () => {
  test.each<Lie>([
    "no-expiration",
    "garbled-expiration",
    "expired",
    "no-secret",
    "empty-token",
    "other-account",
    "other-role",
    "no-arn",
    "html",
    "json",
    "empty",
    "truncated",
  ])("with an answer that is %s is not believed", async (lie) => {
    fixture.fake.faults.set("AssumeRole", { kind: "lie", lie });

    const error = await assume();

    expect(error).toMatchObject({ code: "AwsUnreachable", signer: undefined });
    expect(everythingIn(error)).not.toContain(CANARY);
  });

  test("with an expiration far in the future is believed only for what was asked", async () => {
    fixture.fake.faults.set("AssumeRole", { kind: "lie", lie: "far-future" });

    const { credentials } = await fixture.sts.assumeRole(annSigns, assuming(ROLE, { durationSeconds: 900 }), REGION);

    expect(credentials.expiration).toBeLessThanOrEqual(Date.now() + 900_000);
  });

  test("with no account or a page in place of an identity is not believed", async () => {
    for (const lie of ["html", "no-arn", "empty"] as const) {
      fixture.fake.faults.set("GetCallerIdentity", { kind: "lie", lie });
      const error = await brokerErrorOf(() => fixture.sts.getCallerIdentity(annSigns, REGION));
      expect(error, lie).toMatchObject({ code: "AwsUnreachable" });
    }
  });
});

describe("secrets in errors", () => {
  test("a refusal that quotes the request back gives nothing away", async () => {
    const { credentials } = await fixture.sts.assumeRole(annSigns, assuming(ROLE), REGION);
    fixture.fake.faults.set("AssumeRole", { kind: "echo" });

    const error = await brokerErrorOf(() => fixture.sts.assumeRole(credentials, assuming(ROLE), REGION));

    expect(error).toMatchObject({ code: "AssumeRoleDenied" });
    const said = everythingIn(error);
    expect(said).not.toContain(CANARY);
    expect(said).not.toMatch(/Signature=[0-9a-f]{64}/);
    expect(said).not.toContain(credentials.sessionToken.reveal().slice(0, 30));
  });

  test("nor does any other failure, with its cause and all its properties", async () => {
    const { credentials } = await fixture.sts.assumeRole(annSigns, assuming(ROLE), REGION);
    const faults: Fault[] = [
      { kind: "deny" },
      { kind: "throttle" },
      { kind: "reset" },
      { kind: "unavailable" },
      { kind: "lie", lie: "truncated" },
      { kind: "lie", lie: "garbled-expiration" },
      {
        kind: "refuse",
        code: "SignatureDoesNotMatch",
        message: `The Canonical String for this request should have been 'POST ${CANARY}'`,
      },
    ];
    for (const fault of faults) {
      fixture.fake.faults.set("AssumeRole", fault);
      const error = await brokerErrorOf(() => fixture.sts.assumeRole(credentials, assuming(ROLE), REGION));
      expect(everythingIn(error), fault.kind).not.toContain(CANARY);
    }
    expect(JSON.stringify(fixture.logger.lines)).not.toContain(CANARY);
  });

  test("AWS's text comes as one line of at most 300 characters", async () => {
    fixture.fake.faults.set("AssumeRole", {
      kind: "refuse",
      code: "AccessDenied",
      message: `no\n${"many words ".repeat(100)}`,
      status: 403,
    });

    const { message } = await assume();

    expect(message).not.toContain("\n");
    expect(message.length).toBeLessThan(300 + ROLE.length + 50);
  });
});

describe("a clock that is wrong", () => {
  test.each([
    ["an hour behind AWS's", 3_600_000],
    ["an hour ahead of AWS's", -3_600_000],
    ["a year behind AWS's", 365 * 86_400_000],
  ])("%s: signed with the right time at the second try, expiring by our clock", async (_name, difference) => {
    await fixture.fake.close();
    fixture = await startAwsFixture({ clock: { now: () => Date.now() + difference } });

    const before = Date.now();
    const { credentials } = await fixture.sts.assumeRole(annSigns, assuming(ROLE), REGION);

    expect(credentials.expiration).toBeGreaterThan(before + 3_590_000);
    expect(credentials.expiration).toBeLessThanOrEqual(Date.now() + 3_600_000);
    expect(fixture.fake.unauthenticated).toEqual(["SignatureDoesNotMatch"]);
    expect(fixture.logger.lines).toEqual([expect.objectContaining({ level: "warn" })]);
    await fixture.sts.getCallerIdentity(annSigns, REGION);
    expect(fixture.fake.unauthenticated).toHaveLength(1);
    expect(fixture.logger.lines).toHaveLength(1);
  });

  test("of a few seconds changes nothing", async () => {
    await fixture.fake.close();
    fixture = await startAwsFixture({ clock: { now: () => Date.now() + 30_000 } });

    await fixture.sts.assumeRole(annSigns, assuming(ROLE), REGION);

    expect(fixture.fake.unauthenticated).toEqual([]);
    expect(fixture.logger.lines).toEqual([]);
  });
});

/** All that a careless logger could print of an error. */
function everythingIn(error: unknown): string {
  const seen: string[] = [];
  for (let next: unknown = error; next instanceof Error; next = next.cause) {
    seen.push(inspect(next, { showHidden: true, depth: 10 }), JSON.stringify(next), String(next), next.stack ?? "");
  }
  return seen.join("\n");
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
