// A deployed function's code, here: asks AWS who it is, as often as the event says, or hangs.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

export const handler = async ({ calls = 1, pause = 0, hang = false }, context) => {
  if (hang) {
    console.log(`runtime ${process.pid}`);
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  }
  const sts = new STSClient({});
  const seen = [];
  for (let call = 0; call < calls; call++) {
    if (call > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
    seen.push({ arn: Arn, key: (await sts.config.credentials()).accessKeyId });
  }
  return { seen, table: process.env.TABLE, functionName: context.functionName };
};
