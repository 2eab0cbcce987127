import { get as httpGet } from "node:http";
import { get as httpsGet } from "node:https";
import { afterEach, describe, expect, test } from "vitest";
import { CANARY } from "../../support/canaries.js";
import { FakeClock } from "../../support/fake-clock.js";
import { certificateAuthority } from "../../support/tls.js";
import { type FakeIdentityCenter, startFakeIdentityCenter } from "./fake-identity-center.js";
import { RawClient } from "./raw-client.js";

const clock = new FakeClock();
const authority = certificateAuthority();
let center: FakeIdentityCenter;
afterEach(() => center.close());

async function started(): Promise<RawClient> {
  center = await startFakeIdentityCenter({
    clock,
    tls: authority.issue(["127.0.0.1", "oidc.eu-west-1.amazonaws.com"]),
  });
  return new RawClient(center);
}

/** Status of a GET under a host name. */
function statusAt(target: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = httpGet(center.url + target, { headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    request.on("error", reject);
  });
}

describe("the fake Identity Center", () => {
  test("its own address serves everything, with its own date", async () => {
    await started();

    const answer = await fetch(`${center.url}/device`);

    expect(answer.status).toBe(200);
    expect(answer.headers.get("date")).toBe(new Date(clock.now()).toUTCString());
  });

  test.each([
    ["oidc.eu-west-1.amazonaws.com", "/device", 200],
    ["oidc.eu-west-1.amazonaws.com:443", "/device", 200],
    ["portal.sso.eu-west-1.amazonaws.com", "/device", 404],
    ["portal.sso.eu-west-1.amazonaws.com", "/assignment/accounts", 401],
    ["oidc.eu-west-1.amazonaws.com", "/assignment/accounts", 404],
    ["oidc.us-east-1.amazonaws.com", "/device", 400],
    ["portal.sso.us-east-1.amazonaws.com", "/assignment/accounts", 401],
  ])("%s answers %s with %i", async (host, target, status) => {
    await started();

    expect(await statusAt(target, host)).toBe(status);
  });

  test("unknown paths and methods are no operations", async () => {
    await started();

    expect((await fetch(`${center.url}/nothing`)).status).toBe(404);
    expect((await fetch(`${center.url}/token`)).status).toBe(404);
    expect(center.calls).toEqual([]);
  });

  test("https has the same state", async () => {
    await started();

    const status = await new Promise((resolve, reject) => {
      const request = httpsGet(`${center.secureUrl}/device`, { ca: authority.cert }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      request.on("error", reject);
    });

    expect(status).toBe(200);
    expect(center.countOf("VerifyDevice")).toBe(1);
  });

  test("without a certificate there is no https", async () => {
    center = await startFakeIdentityCenter();

    expect(() => center.secureUrl).toThrow("certificate");
  });

  test("goes down and comes back where it was, with all it knew", async () => {
    const client = await started();
    const { accessToken } = await client.login();
    await center.down();
    await expect(client.portal("/assignment/accounts", accessToken)).rejects.toThrow();

    await center.up();

    expect((await client.portal("/assignment/accounts", accessToken)).status).toBe(200);
  });
});

describe("what it recorded", () => {
  test("is every call with its parameters, token, client and status", async () => {
    const client = await started();
    const { accessToken } = await client.login();
    await client.portal("/assignment/roles?account_id=999999999999", accessToken);

    expect(center.calls.map(({ action, status }) => `${action} ${status}`)).toEqual([
      "RegisterClient 200",
      "StartDeviceAuthorization 200",
      "CreateToken 200",
      "ListAccountRoles 403",
    ]);
    expect(center.lastOf("ListAccountRoles")).toMatchObject({
      service: "portal",
      params: { account_id: "999999999999" },
      accessToken,
      time: clock.now(),
      region: undefined,
    });
    expect(() => center.lastOf("Logout")).toThrow("Logout");
  });

  test("can be waited for", async () => {
    const client = await started();
    let isDone = false;
    const done = center.finished("RegisterClient", 2).then(() => (isDone = true));
    await client.register();
    expect(isDone).toBe(false);

    await client.register();

    await done;
  });
});

describe("faults", () => {
  test.each<[Parameters<FakeIdentityCenter["faults"]["set"]>[1], string]>([
    [{ kind: "unavailable" }, "503 null"],
    [{ kind: "failing" }, "500 InternalServerException"],
    [{ kind: "throttle" }, "429 TooManyRequestsException"],
    [{ kind: "refuse", code: "ResourceNotFoundException" }, "404 ResourceNotFoundException"],
    [{ kind: "refuse", code: "ForbiddenException", status: 418 }, "418 ForbiddenException"],
    [{ kind: "echo" }, "400 InvalidRequestException"],
    [{ kind: "captive" }, "403 null"],
    [{ kind: "slow", milliseconds: 1 }, "200 null"],
    [{ kind: "lie", body: () => "<html>" }, "200 null"],
  ])("are answered as they were set: %o", async (fault, said) => {
    const client = await started();
    const { accessToken } = await client.login();
    center.faults.set("ListAccounts", { ...fault, times: 1 });

    const headers = { "x-amz-sso_bearer_token": accessToken };
    const answer = await fetch(`${center.url}/assignment/accounts`, { headers });

    expect(`${answer.status} ${answer.headers.get("x-amzn-errortype")}`).toBe(said);
    if (fault.kind === "echo") expect(await answer.text()).toContain(CANARY);
    expect((await client.portal("/assignment/accounts", accessToken)).status).toBe(200);
  });

  test("an answer can be lost after or before the call took effect, or be cut off", async () => {
    const client = await started();
    for (const kind of ["drop", "lost", "reset"] as const) {
      const { refreshToken } = await client.login();
      center.faults.set("CreateToken", { kind, times: 1 });
      await expect(client.refresh(refreshToken)).rejects.toThrow();

      const { error } = await client.refresh(refreshToken);

      expect(error, kind).toBe(kind === "lost" ? null : "InvalidGrantException");
    }
  });

  test("a lie starts from the right answer", async () => {
    const client = await started();
    center.faults.set("RegisterClient", { kind: "lie", body: (right) => ({ ...right, clientSecret: null }) });

    const { body } = await client.register();

    expect(body).toMatchObject({ clientSecret: null, clientId: expect.any(String) as string });
  });

  test("calls can be held until released", async () => {
    const client = await started();
    const hold = center.faults.hold("RegisterClient");
    const registered = client.register();
    await hold.arrived();

    hold.release();

    expect((await registered).status).toBe(200);
  });
});
