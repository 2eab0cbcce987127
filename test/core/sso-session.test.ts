import { expect, it } from "vitest";
import { sessionOf } from "../../src/core/sso-session.js";

const SCOPE = "sso:account:access";
const source = { startUrl: "https://corp.awsapps.com/start", ssoRegion: "eu-west-1", registrationScopes: [SCOPE] };

it("sources that agree share one session, however they spell their portal and order their scopes", () => {
  const session = sessionOf(source);
  const other = sessionOf({ ...source, startUrl: "https://CORP.awsapps.com/start#/" });
  const scopes = (registrationScopes: string[]): string => sessionOf({ ...source, registrationScopes }).id;

  expect(session).toMatchObject({ startUrl: source.startUrl, region: "eu-west-1", scopes: [SCOPE] });
  expect(session.id).toMatch(/^[0-9a-f]{32}$/);
  expect([other.id, other.startUrl]).toEqual([session.id, session.startUrl]);
  expect(scopes(["a", "b"])).toBe(scopes(["b", "a"]));
});

it.each([
  ["portal", { startUrl: "https://other.awsapps.com/start" }],
  ["region", { ssoRegion: "us-east-1" }],
  ["scope", { registrationScopes: [SCOPE, "codewhisperer:completions"] }],
])("another %s is another session", (_what, change) => {
  expect(sessionOf({ ...source, ...change }).id).not.toBe(sessionOf(source).id);
});

it("a session knows the ids that it had under other spellings, and never its own among them", () => {
  const { id, formerIds } = sessionOf({ ...source, startUrl: "https://CORP.awsapps.com/start" });

  expect(formerIds.length).toBeGreaterThanOrEqual(6);
  expect(formerIds).not.toContain(id);
  expect(new Set(formerIds).size).toBe(formerIds.length);
});
