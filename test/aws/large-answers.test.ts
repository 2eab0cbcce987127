import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Aws, createAws } from "../../src/aws/aws.js";
import { awsEnvironment } from "../../src/aws/aws-environment.js";
import { SdkLocalCredentials } from "../../src/aws/sdk-local-credentials.js";
import { Secret } from "../../src/core/secret.js";
import { SystemClock } from "../../src/system/clock.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { memoryLogger } from "../support/memory-logger.js";
import { tempDir } from "../support/temp-dir.js";
import { annSigns, assuming, REGION, ROLE } from "./aws-fixture.js";

const MIB = 1024 * 1024;
const clock = new SystemClock();
const token = new Secret("token");

let server: Server;
let url: string;
let aws: Aws;
/** What was written to the connections: more than is read, by what the kernel keeps. */
let written = 0;

/** Answers each request without an end, as fast as it is taken, under a status line. */
function endless(socket: Socket, status: string): void {
  socket.write(`HTTP/1.1 ${status}\r\nContent-Type: text/xml\r\nConnection: close\r\n\r\n<Answer>`);
  const piece = Buffer.alloc(64 * 1024, "<a>b</a>");
  const push = (): void => {
    while (socket.writable) {
      written += piece.length;
      if (!socket.write(piece)) return;
    }
  };
  socket.on("drain", push);
  push();
}

let status = "200 OK";
beforeEach(async () => {
  written = 0;
  status = "200 OK";
  server = createServer((socket) => {
    socket.on("error", () => undefined).once("data", () => endless(socket, status));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  aws = createAws({ environment: awsEnvironment({ AWS_ENDPOINT_URL: url }), logger: memoryLogger(), clock });
});
afterEach(() => server.close());

/** What the kernel keeps of both ends, generously. */
const IN_FLIGHT = 16 * MIB;

const CALLS: readonly (readonly [name: string, mib: number, ask: () => Promise<unknown>])[] = [
  ["AssumeRole", 1, () => aws.sts.assumeRole(annSigns, assuming(ROLE), REGION)],
  ["AssumeRoleWithWebIdentity", 1, () => aws.sts.assumeRoleWithWebIdentity(token, assuming(ROLE), REGION)],
  ["ListAccessKeys", 1, () => aws.iam.listAccessKeys(annSigns, REGION)],
  ["GetRole", 4, () => aws.iamRoles.getRole(annSigns, "prod", REGION)],
  ["ListRolePolicies", 4, () => aws.iamRoles.inlinePolicies(annSigns, "prod", REGION)],
  ["GetFunctionConfiguration", 1, () => aws.lambda.getFunctionConfiguration(annSigns, { functionName: "f" }, REGION)],
  ["ListAccounts", 1, () => aws.sso.listAccounts(token, {}, REGION)],
  [
    "RegisterClient",
    1,
    () =>
      aws.ssoOidc.registerClient(
        { clientName: "c", issuerUrl: "https://x.example", scopes: [], grantTypes: [] },
        REGION,
      ),
  ],
];

describe("an answer of AWS without an end", () => {
  it.each(CALLS)("is refused at its limit, and the download ends: %s", async (action, mib, ask) => {
    const error = await brokerErrorOf(ask);

    expect(error).toMatchObject({ code: "AwsUnreachable" });
    expect(error.message).toContain(`${new URL(url).host} gave an answer to ${action} that is too large`);
    expect(error.message).toContain(`more than ${mib} MiB`);
    expect(error.hint).toContain("brokerctl status");
    expect(written).toBeLessThan(IN_FLIGHT);
  });

  it.each(["403 Forbidden", "500 Failing"])("is refused also where it is an error: %s", async (line) => {
    status = line;

    const error = await brokerErrorOf(() => aws.sts.assumeRole(annSigns, assuming(ROLE), REGION));

    expect(error.message).toContain("too large");
    expect(written).toBeLessThan(IN_FLIGHT);
  });

  it("is refused of the container's credentials too", async () => {
    const variables = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/container` };
    const local = new SdkLocalCredentials({ sts: aws.sts, clock, home: tempDir("large", "input"), variables });

    const error = await brokerErrorOf(() => local.container());

    expect(error).toMatchObject({ code: "AwsUnreachable" });
    expect(error.message).toContain("the container's credentials gave an answer");
    expect(written).toBeLessThan(IN_FLIGHT);
  });
});
