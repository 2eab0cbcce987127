/** Who the JavaScript SDK is, as `aws sts get-caller-identity` prints it. With SECONDS: again and again in this one process. */
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const PAUSE_MS = 250;

// No credentials are given: the SDK's own default chain looks for them.
const sts = new STSClient({});
const endsAt = Date.now() + 1000 * Number(process.argv[2] ?? 0);
for (;;) {
  const { UserId, Account, Arn } = await sts.send(new GetCallerIdentityCommand({}));
  process.stdout.write(`${JSON.stringify({ UserId, Account, Arn })}\n`);
  if (Date.now() >= endsAt) break;
  await pause(PAUSE_MS);
}
