import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canarySecretKey } from "../support/canaries.js";
import { runToEnd } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";
import { startUpstream, type Upstream } from "../support/upstream.js";
import { AWS_CLI, type AwsClient, BOTO3, CLIENTS, JAVASCRIPT, QUIET } from "./aws-clients.js";
import { arnsIn, SUCCESS } from "./outcomes.js";
import { startStaticEndpoint } from "./static-endpoint.js";

const ROLE_ARN = "arn:aws:iam::222222222222:role/Developer";
const NAMED = CLIENTS.map((client) => ({ name: client.name, client }));

let upstream: Upstream;
beforeAll(async () => {
  upstream = await startUpstream({ sessionSeconds: 3600 });
});
afterAll(async () => upstream.stop());

/** Everything here runs without a broker: it shows that the fixture in which the broker is tested can fail. */
describe("the fixture, without a broker", () => {
  it.concurrent.each(NAMED)("$name is whom the endpoint's credentials speak for", async ({ client, name }) => {
    const session = await assumeRole();
    const outcome = await askWith(client, { label: name, session });
    expect(outcome).toEqual(SUCCESS);
    expect(arnsIn(outcome)).toEqual(["arn:aws:sts::222222222222:assumed-role/Developer/session"]);
    expect(upstream.proxy.keysOf(name)).toEqual([session.accessKeyId]);
  });

  it.concurrent.each(NAMED)("$name fails with a session that has ended", async ({ client, name }) => {
    const session = await endedSession();
    const outcome = await askWith(client, { label: `${name}, ended`, session });
    expect(outcome.code).not.toBe(0);
    expect(arnsIn(outcome)).toEqual([]);
  });

  it("refuses a session that has ended, whatever its holder believes", async () => {
    const session = { ...(await endedSession()), expiration: "2099-01-01T00:00:00Z" };
    const outcome = await askWith(BOTO3, { label: "believes", session });
    expect(outcome.stderr).toContain("ExpiredToken");
    expect(upstream.proxy.callsOf("believes").map(({ status }) => status)).toEqual([403]);
  });

  it("ends a program that does not end by itself, and its children", async () => {
    const outcome = await runToEnd(["/bin/sh", "-c", "sleep 600 & wait"], { env: {}, seconds: 0.2 });
    expect(outcome.signal).toBe("SIGKILL");
  });

  it("tells the clients apart", () => {
    expect(new Set([AWS_CLI, BOTO3, JAVASCRIPT].map(({ identity }) => identity.join(" "))).size).toBe(3);
  });
});

interface Session {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly token: string;
  readonly expiration: string;
}

async function endedSession(): Promise<Session> {
  const session = await assumeRole();
  upstream.proxy.end(session.accessKeyId);
  return { ...session, expiration: "2020-01-01T00:00:00Z" };
}

/** AssumeRole by the AWS CLI with a long-term key. */
async function assumeRole(): Promise<Session> {
  const [aws = ""] = AWS_CLI.identity;
  const names = ["--role-arn", ROLE_ARN, "--role-session-name", "session", "--output", "json"];
  const env = {
    ...baseEnvironment("session"),
    AWS_ACCESS_KEY_ID: "AKIALONGTERM00000000",
    AWS_SECRET_ACCESS_KEY: canarySecretKey(),
  };
  const outcome = await runToEnd([aws, "sts", "assume-role", ...names], { env });
  expect(outcome).toEqual(SUCCESS);
  const { Credentials: it } = JSON.parse(outcome.stdout) as { Credentials: Record<string, string> };
  return {
    accessKeyId: it["AccessKeyId"]!,
    secretAccessKey: it["SecretAccessKey"]!,
    token: it["SessionToken"]!,
    expiration: it["Expiration"]!.replace("+00:00", "Z"),
  };
}

async function askWith(
  client: AwsClient,
  { label, session }: { label: string; session: Session },
): ReturnType<typeof runToEnd> {
  const body = {
    AccessKeyId: session.accessKeyId,
    SecretAccessKey: session.secretAccessKey,
    Token: session.token,
    Expiration: session.expiration,
  };
  const endpoint = await startStaticEndpoint({ status: 200, body });
  const env = { ...baseEnvironment(label), AWS_CONTAINER_CREDENTIALS_FULL_URI: endpoint.url };
  const outcome = await runToEnd(client.identity, { env });
  endpoint.server.closeAllConnections();
  endpoint.server.close();
  return outcome;
}

function baseEnvironment(label: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: tempDir("home"),
    ...QUIET,
    AWS_REGION: "eu-west-1",
    AWS_DEFAULT_REGION: "eu-west-1",
    AWS_ENDPOINT_URL: upstream.proxy.url(label),
  };
}
