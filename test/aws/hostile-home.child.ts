import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { createAws } from "../../src/aws/aws.js";
import { awsEnvironment } from "../../src/aws/aws-environment.js";
import { SystemClock } from "../../src/system/clock.js";
import { memoryLogger } from "../support/memory-logger.js";
import { annSigns, assuming, ROLE } from "./world.js";

/** Run by hostile-home.test.ts: one call of each service, ours (`broker`) or a client like anybody's (`plain`). */
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
  const { sts, iam, overrides } = createAws({ environment, logger: memoryLogger(), clock: new SystemClock() });
  const { assumedRoleArn } = await sts.assumeRole(annSigns, assuming(ROLE), "eu-west-1");
  const keys = await iam.listAccessKeys(annSigns, "eu-west-1");
  return { assumedRoleArn, keys: keys.length, overrides };
}

process.stdout.write(JSON.stringify(await run(process.argv[2])));
