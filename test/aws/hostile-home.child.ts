import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { type Aws, createAws } from "../../src/aws/aws.js";
import { awsEnvironment } from "../../src/aws/aws-environment.js";
import { toBrokerError } from "../../src/core/errors.js";
import { Secret } from "../../src/core/secret.js";
import { SystemClock } from "../../src/system/clock.js";
import { memoryLogger } from "../support/memory-logger.js";
import { annSigns, assuming, ROLE } from "./aws-fixture.js";
import { CODE_CLIENT } from "./identity-center-fixture.js";

/** Run by hostile-home.test.ts: one call of each service, ours (`broker`) or a client as any program has one (`plain`). */
async function run(kind: string | undefined): Promise<unknown> {
  if (kind === "plain") {
    const secretAccessKey = annSigns.secretAccessKey.reveal();
    const client = new STSClient({
      credentials: { accessKeyId: annSigns.accessKeyId, secretAccessKey },
      maxAttempts: 1,
    });
    return client.send(new GetCallerIdentityCommand({})).then(
      () => ({ ok: true }),
      () => ({ ok: false }),
    );
  }
  const environment = awsEnvironment(process.env);
  if (kind === "sso")
    return callIdentityCenter(createAws({ environment, logger: memoryLogger(), clock: new SystemClock() }));
  const { sts, iam, overrides } = createAws({ environment, logger: memoryLogger(), clock: new SystemClock() });
  const { assumedRoleArn } = await sts.assumeRole(annSigns, assuming(ROLE), "eu-west-1");
  const keys = await iam.listAccessKeys(annSigns, "eu-west-1");
  return { assumedRoleArn, keys: keys.length, overrides };
}

/** Unsigned calls, which need no credentials and should look for none. */
async function callIdentityCenter({ sso, ssoOidc }: Aws): Promise<unknown> {
  const { clientId } = await ssoOidc.registerClient(CODE_CLIENT, "eu-west-1");
  const url = await ssoOidc.authorizeUrl({ client_id: clientId }, "eu-west-1");
  const listed = await sso.listAccounts(new Secret("none"), {}, "eu-west-1").catch((error: unknown) => error);
  return { host: new URL(url).host, listed: toBrokerError(listed).code };
}

process.stdout.write(JSON.stringify(await run(process.argv[2])));
