import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const sts = new STSClient({});

/** The identity that signed, as AWS says it. */
export async function whoAmI() {
  return (await sts.send(new GetCallerIdentityCommand({}))).Arn;
}
