import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Credentials } from "../../src/core/credentials.js";
import { BrokerError } from "../../src/core/errors.js";
import { Secret } from "../../src/core/secret.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { FakeClock } from "../support/fake-clock.js";
import { type AwsFixture, annSigns, assuming, REGION, ROLE, startAwsFixture } from "./aws-fixture.js";

const policyFor = (...actions: readonly string[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: actions, Resource: "*" }] });
const READ_IAM = policyFor("iam:Get*", "iam:List*", "sts:GetScopedCredentials");

let clock: FakeClock;
let fixture: AwsFixture;
let session: Credentials;

beforeEach(async () => {
  clock = new FakeClock();
  fixture = await startAwsFixture({ clock, ourClock: clock });
  session = (await fixture.sts.assumeRole(annSigns, assuming(ROLE), REGION)).credentials;
});
afterEach(() => fixture.fake.close());

const scope = (before: Credentials, parameters: object): Promise<Credentials> =>
  fixture.sts.getScopedCredentials(before, parameters, REGION);

describe("GetScopedCredentials", () => {
  it("sends what is asked for and nothing else, to the region, as the session before", async () => {
    await scope(session, { policy: READ_IAM, durationSeconds: 60, description: "credbroker: lease agent" });

    expect(fixture.fake.lastOf("GetScopedCredentials")).toMatchObject({
      region: REGION,
      signer: { accessKeyId: session.accessKeyId },
    });
    expect(fixture.fake.lastOf("GetScopedCredentials").params).toEqual({
      Action: "GetScopedCredentials",
      Version: "2011-06-15",
      Policy: READ_IAM,
      DurationSeconds: "60",
      ScopedSessionDescription: "credbroker: lease agent",
    });
  });

  it("gives the same session with less, for a shorter time", async () => {
    const narrowed = await scope(session, { policy: READ_IAM, durationSeconds: 60 });

    expect(narrowed.expiration).toBe(clock.now() + 60_000);
    const identity = await fixture.sts.getCallerIdentity(session, REGION);
    expect(await fixture.sts.getCallerIdentity(narrowed, REGION)).toEqual(identity);
    expect(await codeOf(fixture.sts.assumeRole(narrowed, assuming(ROLE), REGION))).toBe("AssumeRoleDenied");
  });

  it("without a time ends with the session before, and never after it", async () => {
    expect((await scope(session, { policy: READ_IAM })).expiration).toBe(session.expiration);
    await clock.advance(3_000_000);

    expect((await scope(session, { durationSeconds: 900 })).expiration).toBeLessThanOrEqual(session.expiration);
    expect((await scope(session, { policy: READ_IAM, durationSeconds: 900 })).expiration).toBe(session.expiration);
    expect(fixture.fake.lastOf("GetScopedCredentials").params["DurationSeconds"]).toBeUndefined();
  });

  it("narrows what is narrowed already, three times and no more", async () => {
    let held = session;
    for (let layer = 0; layer < 3; layer++) held = await scope(held, { policy: READ_IAM });

    const refused = await brokerErrorOf(() => scope(held, { policy: READ_IAM }));
    expect([refused.code, refused.message]).toEqual(["AssumeRoleDenied", expect.stringContaining("the session has 3")]);
    expect((await scope(held, { durationSeconds: 60 })).expiration).toBe(clock.now() + 60_000);
  });

  it.each<readonly [string, object, RegExp]>([
    ["a policy that is none", { policy: "{" }, /the policy is not valid/],
    ["a policy of more than 2,048 characters", { policy: policyFor("s3:*".padEnd(2100, "x")) }, /policy/],
  ])("is refused for %s, and not tried again", async (_, parameters, why) => {
    const refused = await brokerErrorOf(() => scope(session, parameters));

    expect(refused.message).toMatch(why);
    expect(refused.signer).toBeUndefined();
    expect(refused.message).not.toContain(session.sessionToken.reveal());
  });

  it("is refused for the keys of a user, by AWS and for good", async () => {
    const user = { ...annSigns, sessionToken: new Secret("none"), expiration: clock.now() + 3_600_000 };

    expect(await codeOf(scope(user, { policy: READ_IAM }))).not.toBe("ok");
  });

  it("of a session that AWS does not take any more is its signer's refusal", async () => {
    fixture.fake.deactivate(session.accessKeyId);

    expect(await brokerErrorOf(() => scope(session, { policy: READ_IAM }))).toMatchObject({ signer: "expired" });
  });

  it("of a session that AWS ends sooner than we know asks for that one anew", async () => {
    const code = "InsufficientSessionLifetimeException";
    fixture.fake.faults.set("GetScopedCredentials", { kind: "refuse", code, message: "it ends before", status: 400 });

    expect(await brokerErrorOf(() => scope(session, { durationSeconds: 60 }))).toMatchObject({ signer: "expired" });
  });

  it("of MFA credentials of a user narrows those", async () => {
    const user = await fixture.sts.getSessionToken(annSigns, { durationSeconds: 900 }, REGION);

    expect((await scope(user, { policy: READ_IAM, durationSeconds: 60 })).expiration).toBe(clock.now() + 60_000);
  });
});

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "ok",
    (error: unknown) => (error instanceof BrokerError ? error.code : String(error)),
  );
}
