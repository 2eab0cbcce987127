import { describe, it } from "vitest";
import { decideInBrowser } from "../fakes/fake-identity-center/decide-in-browser.js";
import {
  type FakeIdentityCenter,
  startFakeIdentityCenter,
} from "../fakes/fake-identity-center/fake-identity-center.js";
import { CANARY } from "../support/canaries.js";
import { type Access, type Bed, codeOf, HANGS_MS, pause, withBed } from "./bed.js";
import { Verdict } from "./verdict.js";

const CORP_YAML = `
defaults: { region: eu-west-1 }
sources:
  corp: { type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1 }
roles:
  dev: { source: corp, sso_account_id: "100000000001", sso_role_name: AdministratorAccess }
  power: { source: corp, sso_account_id: "100000000002", sso_role_name: PowerUserAccess }
`;
/** Renewed, due and ended while a test waits: advertised until 10.8 s. */
const ROLE_SECONDS = 12;
/** A client that is waiting for a renewal gets its answer so much later. */
const LONGEST_WAIT_MS = 1000;

async function logIn(bed: Bed): Promise<void> {
  const { loginId, url } = await bed.broker.call("login-start", { source: "corp", flow: "browser" });
  const waiting = bed.broker.call("login-wait", { loginId });
  const { location } = await decideInBrowser(url, "approve");
  await fetch(location ?? "");
  await waiting;
}

/** Logged in, with the role's first credentials served. */
function withLogin(
  { verdict, accessTokenSeconds }: { readonly verdict: Verdict; readonly accessTokenSeconds: number },
  use: (parts: { readonly bed: Bed; readonly center: FakeIdentityCenter; readonly access: Access }) => Promise<void>,
): Promise<void> {
  return withBed({ verdict, name: "sso", config: CORP_YAML }, async (bed) => {
    const settings = { accessTokenSeconds, roleSessionSeconds: ROLE_SECONDS };
    const center = await startFakeIdentityCenter({ aws: bed.aws, settings });
    try {
      await bed.mustStart({ env: { AWS_ENDPOINT_URL_SSO: center.url, AWS_ENDPOINT_URL_SSO_OIDC: center.url } });
      await bed.broker.call("store-create", {});
      await logIn(bed);
      const { url } = await bed.access("dev");
      const access = { url, role: "dev", arn: /:100000000001:role\/.*AdministratorAccess/ };
      await bed.askUntil(access, ({ status }) => status === 200);
      await use({ bed, center, access });
    } finally {
      await bed.end("SIGKILL");
      await center.close();
    }
  });
}

interface Loss {
  readonly name: string;
  readonly accessTokenSeconds: number;
  readonly begin: (center: FakeIdentityCenter) => void;
}

/** What a person must act upon: what is valid is served to its end, then the login is asked for, and nothing loops. */
const LOSSES: readonly Loss[] = [
  {
    name: "the session was ended by an administrator (401)",
    accessTokenSeconds: 3600,
    begin: (center) => center.endSessions(),
  },
  {
    name: "the refresh token was revoked (InvalidGrant)",
    accessTokenSeconds: 8,
    begin: (center) => center.revokeRefreshTokens(),
  },
  {
    name: "the registration is not known any more (InvalidClient)",
    accessTokenSeconds: 8,
    begin: (center) => {
      center.forgetRegistrations();
      center.revokeRefreshTokens();
    },
  },
];

describe("Identity Center", () => {
  it.concurrent.each(LOSSES)(
    "$name: served to its end, then LoginRequired, and served again after a login",
    {
      timeout: HANGS_MS,
    },
    ({ name, accessTokenSeconds, begin }) => {
      const verdict = new Verdict();
      return withLogin({ verdict, accessTokenSeconds }, async ({ bed, center, access }) => {
        const held = await bed.ask(access, { served: true });
        begin(center);
        while (Date.now() < Date.parse(held.body["Expiration"] ?? "") - LONGEST_WAIT_MS) {
          await bed.ask(access, { served: true });
          await pause(100);
        }
        const told = await bed.askUntil(access, ({ status }) => status === 400);
        const calls = center.countOf("CreateToken") + center.countOf("GetRoleCredentials");
        for (let ask = 0; ask < 30; ask++) await bed.ask(access);
        const looped = center.countOf("CreateToken") + center.countOf("GetRoleCredentials") - calls;
        const source = (await bed.broker.call("status", {})).sources[0]?.state;
        await logIn(bed);
        const back = await bed.askUntil(access, ({ status }) => status === 200);
        verdict.conclude({
          case: name,
          expected: "served to its end, 400 LoginRequired, login_required, 0 more calls; 200 after a login",
          got: `${codeOf(told)}, ${String(source)}, ${looped} more calls; ${back.status}, ${bed.waited}`,
          holds: codeOf(told) === "400 LoginRequired" && source === "login_required" && looped === 0 && bed.quick,
          proves: ["C16"],
        });
      });
    },
  );

  const TROUBLES: readonly (readonly [string, (center: FakeIdentityCenter) => unknown])[] = [
    ["refuses connections", (center) => center.down()],
    ["answers 503", (center) => center.faults.set("*", { kind: "unavailable" })],
    ["throttles", (center) => center.faults.set("*", { kind: "throttle", retryAfterSeconds: 2 })],
    ["never answers", (center) => center.faults.hold("*")],
    ["is a captive portal", (center) => center.faults.set("*", { kind: "captive" })],
    ["quotes the request with its secrets", (center) => center.faults.set("*", { kind: "echo" })],
  ];

  it.concurrent.each(TROUBLES)(
    "%s: what is valid is served, the login is kept, and it comes back",
    {
      timeout: HANGS_MS,
    },
    (name, begin) => {
      const verdict = new Verdict();
      return withLogin({ verdict, accessTokenSeconds: 3600 }, async ({ bed, center, access }) => {
        const held = await bed.ask(access, { served: true });
        await begin(center);
        while (Date.now() < Date.parse(held.body["Expiration"] ?? "") - LONGEST_WAIT_MS) {
          await bed.ask(access, { served: true });
          await pause(100);
        }
        const told = await bed.askUntil(access, ({ status }) => status === 400);
        const said = JSON.stringify(told.body) + JSON.stringify(await bed.broker.call("status", {}));
        const quoted = said.includes(CANARY);
        center.faults.clear();
        if (name === "refuses connections") await center.up();
        await bed.broker.call("refresh", { role: "dev" });
        const back = await bed.ask(access, { served: true });
        const state = (await bed.broker.call("status", {})).sources[0]?.state;
        verdict.conclude({
          case: `Identity Center ${name}`,
          expected: "served to its end, told, no secret in it; 200 after it without a login",
          got: `${codeOf(told)}, ${quoted ? "a secret" : "no secret"}; ${back.status}, ${String(state)}, ${bed.waited}`,
          holds: !quoted && back.status === 200 && state === "ready" && bed.quick,
          proves: ["C11", "C15"],
        });
      });
    },
  );
});
