import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

interface Order {
  readonly order: number;
}

const sts = new STSClient({});

export const handler = async ({ order }: Order): Promise<{ arn: string | undefined; order: number }> => {
  const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
  return { arn: Arn, order };
};
