import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { WebIdentitySource } from "../../../src/core/role.js";
import { WebIdentitySourceProvider } from "../../../src/credentials/sources/web-identity-source.js";
import { readSmallFile } from "../../../src/files/read-small-file.js";
import { SystemClock } from "../../../src/system/clock.js";
import { type AwsFixture, REGION, startAwsFixture } from "../../aws/aws-fixture.js";
import { brokerErrorOf } from "../../support/broker-error-of.js";
import { CANARY } from "../../support/canaries.js";
import { assume, roleOn } from "../../support/roles.js";
import { tempDir } from "../../support/temp-dir.js";

const SUBJECT = "system:serviceaccount:dev:me";
const ROLE = roleOn(oidc("/none"), "web");
const HOUR = 3_600_000;

let fixture: AwsFixture;
let tokenFile: string;

beforeEach(async () => {
  fixture = await startAwsFixture();
  fixture.fake.setRole({ arn: assume("web").roleArn, webIdentity: SUBJECT, maxSessionDuration: 43_200 });
  tokenFile = join(tempDir("web-identity", "input"), "token");
});
afterEach(() => fixture.fake.close());

function oidc(file: string): WebIdentitySource {
  return { type: "web_identity", name: "oidc", tokenFile: file, stsRegion: REGION };
}
const provider = (): WebIdentitySourceProvider =>
  new WebIdentitySourceProvider({ readFile: readSmallFile, sts: fixture.sts, clock: new SystemClock() });
const issue = (life = HOUR, subject = SUBJECT): string =>
  fixture.fake.issueWebToken({ subject, expiresAt: Math.floor((Date.now() + life) / 1000) * 1000 });
const retrieve = (role = ROLE) => provider().retrieve(oidc(tokenFile), role);

describe("a web identity", () => {
  it("assumes the role with the token of the file, unsigned, for up to twelve hours", async () => {
    writeFileSync(tokenFile, `${issue()}\n`);
    const policy = '{"Version":"2012-10-17","Statement":[]}';
    const role = roleOn(oidc(tokenFile), "web", {
      assume: assume("web", {
        durationSeconds: 43_200,
        policy,
        policyArns: ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
      }),
    });
    const held = await retrieve(role);

    expect(held).toMatchObject({ roleArn: assume("web").roleArn, credentials: { accountId: "222222222222" } });
    expect(held.credentials.expiration).toBeGreaterThan(Date.now() + 11 * HOUR);
    expect(await fixture.sts.getCallerIdentity(held.credentials, REGION)).toMatchObject({ account: "222222222222" });
    const { WebIdentityToken: token = "", ...sent } = fixture.fake.lastOf("AssumeRoleWithWebIdentity").params;
    expect(token.endsWith("\n")).toBe(false);
    expect(sent).toEqual({
      Action: "AssumeRoleWithWebIdentity",
      Version: "2011-06-15",
      RoleArn: assume("web").roleArn,
      RoleSessionName: "credbroker",
      DurationSeconds: "43200",
      Policy: policy,
      "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
    });
    expect(fixture.fake.unauthenticated).toEqual([]);
  });

  it("reads the file anew for each call", async () => {
    writeFileSync(tokenFile, issue(-1000));
    expect(await brokerErrorOf(retrieve)).toMatchObject({ code: "LoginRequired" });

    writeFileSync(tokenFile, issue());
    expect(await retrieve()).toMatchObject({ roleArn: assume("web").roleArn });
  });

  it.each<[string, () => string, string, RegExp]>([
    ["has expired", () => issue(-1000), "LoginRequired", /has expired/],
    ["is not the issuer's", () => `${issue()}x`, "LoginRequired", /is not accepted/],
    [
      "speaks of another subject",
      () => issue(HOUR, "other"),
      "AssumeRoleDenied",
      /AWS denies AssumeRoleWithWebIdentity/,
    ],
  ])("that %s is refused", async (_, token, code, says) => {
    writeFileSync(tokenFile, token());
    const error = await brokerErrorOf(retrieve);

    expect(error.code).toBe(code);
    expect(error.message).toMatch(says);
    expect(`${error.message} ${String(error.cause)}`).not.toContain(CANARY);
    if (code === "LoginRequired") expect(error.hint).toContain(tokenFile);
  });

  it("is asked again by itself where only its provider is in trouble", async () => {
    writeFileSync(tokenFile, issue());
    const fault = { kind: "refuse", code: "IDPCommunicationError", message: "try later" } as const;
    fixture.fake.faults.set("AssumeRoleWithWebIdentity", fault);

    expect(await brokerErrorOf(retrieve)).toMatchObject({ code: "AwsUnreachable" });
  });

  it("that its provider rejects needs a new token", async () => {
    writeFileSync(tokenFile, issue());
    const fault = { kind: "refuse", code: "IDPRejectedClaim", message: "revoked", status: 403 } as const;
    fixture.fake.faults.set("AssumeRoleWithWebIdentity", fault);

    expect(await brokerErrorOf(retrieve)).toMatchObject({ code: "LoginRequired" });
  });
});

describe("a token file", () => {
  const problem = async (): Promise<string> => {
    const { code, message } = await brokerErrorOf(retrieve);
    expect(await brokerErrorOf(() => provider().readiness(oidc(tokenFile)))).toMatchObject({ code });
    expect(message).toContain(tokenFile);
    expect(message).not.toContain(CANARY);
    expect(fixture.fake.calls).toEqual([]);
    return `${code} ${message}`;
  };

  it("that is not there, or empty, asks for a token", async () => {
    expect(await problem()).toMatch(/^LoginRequired .*does not exist/);
    writeFileSync(tokenFile, " \n");
    expect(await problem()).toMatch(/^LoginRequired .*is empty/);
  });

  it("with more than a token is refused before AWS is called", async () => {
    writeFileSync(tokenFile, `${CANARY}\n${CANARY}\n`);
    expect(await problem()).toMatch(/^LoginRequired .*holds no token/);
    writeFileSync(tokenFile, CANARY.repeat(2000));
    expect(await problem()).toMatch(/^ConfigInvalid .*larger than/);
  });

  it("that is no file is refused at once, even a pipe without a writer", async () => {
    mkdirSync(tokenFile);
    expect(await problem()).toMatch(/^ConfigInvalid .*is not a regular file|is a directory/);
    tokenFile = join(tempDir("web-identity", "input"), "pipe");
    execFileSync("mkfifo", [tokenFile]);
    expect(await problem()).toMatch(/^ConfigInvalid .*is not a regular file/);
  });

  it("tells until when its token is good", async () => {
    const before = Date.now();
    writeFileSync(tokenFile, issue());
    const after = Date.now();
    const { needs, expiresAt } = await provider().readiness(oidc(tokenFile));
    expect(needs).toBeUndefined();
    // Tokens say their end in whole seconds.
    expect(expiresAt).toBeGreaterThan(before + HOUR - 1000);
    expect(expiresAt).toBeLessThanOrEqual(after + HOUR);

    writeFileSync(tokenFile, issue(-1000));
    expect(await provider().readiness(oidc(tokenFile))).toMatchObject({ needs: "LoginRequired" });

    for (const exp of ["1e999", '"soon"', "null"]) {
      const claims = Buffer.from(`{"exp":${exp}}`).toString("base64url");
      writeFileSync(tokenFile, `e30.${claims}.x`);
      expect(await provider().readiness(oidc(tokenFile))).toEqual({ needs: undefined, expiresAt: undefined });
    }

    writeFileSync(tokenFile, `opaque-${CANARY}`);
    expect(await provider().readiness(oidc(tokenFile))).toEqual({ needs: undefined, expiresAt: undefined });
  });
});
