import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { canarySecretKey } from "../../support/canaries.js";
import { FakeClock } from "../../support/fake-clock.js";
import { type FakeAws, startFakeAws } from "./fake-aws.js";
import { signature } from "./sigv4.js";

const user = {
  accessKeyId: "AKIAUSER000000000001",
  secretAccessKey: canarySecretKey("user"),
  account: "111111111111",
  userName: "user",
};
const clock = new FakeClock("2026-01-01T00:00:00Z");
let aws: FakeAws;
beforeEach(async () => {
  aws = await startFakeAws({ users: [user], clock, sessionSeconds: 20 });
});
afterEach(() => aws.close());

interface SignedCall {
  readonly body?: string;
  readonly service?: string;
  readonly region?: string;
  readonly date?: string;
  readonly secret?: string;
  readonly method?: string;
  readonly target?: string;
}

/** Signed by hand, so that every part of it can be wrong. */
async function send(call: SignedCall = {}): Promise<{ status: number; text: string; date: string | null }> {
  const {
    method = "POST",
    target = "/",
    body = method === "GET" ? "" : "Action=GetCallerIdentity&Version=2011-06-15",
  } = call;
  const { service = "sts", region = "eu-west-1", date = "20260101T000000Z", secret = user.secretAccessKey } = call;
  const headers = { host: new URL(aws.url).host, "x-amz-date": date };
  const claim = {
    accessKeyId: user.accessKeyId,
    date: date.slice(0, 8),
    region,
    service,
    signedHeaders: ["host", "x-amz-date"],
  };
  const proof = signature(secret, { method, target, headers, body }, claim);
  const scope = `${claim.accessKeyId}/${claim.date}/${region}/${service}/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=${proof}`;
  const answer = await fetch(`${aws.url}${target}`, {
    method,
    headers: { ...headers, authorization },
    ...(method === "GET" ? {} : { body }),
  });
  return { status: answer.status, text: await answer.text(), date: answer.headers.get("date") };
}

describe("what is signed", () => {
  test("rightly is answered, by POST and by GET, with the fake's own date", async () => {
    expect(await send()).toMatchObject({ status: 200, date: "Thu, 01 Jan 2026 00:00:00 GMT" });
    expect(await send({ method: "GET", target: "/?Action=GetCallerIdentity&Version=2011-06-15" })).toMatchObject({
      status: 200,
    });
    expect(aws.countOf("GetCallerIdentity")).toBe(2);
  });

  test.each<[string, SignedCall, string]>([
    ["with another secret", { secret: "wrong" }, "SignatureDoesNotMatch"],
    ["for no region", { region: "everywhere" }, "SignatureDoesNotMatch"],
    ["for another service", { service: "s3" }, "SignatureDoesNotMatch"],
    ["16 minutes ago", { date: "20251231T234400Z" }, "SignatureDoesNotMatch"],
    ["16 minutes ahead", { date: "20260101T001600Z" }, "SignatureDoesNotMatch"],
    ["at no time", { date: "20260101" }, "SignatureDoesNotMatch"],
  ])("%s is refused and counts as no call", async (_name, call, code) => {
    const answer = await send(call);

    expect(answer).toMatchObject({ status: 403 });
    expect(answer.text).toContain(`<Code>${code}</Code>`);
    expect(aws.unauthenticated).toEqual([code]);
    expect(aws.calls).toEqual([]);
  });

  test("14 minutes off is tolerated", async () => {
    expect(await send({ date: "20251231T234600Z" })).toMatchObject({ status: 200 });
    expect(await send({ date: "20260101T001400Z" })).toMatchObject({ status: 200 });
  });

  test("not at all is refused", async () => {
    const answer = await fetch(aws.url, { method: "POST", body: "Action=GetCallerIdentity" });

    expect(answer.status).toBe(403);
    expect(aws.unauthenticated).toEqual(["MissingAuthenticationToken"]);
  });

  test("for an action there is not is refused after the signature was proved", async () => {
    for (const action of ["DeleteEverything", "constructor", ""]) {
      const answer = await send({ body: `Action=${action}` });
      expect(answer.status).toBe(400);
      expect(answer.text).toContain("InvalidAction");
    }
  });
});

describe("faults", () => {
  test("end after as many times as they were set for", async () => {
    aws.faults.set("GetCallerIdentity", { kind: "unavailable", times: 2 });

    expect([await send(), await send(), await send()].map(({ status }) => status)).toEqual([503, 503, 200]);
  });

  test("of all actions are met by each, and cleared together", async () => {
    aws.faults.set("*", { kind: "throttle", retryAfterSeconds: 2 });
    expect((await send()).text).toContain("Throttling");

    aws.faults.clear();

    expect(await send()).toMatchObject({ status: 200 });
  });

  test("hold requests until they are released, one by one counted", async () => {
    const hold = aws.faults.hold("GetCallerIdentity");
    const answers = Promise.all([send(), send()]);
    await hold.arrived(2);
    expect(hold.waiting).toBe(2);

    hold.release();

    expect((await answers).map(({ status }) => status)).toEqual([200, 200]);
    expect(hold.waiting).toBe(0);
  });

  test("down refuses connections on the same port until up", async () => {
    await aws.down();
    await expect(send()).rejects.toThrow();

    await aws.up();

    expect(await send()).toMatchObject({ status: 200 });
  });

  test("slow answers rightly", async () => {
    aws.faults.set("GetCallerIdentity", { kind: "slow", milliseconds: 1 });

    expect(await send()).toMatchObject({ status: 200 });
  });
});

describe("sessions", () => {
  const role = "arn:aws:iam::222222222222:role/dev";
  const assume = (): Promise<{ text: string }> =>
    send({ body: `Action=AssumeRole&RoleArn=${encodeURIComponent(role)}&RoleSessionName=me` });

  test("live as long as the fake is told, in whole seconds", async () => {
    aws.setRole({ arn: role });
    expect((await assume()).text).toContain("<Expiration>2026-01-01T00:00:20Z</Expiration>");

    aws.setSessionSeconds(undefined);

    expect((await assume()).text).toContain("<Expiration>2026-01-01T01:00:00Z</Expiration>");
  });

  test("belong to the role until it is removed", async () => {
    aws.setRole({ arn: role, trusts: (caller) => caller.userName === "user" });
    const id = /<AccessKeyId>(\w+)</.exec((await assume()).text)?.[1] ?? "";
    expect(aws.whoIs(id)).toMatchObject({ kind: "role", roleArn: role, account: "222222222222" });

    aws.removeRole(role);

    expect((await assume()).text).toContain("AccessDenied");
  });
});
