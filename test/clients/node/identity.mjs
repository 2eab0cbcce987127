/** Who the SDK v2 for JavaScript is, as `aws sts get-caller-identity` prints it. With SECONDS: again each second in this one process. */
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import AWS from "aws-sdk";

// AWS_ENDPOINT_URL is unknown to it.
const sts = new AWS.STS({ endpoint: process.env.AWS_ENDPOINT_URL });
const endsAt = Date.now() + 1000 * Number(process.argv[2] ?? 0);
for (;;) {
  const { UserId, Account, Arn } = await sts.getCallerIdentity().promise();
  process.stdout.write(`${JSON.stringify({ UserId, Account, Arn })}\n`);
  if (Date.now() >= endsAt) break;
  await pause(1000);
}
