import { afterEach, describe, expect, it } from "vitest";
import type { Lie } from "../fakes/fake-aws/faults.js";
import { settle } from "../support/fake-clock.js";
import { get, type HttpAnswer, InProcessBroker } from "../support/in-process-broker.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Where the renewal of one-hour credentials is wise, with no jitter. */
const ADVISORY = HOUR - 24 * MINUTE;

let broker: InProcessBroker;
afterEach(() => broker.close());

async function ready(): Promise<string> {
  broker = await InProcessBroker.ready();
  return broker.urlOf("dev");
}

const keyIdOf = ({ status, body }: HttpAnswer): string =>
  status === 200 ? body["AccessKeyId"]! : `${status} ${body["Code"] ?? ""}`;
const keyId = async (url: string): Promise<string> => keyIdOf(await get(url));

/** Real sockets need real turns of the event loop: moves the clock in steps and lets the wire catch up. */
async function advance(ms: number, steps = 20): Promise<void> {
  for (let step = 0; step < steps; step++) {
    await broker.clock.advance(ms / steps);
    await wire();
  }
}

async function wire(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await settle();
}

async function until<T>(look: () => Promise<T> | T, want: (seen: T) => boolean): Promise<T> {
  for (;;) {
    const seen = await look();
    if (want(seen)) return seen;
    await settle();
  }
}

describe("200 parallel first requests", () => {
  it("for one role make exactly one AssumeRole", async () => {
    const url = await ready();
    const answers = await Promise.all(Array.from({ length: 200 }, () => keyId(url)));
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toMatch(/^ASIA/);
    expect(broker.aws.countOf("AssumeRole")).toBe(1);
  });
});

describe("a renewal whose STS call is held open", () => {
  it("keeps no client waiting: 200 GETs finish with the old key before it is released, then the new one is served", async () => {
    const url = await ready();
    const old = await keyId(url);
    const hold = broker.aws.faults.hold("AssumeRole");
    await broker.clock.advance(ADVISORY);
    await hold.arrived();
    const answers = await Promise.all(Array.from({ length: 200 }, () => keyId(url)));
    expect(new Set(answers)).toEqual(new Set([old]));
    expect(hold.waiting).toBe(1);
    broker.aws.faults.clear();
    await until(
      () => keyId(url),
      (seen) => seen !== old,
    );
    expect(broker.aws.countOf("AssumeRole")).toBe(2);
  });
});

describe("STS down", () => {
  it("keeps valid credentials served to their advertised end, then says so, and recovers by itself", async () => {
    const url = await ready();
    const old = await keyId(url);
    await broker.aws.down();
    await broker.clock.advance(ADVISORY);
    await advance(23 * MINUTE - 5000, 40);
    expect(await keyId(url)).toBe(old);
    await advance(10_000, 4);
    expect(await keyId(url)).toBe("400 AwsUnreachable");
    await broker.aws.up();
    await advance(2 * MINUTE, 40);
    expect(await keyId(url)).toMatch(/^ASIA/);
  });
});

describe("STS slow", () => {
  it("answers CredentialsPending within 900 ms at the first fetch, and the credentials when they are there", async () => {
    const url = await ready();
    const hold = broker.aws.faults.hold("AssumeRole");
    const asked = get(url);
    await hold.arrived();
    await advance(900, 3);
    const pending = await asked;
    expect([pending.status, pending.body["Code"]]).toEqual([503, "CredentialsPending"]);
    broker.aws.faults.clear();
    await until(
      () => keyId(url),
      (seen) => seen.startsWith("ASIA"),
    );
    expect(broker.aws.countOf("AssumeRole")).toBe(1);
  });
});

describe("STS throttling", () => {
  it("is left alone between growing pauses, and what is valid is served", async () => {
    const url = await ready();
    const old = await keyId(url);
    broker.aws.faults.set("AssumeRole", { kind: "throttle", retryAfterSeconds: 20 });
    await broker.clock.advance(ADVISORY);
    const before = broker.aws.countOf("AssumeRole");
    await advance(10 * MINUTE, 60);
    expect(await keyId(url)).toBe(old);
    expect(broker.aws.countOf("AssumeRole") - before).toBeLessThan(60);
    broker.aws.faults.clear();
    await advance(2 * MINUTE, 20);
    expect(await keyId(url)).not.toBe(old);
  });
});

describe("STS denying", () => {
  it("takes the credentials away and names the role, at once and for a minute without asking again", async () => {
    const url = await ready();
    await keyId(url);
    broker.aws.faults.set("AssumeRole", { kind: "deny" });
    await broker.clock.advance(ADVISORY);
    await until(
      () => keyId(url),
      (seen) => seen === "400 AssumeRoleDenied",
    );
    const calls = broker.aws.countOf("AssumeRole");
    for (let ask = 0; ask < 20; ask++) expect(await keyId(url)).toBe("400 AssumeRoleDenied");
    expect(broker.aws.countOf("AssumeRole")).toBe(calls);
    const { body, reason } = await get(url);
    expect(body["Message"]).toContain("role/dev");
    expect(reason).toMatch(/^[\x20-\x7e]+$/);
  });
});

describe("STS lying", () => {
  const lies: Lie[] = [
    "no-expiration",
    "garbled-expiration",
    "expired",
    "no-secret",
    "empty-token",
    "html",
    "json",
    "empty",
    "truncated",
  ];

  it.each(lies)("with %s is never passed on, and what is valid is kept", async (lie) => {
    const url = await ready();
    const old = await keyId(url);
    broker.aws.faults.set("AssumeRole", { kind: "lie", lie });
    await broker.clock.advance(ADVISORY);
    await wire();
    expect(await keyId(url)).toBe(old);
    const other = await broker.urlOf("prod");
    expect(await keyId(other)).toBe("400 AwsUnreachable");
  });
});

describe("a role chain", () => {
  it("renews through its hop, and a hop revoked by AWS is fetched anew", async () => {
    await ready();
    const url = await broker.urlOf("chained");
    expect(await keyId(url)).toMatch(/^ASIA/);
    expect(broker.aws.countOf("AssumeRole")).toBe(2);
    const hopKey = broker.aws.lastOf("AssumeRole").signer.accessKeyId;
    broker.aws.deactivate(hopKey);
    await broker.call("refresh", { role: "chained" });
    expect(broker.aws.lastOf("AssumeRole").signer.accessKeyId).not.toBe(hopKey);
  });
});

describe("a 12 hour suspend", () => {
  it("renews once what was in use, before clients ask", async () => {
    const url = await ready();
    const old = await keyId(url);
    broker.clock.jump(12 * HOUR);
    await broker.clock.advance(15_000);
    await until(
      () => broker.aws.countOf("AssumeRole"),
      (count) => count === 2,
    );
    await wire();
    expect(await keyId(url)).not.toBe(old);
    expect(broker.aws.countOf("AssumeRole")).toBe(2);
  });
});
