import { type Bench, DEV, PROD, startBench, testRole } from "../clients/bench.js";
import { callAws } from "../support/aws-calls.js";
import type { Outcome } from "../support/broker.js";
import { runToEnd } from "../support/processes.js";
import type { UpstreamCall } from "../support/upstream-request.js";
import { BUCKET, type MatrixClient, OBJECT } from "./client.js";

/** Sessions end within a client's sight. */
export const BRIEF = testRole({ name: "brief", account: "444444444444", region: "eu-west-1" });
export const BRIEF_SECONDS = 12;
/** Roles by the minutes that a client is told its credentials have left when it first sees them: 59, 15 and 5. */
export const LIVES = [
  { minutes: 59, role: DEV, seconds: 3600 },
  { minutes: 15, role: testRole({ name: "quarter", account: "555555555555", region: "eu-west-1" }), seconds: 16 * 60 },
  { minutes: 5, role: testRole({ name: "five", account: "666666666666", region: "eu-west-1" }), seconds: 333 },
] as const;
/** Of an Identity Center that no one has logged in to. */
export const NEEDS_LOGIN = "needs-login";
/** For a hundred programs at once. */
export const BURST = testRole({ name: "burst", account: "777777777777", region: "eu-west-1" });

/** The broker, and the roles' ways to AWS. */
export interface MatrixBench extends Bench {
  /** Runs a client's program in that environment; what it did is found under `label`. */
  run(client: MatrixClient, options: RunOptions): Promise<Outcome>;
  /** The variables that lead a client to AWS. */
  upstream(label: string): Promise<Readonly<Record<string, string>>>;
  callsOf(label: string): readonly UpstreamCall[];
  /** One that the broker gives credentials for. */
  isRole(roleArn: string | undefined): boolean;
}

export interface RunOptions {
  readonly label: string;
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly seconds?: number;
}

export async function startMatrixBench(): Promise<MatrixBench> {
  const roles = [BRIEF, ...LIVES.slice(1).map(({ role }) => role), BURST];
  const lives = LIVES.map(({ role, seconds }) => [role.roleArn, seconds] as const);
  const bench = await startBench({
    sessionSeconds: 3600,
    sessionSecondsOf: { ...Object.fromEntries(lives), [BRIEF.roleArn]: BRIEF_SECONDS },
    roles,
    roleToLogInTo: NEEDS_LOGIN,
  });
  const configuration = { LocationConstraint: DEV.region };
  await callAws(await bench.proxy.ownUrl("set-up"), [
    ["s3", "create_bucket", { Bucket: BUCKET, CreateBucketConfiguration: configuration }],
    ["s3", "put_object", { Bucket: BUCKET, Key: OBJECT, Body: "hello" }],
  ]);
  const upstream = async (label: string): Promise<Readonly<Record<string, string>>> => {
    const url = await bench.proxy.ownUrl(label);
    return { AWS_ENDPOINT_URL: url, AWS_ENDPOINT_URL_STS: url, AWS_ENDPOINT_URL_S3: url, AWS_ENDPOINT_URL_IAM: url };
  };
  return {
    ...bench,
    upstream,
    callsOf: (label) => bench.proxy.callsOf(label),
    isRole: (roleArn) => [DEV, PROD, ...roles].some((role) => role.roleArn === roleArn),
    async run(client, { label, env, command, seconds = 60 }) {
      const all = { ...env, ...client.env, ...(await upstream(label)) };
      return runToEnd(command, { env: all, cwd: env["HOME"] ?? "/", seconds });
    },
  };
}

/** The role by whose lease a client of this way signs. */
export const ROLE_OF = { bare: DEV, env: DEV, exec: PROD } as const;
