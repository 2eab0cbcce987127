import { type Aws, createAws } from "../../src/aws/aws.js";
import { awsEnvironment } from "../../src/aws/aws-environment.js";
import type { SigningCredentials } from "../../src/core/credentials.js";
import type { AssumeRoleParameters } from "../../src/core/role.js";
import { Secret } from "../../src/core/secret.js";
import { type Clock, SystemClock } from "../../src/system/clock.js";
import { type FakeAws, type FakeAwsOptions, startFakeAws } from "../fakes/fake-aws/fake-aws.js";
import { canarySecretKey } from "../support/canaries.js";
import { memoryLogger } from "../support/memory-logger.js";

export const ACCOUNT = "111111111111";
export const REGION = "eu-west-1";
export const MFA_SERIAL = `arn:aws:iam::${ACCOUNT}:mfa/ann`;
export const ROLE = "arn:aws:iam::222222222222:role/prod";
export const CHAINED_ROLE = "arn:aws:iam::333333333333:role/path/deep";

export const ann = {
  accessKeyId: "AKIAANN0000000000001",
  secretAccessKey: canarySecretKey("ann"),
  account: ACCOUNT,
  userName: "ann",
  mfaSerial: MFA_SERIAL,
} as const;

/** Ann's long-term key. */
export const annSigns: SigningCredentials = {
  accessKeyId: ann.accessKeyId,
  secretAccessKey: new Secret(ann.secretAccessKey),
};

export interface AwsFixture extends Aws {
  readonly fake: FakeAws;
  readonly logger: ReturnType<typeof memoryLogger>;
}

export interface AwsFixtureOptions extends Partial<FakeAwsOptions> {
  /** Of our side. */
  readonly ourClock?: Clock;
  readonly variables?: Readonly<Record<string, string>>;
}

/** The AWS clients before a fake AWS with one user and two roles, one of which trusts only the other. */
export async function startAwsFixture({
  ourClock = new SystemClock(),
  variables,
  ...options
}: AwsFixtureOptions = {}): Promise<AwsFixture> {
  const roles = [
    { arn: ROLE, maxSessionDuration: 43_200 },
    { arn: CHAINED_ROLE, trusts: [ROLE] },
  ];
  const fake = await startFakeAws({ users: [ann], roles, ...options });
  const logger = memoryLogger();
  const environment = awsEnvironment(variables ?? { AWS_ENDPOINT_URL: fake.url });
  return { fake, logger, ...createAws({ environment, logger, clock: ourClock }) };
}

export function assuming(roleArn: string, more: Partial<AssumeRoleParameters> = {}): AssumeRoleParameters {
  return { roleArn, roleSessionName: "credbroker", durationSeconds: 3600, ...more };
}
