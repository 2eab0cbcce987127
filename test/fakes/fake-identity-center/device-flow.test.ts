import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CANARY } from "../../support/canaries.js";
import { FakeClock } from "../../support/fake-clock.js";
import { decideInBrowser } from "./decide-in-browser.js";
import { type FakeIdentityCenter, startFakeIdentityCenter } from "./fake-identity-center.js";
import { RawClient } from "./raw-client.js";

const clock = new FakeClock();
let center: FakeIdentityCenter;
let client: RawClient;
beforeEach(async () => {
  center = await startFakeIdentityCenter({ clock, settings: { intervalSeconds: 5 } });
  client = new RawClient(center);
  await client.register();
});
afterEach(() => center.close());

interface Started {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete: string;
}

async function start(): Promise<Started> {
  const { status, body } = await client.startDevice();
  expect(status).toBe(200);
  return body as unknown as Started;
}

/** Polls after the interval has passed. */
async function poll(deviceCode: string): Promise<string> {
  await clock.advance(5000);
  const { error, body } = await client.poll(deviceCode);
  return error ?? Object.keys(body).join(" ");
}

describe("StartDeviceAuthorization", () => {
  test("answers a secret device code, a code for people, where to enter it, and both times", async () => {
    const { body } = await client.startDevice();

    expect(body).toEqual({
      deviceCode: expect.stringContaining(CANARY) as string,
      userCode: expect.stringMatching(/^[B-Z]{4}-[B-Z]{4}$/) as string,
      verificationUri: `${center.url}/device`,
      verificationUriComplete: `${center.url}/device?user_code=${String(body["userCode"])}`,
      expiresIn: 600,
      interval: 5,
    });
  });

  test("refuses the start URL of another organization", async () => {
    const answer = await client.startDevice({ startUrl: "https://evil.awsapps.com/start" });

    expect(answer).toMatchObject({ status: 400, error: "InvalidRequestException", body: { error: "invalid_request" } });
  });
});

describe("polling", () => {
  test("is pending until the user approves, gives tokens once, and is spent then", async () => {
    const { deviceCode, userCode } = await start();
    expect(await poll(deviceCode)).toBe("AuthorizationPendingException");

    center.approve(userCode);

    expect(await poll(deviceCode)).toBe("accessToken tokenType expiresIn refreshToken idToken");
    expect(await poll(deviceCode)).toBe("InvalidGrantException");
  });

  test("ends with the user's denial", async () => {
    const { deviceCode, userCode } = await start();

    center.deny(userCode);

    expect(await poll(deviceCode)).toBe("AccessDeniedException");
    expect(await poll(deviceCode)).toBe("AccessDeniedException");
  });

  test("ends with the code's life, approved or not, and so does its page", async () => {
    const { deviceCode, userCode } = await start();
    await clock.advance(600_000);

    expect(await poll(deviceCode)).toBe("ExpiredTokenException");
    expect(center.pendingUserCodes()).toEqual([]);
    expect(() => center.approve(userCode)).toThrow(userCode);
    expect((await fetch(`${center.url}/device?user_code=${userCode}`)).status).toBe(400);
  });

  test("too soon is slowed down by 5 s, from then on", async () => {
    const { deviceCode } = await start();
    // As the AWS CLI does: before it shows the code, and again at once.
    expect((await client.poll(deviceCode)).error).toBe("AuthorizationPendingException");
    expect((await client.poll(deviceCode)).error).toBe("AuthorizationPendingException");

    expect(await client.poll(deviceCode)).toMatchObject({ status: 400, error: "SlowDownException" });

    await clock.advance(5000);
    expect((await client.poll(deviceCode)).error).toBe("SlowDownException");
    await clock.advance(15_000);
    expect((await client.poll(deviceCode)).error).toBe("AuthorizationPendingException");
  });

  test("at once is allowed the first time, for clients that were approved before", async () => {
    center.settings.preAuthorized = true;

    const { deviceCode } = await start();
    const { status, body } = await client.poll(deviceCode);

    expect(status).toBe(200);
    expect(body["accessToken"]).toContain(CANARY);
    expect(center.pendingUserCodes()).toEqual([]);
  });

  test("with another client's code, or one that never was, is refused", async () => {
    const { deviceCode, userCode } = await start();
    center.approve(userCode);
    await client.register();

    expect(await poll(deviceCode)).toBe("InvalidGrantException");
    expect(await poll("never")).toBe("InvalidGrantException");
  });

  test("keeps apart the codes of logins that run at the same time", async () => {
    const first = await start();
    const second = await start();
    expect(center.pendingUserCodes()).toEqual([first.userCode, second.userCode]);

    center.approve(second.userCode);

    expect(await poll(first.deviceCode)).toBe("AuthorizationPendingException");
    expect(await poll(second.deviceCode)).toContain("accessToken");
  });
});

describe("the verification page", () => {
  test("shows code, client and scopes, and approves", async () => {
    const { deviceCode, userCode, verificationUriComplete } = await start();
    const html = await (await fetch(verificationUriComplete)).text();
    expect(html).toContain(userCode);
    expect(html).toContain("botocore-client-corp");
    expect(html).toContain("sso:account:access");

    const { status, text } = await decideInBrowser(verificationUriComplete, "approve");

    expect(status).toBe(200);
    expect(text).toContain("Request approved");
    expect(await poll(deviceCode)).toContain("accessToken");
  });

  test("denies", async () => {
    const { deviceCode, verificationUriComplete } = await start();

    expect((await decideInBrowser(verificationUriComplete, "deny")).text).toContain("Request denied");

    expect(await poll(deviceCode)).toBe("AccessDeniedException");
  });

  test("asks for the code where it has none, and takes it as people type it", async () => {
    const { userCode, verificationUri } = await start();
    expect(await (await fetch(verificationUri)).text()).toContain('name="user_code"');

    const typed = await fetch(`${verificationUri}?user_code=${userCode.toLowerCase().replace("-", "")}`);

    expect(await typed.text()).toContain('id="approve"');
  });

  test("decides once, and says so", async () => {
    const { verificationUriComplete } = await start();
    await decideInBrowser(verificationUriComplete, "approve");

    const again = await fetch(verificationUriComplete);

    expect(again.status).toBe(400);
    expect(await again.text()).toContain("not valid");
  });
});
