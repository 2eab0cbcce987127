/** Who an old SDK v3 for JavaScript is. With SECONDS: again each second in this one process. */
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { GetCallerIdentityCommand, STSClient } from "client-sts-old";

// AWS_ENDPOINT_URL is newer than it.
const sts = new STSClient({ endpoint: process.env.AWS_ENDPOINT_URL });
const endsAt = Date.now() + 1000 * Number(process.argv[2] ?? 0);
for (;;) {
  const { UserId, Account, Arn } = await sts.send(new GetCallerIdentityCommand({}));
  process.stdout.write(`${JSON.stringify({ UserId, Account, Arn })}\n`);
  if (Date.now() >= endsAt) break;
  await pause(1000);
}
