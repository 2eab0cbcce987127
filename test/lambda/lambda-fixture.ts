import type { SigningCredentials } from "../../src/core/credentials.js";
import type { Role } from "../../src/core/role.js";
import { Secret } from "../../src/core/secret.js";
import type { Via } from "../../src/lambda/via.js";
import { ACCOUNT, type AwsFixture, type AwsFixtureOptions, annSigns, startAwsFixture } from "../aws/aws-fixture.js";
import type { FakeRole } from "../fakes/fake-aws/principals.js";
import { keysSource, roleOn, sessionRole } from "../support/roles.js";

export const FUNCTION_ROLE = `arn:aws:iam::${ACCOUNT}:role/service-role/orders-role`;
export const DEV_ROLE = `arn:aws:iam::${ACCOUNT}:role/team/dev`;

export const SERVICE_STATEMENT = {
  Effect: "Allow",
  Principal: { Service: "lambda.amazonaws.com" },
  Action: "sts:AssumeRole",
};
/** As nearly every function's role has it. */
export const SERVICE_ONLY = JSON.stringify({ Version: "2012-10-17", Statement: [SERVICE_STATEMENT] });

/** AWS with a function's role that trusts Lambda alone, and a role of the developer's. */
export function startLambdaFixture(
  functionRole: Partial<FakeRole> = {},
  { roles = [], ...options }: AwsFixtureOptions = {},
): Promise<AwsFixture> {
  return startAwsFixture({
    roles: [{ arn: FUNCTION_ROLE, trustPolicy: SERVICE_ONLY, ...functionRole }, { arn: DEV_ROLE }, ...roles],
    ...options,
  });
}

/** A role of the config, assumed by ARN from ann's key. */
export function devRole(extra: Partial<Role> = {}): Role {
  return roleOn(keysSource(), "dev", {
    assume: { roleArn: DEV_ROLE, roleSessionName: "ann", durationSeconds: 3600 },
    region: "eu-west-1",
    ...extra,
  });
}

/** The developer's role, with credentials that AWS gave for it. */
export async function viaDev(fixture: AwsFixture, extra: Partial<Role> = {}): Promise<Via> {
  const role = devRole(extra);
  const { credentials } = await fixture.sts.assumeRole(annSigns, role.assume!, role.stsRegion);
  return { role, signer: credentials };
}

/** A permission set's role, or any whose ARN the config does not say: AWS knows it by its session. */
export function viaSession(fixture: AwsFixture, roleArn: string): Via {
  const { accessKeyId, secretAccessKey, sessionToken } = fixture.fake.openRole(roleArn, "ann", Date.now() + 3_600_000);
  return {
    role: sessionRole(keysSource(), "session"),
    signer: signing({ accessKeyId, secretAccessKey, sessionToken }),
  };
}

function signing(key: {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
}): SigningCredentials {
  return {
    accessKeyId: key.accessKeyId,
    secretAccessKey: new Secret(key.secretAccessKey),
    sessionToken: new Secret(key.sessionToken ?? ""),
  };
}
