import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromHttp } from "@aws-sdk/credential-provider-http";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { get } from "../support/in-process-broker.js";
import { type SsoBroker, startSsoBroker } from "../support/sso-broker.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const STEP = 10 * MINUTE;
/** A login of Identity Center lives for 30 hours: two end in these three days, both by day. */
const SESSION_HOURS = 30;

let fixture: SsoBroker;
beforeEach(async () => {
  fixture = await startSsoBroker();
});
afterEach(async () => {
  vi.useRealTimers();
  await fixture.close();
});

/** An agent under `exec` for three days: AWS's own SDK, with one variable, in one process that never ends. */
function agent(url: string): STSClient {
  return new STSClient({
    region: "eu-west-1",
    endpoint: fixture.broker.aws.url,
    credentials: fromHttp({ awsContainerCredentialsFullUri: url }),
  });
}

interface Seen {
  calls: number;
  /** What the SDK or AWS said no with. */
  readonly refusals: string[];
  /** Answers of the endpoint that hold keys past their end, or no keys. */
  readonly stale: string[];
  readonly keys: Set<string>;
  /** When a person logged in, and the login before would have ended: hours since the start. */
  readonly logins: { readonly at: number; readonly before: number }[];
}

/** Ten minutes of work: a call of the agent, and a look at what the endpoint serves. */
async function work(client: STSClient, url: string, seen: Seen): Promise<void> {
  const { broker } = fixture;
  await broker.pass(STEP);
  // The SDK reads the same clock.
  vi.setSystemTime(broker.clock.now());
  seen.calls++;
  await client.send(new GetCallerIdentityCommand({})).catch((error: unknown) => seen.refusals.push(String(error)));
  const { status, body } = await get(url);
  if (status !== 200 || Date.parse(body["Expiration"] ?? "") <= broker.clock.now()) seen.stale.push(body["Code"] ?? "");
  seen.keys.add(body["AccessKeyId"] ?? "");
}

it("an agent works for 72 hours, two ends of a login and three nights asleep with no stale key, and a person acts once a login", async () => {
  const { broker, center } = fixture;
  center.settings.sessionSeconds = (SESSION_HOURS * HOUR) / 1000;
  vi.useFakeTimers({ toFake: ["Date"], now: broker.clock.now() });
  // Nine in the morning: asleep from 23:00 to 07:00.
  const start = broker.clock.now();
  const hour = (): number => (broker.clock.now() - start) / HOUR;
  await fixture.logIn();
  const url = await broker.urlOf("dev");
  const client = agent(url);
  const seen: Seen = { calls: 0, refusals: [], stale: [], keys: new Set(), logins: [] };
  const notices = broker.notices?.shown ?? [];
  let ends = SESSION_HOURS;
  let suspends = 0;

  while (hour() < 72) {
    await work(client, url, seen);
    // A person does what the notice says, ten minutes later at most, and nothing else.
    if (notices.length > seen.logins.length) {
      // `--force` where the login is still good.
      expect(notices.at(-1)?.text).toMatch(/^brokerctl login corp(?: --force)?$/);
      seen.logins.push({ at: hour(), before: ends });
      await fixture.logIn();
      ends = hour() + SESSION_HOURS;
    }
    if ((hour() - 14) % 24 < STEP / HOUR && hour() > 13) {
      broker.clock.jump(8 * HOUR);
      suspends++;
    }
  }

  expect(seen.refusals).toEqual([]);
  expect(seen.stale).toEqual([]);
  expect(suspends).toBe(3);
  // Each end was told ahead of it, and a person logged in for each of them, and for nothing else.
  expect(seen.logins).toHaveLength(2);
  expect(seen.logins.filter(({ at, before }) => at >= before)).toEqual([]);
  expect(notices.map(({ title }) => title.replace(/\d\d:\d\d.*/, ""))).toEqual(
    Array.from({ length: 2 }, () => "credbroker: the login of corp ends at "),
  );
  const logins = center.calls.filter(({ action, params }) => action === "CreateToken" && "code" in params);
  expect(logins).toHaveLength(3);
  // A new key each hour that it was awake, and one call of AWS for each.
  expect(seen.keys.size).toBeGreaterThan(48);
  expect(center.countOf("GetRoleCredentials")).toBe(seen.keys.size);
  client.destroy();
});
