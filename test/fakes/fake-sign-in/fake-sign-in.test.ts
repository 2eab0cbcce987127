import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromIni } from "@aws-sdk/credential-provider-ini";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { tempDir } from "../../support/temp-dir.js";
import { type FakeAws, startFakeAws } from "../fake-aws/fake-aws.js";
import { type FakeSignIn, startFakeSignIn } from "./fake-sign-in.js";
import { authorizeQuery, cacheFileOf, loginCache, newKey, ownLogin } from "./login-cache.js";

const CLIENT = "arn:aws:signin:::devtools/same-device";

let aws: FakeAws;
let signIn: FakeSignIn;

beforeEach(async () => {
  aws = await startFakeAws({ users: [] });
  signIn = await startFakeSignIn({ aws });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await signIn.close();
  await aws.close();
});

describe("the fake Sign-In", () => {
  it.each([
    ["the challenge method of other services", { code_challenge_method: "S256" }],
    ["another machine's address", { redirect_uri: "http://192.0.2.1/oauth/callback" }],
    ["a client that AWS does not have", { client_id: "credbroker" }],
    ["another scope", { scope: "sso:account:access" }],
    ["no state", { state: "" }],
  ])("refuses an authorization with %s", async (_, extra) => {
    expect((await fetch(`${signIn.url}/v1/authorize?${authorizeQuery(extra)}`)).status).toBe(400);
  });

  it("gives no token without the proof of a key", async () => {
    const body = JSON.stringify({ clientId: CLIENT, grantType: "refresh_token", refreshToken: "x" });
    const answer = await fetch(`${signIn.url}/v1/token`, { method: "POST", body });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { error: "INVALID_REQUEST", message: "INVALID_REQUEST" },
    ]);
  });

  it("is understood by the JavaScript SDK's login provider, which renews with the key of its own cache file", async () => {
    const home = tempDir("login-user", "input");
    const cache = join(home, ".aws", "login", "cache");
    mkdirSync(cache, { recursive: true });
    const file = join(cache, cacheFileOf(signIn.settings.loginSession));
    writeFileSync(file, await loginCache(signIn, { expiresInSeconds: 60 }));
    const config = join(home, "config");
    writeFileSync(config, `[profile console]\nlogin_session = ${signIn.settings.loginSession}\nregion = eu-west-1\n`);
    vi.stubEnv("AWS_LOGIN_CACHE_DIRECTORY", cache);
    const credentials = await fromIni({
      ...{ profile: "console", configFilepath: config, filepath: join(home, "none") },
      clientConfig: { region: "eu-west-1", endpoint: signIn.url },
    })();
    expect(signIn.countOf("CreateToken")).toBe(2);
    expect(aws.whoIs(credentials.accessKeyId)?.arn).toContain("ann-at-the-console");
    const kept = JSON.parse(readFileSync(file, "utf8")) as { readonly refreshToken: string };
    expect(kept.refreshToken).not.toBe(signIn.lastOf("CreateToken").params["refreshToken"]);
  });

  it("tells the holder of another key nothing", async () => {
    const { renew, granted } = await ownLogin(signIn);
    expect(await renew(newKey(), granted.refreshToken)).toEqual({ outcome: "invalid" });
  });

  it("answers a refresh token that was replaced the same for a minute", async () => {
    const { key, renew, granted } = await ownLogin(signIn);
    const answers = [await renew(key, granted.refreshToken), await renew(key, granted.refreshToken)];
    const tokens = answers.map((answer) =>
      answer.outcome === "granted" ? answer.refreshToken.reveal() : answer.outcome,
    );
    expect(tokens[0]).toBe(tokens[1]);
    expect(tokens[0]).not.toBe(granted.refreshToken.reveal());
  });
});
