import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createControlApp } from "../../src/control/app.js";
import { createControlClient } from "../../src/control-api/client.js";
import type { ControlOperation, ControlRequest, ControlResponse } from "../../src/control-api/contract.js";
import type { Guard } from "../../src/core/guard.js";
import type { Role, SsoSource } from "../../src/core/role.js";
import { type FakeServices, fakeControlServices } from "../fakes/control-services.js";
import { auditLines } from "../support/audit-lines.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { CANARY, canarySecretKey } from "../support/canaries.js";
import { keysSource, roleOn, sessionRole } from "../support/roles.js";
import { tempDir } from "../support/temp-dir.js";

const MINUTE = 60_000;
const FREE: Guard = { reason: false, maxLeaseSeconds: 1800 };
const ASKED: Guard = { confirm: "desktop", reason: false, maxLeaseSeconds: 1800 };

const keys = keysSource("plain");
const mfa = keysSource("mfa", { mfaSerial: "arn:aws:iam::111111111111:mfa/me" });
const corp: SsoSource = {
  type: "sso",
  name: "corp",
  startUrl: "https://corp.awsapps.com/start/#/",
  ssoRegion: "eu-west-1",
  registrationScopes: ["sso:account:access"],
  stsRegion: "eu-west-1",
};

const sso = (name: string, extra: Partial<Role> = {}): Role => ({
  ...sessionRole(corp, name),
  sso: { accountId: "100000000001", roleName: "Developer" },
  ...extra,
});

let services: FakeServices;
let server: Server;
let socketPath: string;

beforeEach(async () => {
  const dev = roleOn(keys, "dev", { region: "eu-central-1" });
  services = await fakeControlServices(
    [keys, mfa, corp],
    [
      ...[dev, roleOn(dev, "chained"), sessionRole(keys, "key-itself"), sso("admin")],
      sso("guarded-admin", { guard: FREE }),
      { ...roleOn(keys, "guarded"), guard: FREE },
      { ...roleOn(keys, "asked"), guard: ASKED },
      { ...roleOn(keys, "short"), guard: { reason: false, maxLeaseSeconds: 600 } },
      { ...roleOn(dev, "guarded-chain"), guard: { reason: false, maxLeaseSeconds: 3600 } },
      { ...roleOn(dev, "short-chain"), guard: { reason: false, maxLeaseSeconds: 1200 } },
    ],
  );
  socketPath = join(tempDir("console"), "control.sock");
  server = createServer(createControlApp(services)).listen(socketPath);
  await once(server, "listening");
  const key = { accessKeyId: "AKIA0000000000000001", secretAccessKey: canarySecretKey("console") };
  await call("keys-add", { source: "plain", ...key, replace: false });
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function call<O extends ControlOperation>(
  operation: O,
  request: ControlRequest<O>,
  leaseToken?: string,
): Promise<ControlResponse<O>> {
  const caller = { pid: 4711, leaseToken };
  return createControlClient({ socketPath, version: "1.2.3", caller }).call(operation, request);
}

async function refusal(request: ControlRequest<"console">, leaseToken?: string): Promise<string> {
  return (await brokerErrorOf(() => call("console", request, leaseToken))).code;
}

const durations = (): readonly (number | undefined)[] =>
  services.signIn.federated.map(({ sessionSeconds }) => sessionSeconds);

describe("the console of a role", () => {
  it("is had by a URL that signs in, for as long as its credentials live", async () => {
    const answer = await call("console", { role: "dev", service: "s3" });
    expect(answer).toMatchObject({ way: "federated", role: "dev", accountId: "222222222222", region: "eu-central-1" });
    expect(answer.url).toContain("SigninToken=");
    expect(answer.until).toBe(services.credentials.peek("dev")?.held?.credentials.expiration);
    expect(services.signIn.federated).toMatchObject([
      { page: { homeRegion: "eu-west-1", region: "eu-central-1", service: "s3" }, sessionSeconds: undefined },
    ]);
  });

  it("lasts as long as is asked for, where AWS takes that", async () => {
    await call("console", { role: "dev", forSeconds: 7200 });
    await call("console", { role: "dev", forSeconds: 100_000 });
    expect(durations()).toEqual([7200, 43_200]);
    expect(await refusal({ role: "dev", forSeconds: 899 })).toBe("UsageInvalid");
    expect(await refusal({ role: "chained", forSeconds: 1800 })).toBe("UsageInvalid");
    expect(durations()).toHaveLength(2);
  });

  it("sends no duration for a chained role", async () => {
    await call("console", { role: "chained" });
    expect(durations()).toEqual([undefined]);
  });

  it("of Identity Center is a page of its portal, for which nothing is fetched", async () => {
    const { url, way, until } = await call("console", { role: "admin", service: "s3" });
    expect({ way, until }).toEqual({ way: "portal", until: null });
    const [start, query = ""] = url.split("/#/console?");
    expect(start).toBe("https://corp.awsapps.com/start");
    expect(Object.fromEntries(new URLSearchParams(query))).toEqual({
      account_id: "100000000001",
      role_name: "Developer",
      destination: "https://eu-west-1.console.aws.amazon.com/s3/home?region=eu-west-1",
    });
    expect(services.credentials.peek("admin")?.held).toBeUndefined();
    expect(await refusal({ role: "admin", forSeconds: 3600 })).toBe("UsageInvalid");
  });

  it("of Identity Center signs in by the URL where that is asked for, or a guard limits the time", async () => {
    expect(await refusal({ role: "admin", federate: true })).toBe("LoginRequired");
    const { running } = await (async () => {
      services.center.decision = "approved";
      return services.sso.logins.start(corp, "device");
    })();
    await running.done;
    expect(await call("console", { role: "admin", federate: true })).toMatchObject({ way: "federated" });
    expect(await call("console", { role: "guarded-admin" })).toMatchObject({ way: "federated" });
    expect(durations()).toEqual([undefined, 1800]);
  });

  it("is refused where the role is the session of a key: AWS signs no browser in with it", async () => {
    expect(await refusal({ role: "key-itself" })).toBe("UsageInvalid");
    expect(services.sts.calls.length).toBe(0);
  });
});

describe("a guarded role's console", () => {
  it("takes the yes of its guard, said to this role", async () => {
    expect(await refusal({ role: "asked" })).toBe("GuardRefused");
    services.dialogs.answer = { answer: "yes" };
    const yes = await call("guard-confirm", { role: "asked", target: { by: "new" } });
    const confirmation = yes.needs === null ? (yes.confirmation ?? "") : "";
    expect(await call("console", { role: "asked", confirmation })).toMatchObject({ way: "federated" });
    expect(await refusal({ role: "dev", confirmation: "x" }).catch(() => "none")).toBe("none");
  });

  it("never lasts longer than max_lease, nor than --for", async () => {
    await call("console", { role: "guarded" });
    await call("console", { role: "guarded", forSeconds: 900 });
    expect(durations()).toEqual([1800, 900]);
    const { until } = await call("console", { role: "guarded" });
    expect((until ?? Number.NaN) - services.clock.now()).toBeLessThanOrEqual(30 * MINUTE);
  });

  it("is refused where max_lease is under AWS's shortest session", async () => {
    expect(await refusal({ role: "short" })).toBe("GuardRefused");
    expect(services.signIn.federated).toEqual([]);
  });

  it("of a chain is given without a duration where its credentials end in time, and refused where they do not", async () => {
    expect(await call("console", { role: "guarded-chain" })).toMatchObject({ way: "federated" });
    expect(durations()).toEqual([undefined]);
    // Credentials of an hour, a guard of 20 minutes: the fake's STS gives what the role says.
    expect(await refusal({ role: "short-chain" })).toBe("GuardRefused");
  });
});

describe("the console of a shell's lease", () => {
  it("is that of the role which the lease has", async () => {
    expect(await refusal({ lease: { by: "default" } })).toBe("NoRole");
    await call("use", { lease: { by: "default" }, role: "dev" });
    expect(await call("console", { lease: { by: "default" } })).toMatchObject({ role: "dev" });
    const { token } = await call("lease-create", { name: "ide", role: "chained" });
    expect(await call("console", { lease: { by: "token", token } })).toMatchObject({ role: "chained" });
  });

  it("takes the lease's own grant of a guarded role, for no longer than that", async () => {
    services.dialogs.answer = { answer: "yes" };
    const yes = await call("guard-confirm", { role: "asked", target: { by: "new" } });
    const confirmation = yes.needs === null ? (yes.confirmation ?? "") : "";
    const { token } = await call("lease-create", { name: "ide", role: "asked", confirmation });
    await services.clock.advance(10 * MINUTE);
    await call("console", { lease: { by: "token", token } }, token);
    expect(durations()).toEqual([1200]);
    await services.clock.advance(10 * MINUTE);
    expect(await refusal({ lease: { by: "token", token } }, token)).toBe("GuardRefused");
  });

  it("is no way to another lease's role by its name or id", async () => {
    await call("lease-create", { name: "ide", role: "dev" });
    const lease = { by: "name", name: "ide" } as unknown as { by: "default" };
    expect(await refusal({ lease })).toBe("UsageInvalid");
  });
});

describe("what is on record of the console", () => {
  it("is who asked for which role's, and never the URL or a credential", async () => {
    const { url } = await call("console", { role: "dev" });
    expect(await refusal({ role: "asked" })).toBe("GuardRefused");
    await services.audit.close();
    const done = auditLines(services.stateDir).filter(({ event }) => event === "console");
    expect(done).toMatchObject([{ role: "dev", outcome: "done", detail: "a URL that signs in", pid: 4711 }]);
    const lines = [...auditLines(services.stateDir), ...auditLines(services.stateDir, "refusals")];
    const text = JSON.stringify(lines);
    expect(text).not.toContain(new URL(url).searchParams.get("SigninToken"));
    expect(text).not.toContain(CANARY);
    expect(text).toContain("GuardRefused");
  });
});
