import type { ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromHttp } from "@aws-sdk/credential-provider-http";
import { afterEach, describe, expect, it } from "vitest";
import { type FakeAws, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { TestBroker } from "../support/broker.js";
import { ACCOUNT, get, roleArn, USER_KEY } from "../support/in-process-broker.js";
import { jumpingClock } from "../support/jumping-clock.js";
import { tempDir } from "../support/temp-dir.js";

const HOUR = 3_600_000;
const ROLES = Array.from({ length: 30 }, (_, index) => `role-${index}`);
const YAML = `
defaults: { region: eu-west-1 }
sources:
  ops-keys: { type: keys }
roles:
${ROLES.map((role) => `  ${role}: { source: ops-keys, role_arn: "${roleArn(role)}" }`).join("\n")}
`;

let aws: FakeAws;
let broker: TestBroker;
let offset = 0;

afterEach(async () => {
  broker.process?.kill("SIGCONT");
  await broker.stop("SIGKILL");
  await aws.close();
  offset = 0;
});

/** The real brokerd with every role in use; AWS's clock goes with `offset`. */
async function inUse({ sessionSeconds }: { readonly sessionSeconds?: number } = {}): Promise<readonly string[]> {
  const trusts = [`arn:aws:iam::${ACCOUNT}:user/me`];
  aws = await startFakeAws({
    users: [{ ...USER_KEY, account: ACCOUNT, userName: "me" }],
    roles: ROLES.map((role) => ({ arn: roleArn(role), trusts })),
    clock: { now: () => Date.now() + offset },
    ...(sessionSeconds !== undefined && { sessionSeconds }),
  });
  aws.faults.set("AssumeRole", { kind: "slow", milliseconds: 150 });
  const env = { AWS_ENDPOINT_URL: aws.url, CREDBROKER_TEST_CLOCK: join(tempDir("clock"), "offset") };
  broker = await TestBroker.create({ name: "wake", config: YAML, env });
  await broker.startWithKey({ source: "ops-keys", ...USER_KEY }, [jumpingClock(broker.home)]);
  const leases = await Promise.all(ROLES.map((pinnedRole) => broker.call("lease-access", { pinnedRole })));
  const urls = leases.map(({ leaseUrl }) => leaseUrl);
  expect(new Set(await Promise.all(urls.map(async (url) => (await get(url)).status)))).toEqual(new Set([200]));
  aws.calls.length = 0;
  return urls;
}

function jump(ms: number): void {
  offset += ms;
  writeFileSync(broker.env["CREDBROKER_TEST_CLOCK"]!, String(offset));
  broker.process?.kill("SIGUSR2");
}

function callsByRole(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { params } of aws.calls) counts.set(params["RoleArn"]!, (counts.get(params["RoleArn"]!) ?? 0) + 1);
  return counts;
}

const onceEach = new Map(ROLES.map((role) => [roleArn(role), 1]));

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe("brokerd after 12 hours asleep", () => {
  it("renews 30 roles once each before a client asks", async () => {
    const urls = await inUse();
    jump(12 * HOUR);
    await until(() => aws.calls.length >= ROLES.length);
    const answers = await Promise.all(urls.map((url) => get(url)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const ends = answers.map(({ body }) => Date.parse(body["Expiration"]!));
    expect(Math.min(...ends)).toBeGreaterThan(Date.now() + offset);
    expect(new Map([...callsByRole()].sort())).toEqual(new Map([...onceEach].sort()));
  });

  it("lets no client of the AWS SDK see an error, though they ask while it wakes", async () => {
    const urls = await inUse();
    const stop = { isSaid: false };
    const failures: string[] = [];
    let fetched = 0;
    const clients = urls.map(async (awsContainerCredentialsFullUri) => {
      while (!stop.isSaid) {
        // Before its first call the daemon has not woken: what it answered then was good when it was asked.
        const isAwake = offset > 0 && aws.calls.length > 0;
        await fromHttp({ awsContainerCredentialsFullUri })().then(
          ({ expiration }) => {
            fetched++;
            if (isAwake && (expiration?.getTime() ?? 0) <= Date.now() + offset) failures.push("expired");
          },
          (error: unknown) => failures.push(String(error)),
        );
      }
    });
    await until(() => fetched > 300);
    jump(12 * HOUR);
    const before = fetched;
    await until(() => aws.calls.length >= ROLES.length && fetched > before + 600);
    stop.isSaid = true;
    await Promise.all(clients);
    expect(failures).toEqual([]);
    expect(new Map([...callsByRole()].sort())).toEqual(new Map([...onceEach].sort()));
  });

  it("lets them wait for a network that comes back a moment later", async () => {
    const urls = await inUse();
    await aws.down();
    jump(12 * HOUR);
    const asked = urls.map((awsContainerCredentialsFullUri) => fromHttp({ awsContainerCredentialsFullUri })());
    const outcomes = Promise.allSettled(asked);
    // The SDK asks again for about six seconds: early enough for a busy machine, too late for its first question.
    setTimeout(() => void aws.up(), 1500);
    expect((await outcomes).filter(({ status }) => status === "rejected")).toEqual([]);
  });
});

describe("brokerd that was stopped for 20 seconds, with credentials that live for 20", () => {
  it("serves nothing expired when it goes on, and every client without a break from then on", async () => {
    const urls = (await inUse({ sessionSeconds: 20 })).slice(0, 5);
    // Nothing is half answered when it is stopped: what it had looked at before, it would send after.
    const before = await Promise.all(urls.map((url) => get(url)));
    expect(before.map(({ status }) => status)).toEqual(urls.map(() => 200));
    broker.process?.kill("SIGSTOP");
    await until(() => stateOf(broker.process!) === "T");
    const stop = { isSaid: false };
    const seen: Seen[] = [];
    let wentOnAt = Number.POSITIVE_INFINITY;
    const clients = urls.map(async (url, client) => {
      while (!stop.isSaid) {
        const askedAt = Date.now();
        const { status, body } = await get(url);
        // It answered after this moment: what ends before it was expired already.
        const isLive = status !== 200 || Date.parse(body["Expiration"] ?? "") > Math.max(askedAt, wentOnAt);
        seen.push({ client, answer: `${status} ${body["Code"] ?? ""}`, isLive });
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    expect(seen).toEqual([]);
    wentOnAt = Date.now();
    broker.process?.kill("SIGCONT");
    const servedOf = (asked: number): readonly string[] => {
      const answers = seen.filter(({ client }) => client === asked).map(({ answer }) => answer);
      return answers.slice(answers.indexOf(SERVED));
    };
    const isServed = (client: number): boolean => servedOf(client).includes(SERVED) && servedOf(client).length > 40;
    await until(() => urls.every((_, client) => isServed(client)));
    stop.isSaid = true;
    await Promise.all(clients);
    expect(seen.filter(({ isLive }) => !isLive)).toEqual([]);
    expect(seen.filter(({ answer }) => ![SERVED, "503 CredentialsPending"].includes(answer))).toEqual([]);
    expect(new Set(urls.flatMap((_, client) => servedOf(client)))).toEqual(new Set([SERVED]));
  });
});

const SERVED = "200 Success";

/** An answer, and to which of the clients: its URL has a token, which a failure would print. */
interface Seen {
  readonly client: number;
  readonly answer: string;
  readonly isLive: boolean;
}

/** As proc(5) has it: `T` is stopped by a signal. */
function stateOf({ pid }: ChildProcess): string | undefined {
  return /\) (\w) /.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
}
