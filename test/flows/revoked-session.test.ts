import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { get, type HttpAnswer, InProcessBroker } from "../support/in-process-broker.js";

const SECOND = 1000;
const AGENT = { by: "name", name: "agent" } as const;

let broker: InProcessBroker;
let url: string;

beforeEach(async () => {
  broker = await InProcessBroker.ready();
  await broker.call("warm", { role: "dev" });
  const access = await broker.call("lease-create", { name: "agent", role: "dev", scope: { sessionSeconds: 60 } });
  url = access.leaseUrl;
});
afterEach(async () => broker.close());

/** What AWS answers a program that signs with these keys now: the role, or the code of its refusal. */
async function answerTo({ body }: HttpAnswer): Promise<string> {
  const client = new STSClient({
    ...{ endpoint: broker.aws.url, region: "eu-west-1", maxAttempts: 1 },
    systemClockOffset: broker.clock.now() - Date.now(),
    credentials: {
      accessKeyId: body["AccessKeyId"] ?? "",
      secretAccessKey: body["SecretAccessKey"] ?? "",
      sessionToken: body["Token"] ?? "",
    },
  });
  try {
    const { Arn = "" } = await client.send(new GetCallerIdentityCommand({}));
    return Arn.split("/")[1] ?? Arn;
  } catch (error) {
    return (error as Error).name;
  } finally {
    client.destroy();
  }
}

describe("the keys of a lease whose sessions are of a minute", () => {
  it("work until it is revoked, and 60 s after that AWS takes none that it ever gave", async () => {
    const given: HttpAnswer[] = [];
    for (let fetched = 0; fetched < 6; fetched++) {
      const answer = await get(url);
      expect(answer.status).toBe(200);
      expect(await answerTo(answer)).toBe("dev");
      given.push(answer);
      await broker.clock.advance(20 * SECOND);
    }
    const last = await get(url);
    await broker.call("lease-revoke", { lease: AGENT });

    expect((await get(url)).body).toMatchObject({ code: "LeaseEnded" });
    expect(await answerTo(last)).toBe("dev");
    await broker.clock.advance(60 * SECOND);
    const answers = await Promise.all([...given, last].map(answerTo));
    expect(new Set(answers)).toEqual(new Set(["ExpiredToken"]));
  });

  it("are made for all who ask in that time at once, not for each", async () => {
    await Promise.all(Array.from({ length: 20 }, () => get(url)));
    expect(broker.aws.countOf("GetScopedCredentials")).toBe(1);
  });
});
