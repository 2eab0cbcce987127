// An ordinary AWS program: it knows nothing of credbroker. It asks AWS once a second who it is, until it has signed
// with as many different keys as the first argument says.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const wanted = Number(process.argv[2]);
const sts = new STSClient({});
const seen = new Set();
const deadline = Date.now() + 60_000;
while (seen.size < wanted) {
  if (Date.now() > deadline) throw new Error("no rotation was seen within a minute");
  const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
  const { accessKeyId } = await sts.config.credentials();
  if (!seen.has(accessKeyId)) console.log(`    key …${accessKeyId.slice(-6)}   ${Arn}`);
  seen.add(accessKeyId);
  if (seen.size < wanted) await new Promise((resolve) => setTimeout(resolve, 1000));
}
