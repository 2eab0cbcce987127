// An AWS program with the SDK's default chain: prints one JSON line a call. argv: calls, pause in ms.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const [calls, pause] = process.argv.slice(2).map(Number);
const sts = new STSClient({});
for (let call = 0; call < calls; call++) {
  if (call > 0) await new Promise((resolve) => setTimeout(resolve, pause));
  try {
    const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
    const { accessKeyId } = await sts.config.credentials();
    console.log(JSON.stringify({ arn: Arn, key: accessKeyId }));
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }));
  }
}
