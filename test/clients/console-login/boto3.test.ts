import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../../fakes/fake-aws/fake-aws.js";
import { type FakeSignIn, startFakeSignIn } from "../../fakes/fake-sign-in/fake-sign-in.js";
import { cacheFileOf, loginCache } from "../../fakes/fake-sign-in/login-cache.js";
import { tempDir } from "../../support/temp-dir.js";
import { BOTO3, QUIET } from "../aws-clients.js";
import { Conversation } from "../identity-center/conversation.js";
import { arnsIn } from "../outcomes.js";

let aws: FakeAws;
let signIn: FakeSignIn;
let home: string;

beforeEach(async () => {
  aws = await startFakeAws({ users: [] });
  signIn = await startFakeSignIn({ aws });
  // Real clients keep the login there in clear text: it is the user's own.
  home = tempDir("login-user", "input");
  mkdirSync(join(home, ".aws", "login", "cache"), { recursive: true });
  const profile = `[profile console]\nlogin_session = ${signIn.settings.loginSession}\nregion = eu-west-1\n`;
  writeFileSync(join(home, ".aws", "config"), profile);
});

afterEach(async () => {
  await signIn.close();
  await aws.close();
});

const cacheFile = (): string => join(home, ".aws", "login", "cache", cacheFileOf(signIn.settings.loginSession));

function whoAmI(): Conversation["ended"] {
  const where = { PATH: process.env["PATH"] ?? "", HOME: home, AWS_PROFILE: "console" };
  const endpoints = { AWS_ENDPOINT_URL_SIGNIN: signIn.url, AWS_ENDPOINT_URL_STS: aws.url };
  return new Conversation(BOTO3.identity, { env: { ...QUIET, ...where, ...endpoints } }).ended;
}

describe("boto3's login provider", () => {
  it("renews what `aws login` left in its cache at the fake Sign-In, with the key that is there", async () => {
    writeFileSync(cacheFile(), await loginCache(signIn, { expiresInSeconds: 60 }));
    for (let round = 1; round < 3; round++) {
      const outcome = await whoAmI();
      expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
      expect(arnsIn(outcome)).toEqual([expect.stringContaining("ann-at-the-console")]);
    }
    // The login, one renewal: what that brought is good for 15 minutes.
    expect(signIn.countOf("CreateToken")).toBe(2);
    const { refreshToken } = JSON.parse(readFileSync(cacheFile(), "utf8")) as { readonly refreshToken: string };
    expect(refreshToken).not.toBe(signIn.lastOf("CreateToken").params["refreshToken"]);
  });

  it("is told that the session has ended", async () => {
    writeFileSync(cacheFile(), await loginCache(signIn, { expiresInSeconds: 60 }));
    signIn.logins.revokeAll();
    const outcome = await whoAmI();
    expect(outcome.code).not.toBe(0);
    expect(outcome.stderr).toMatch(/expired|reauthenticate/i);
  });
});
