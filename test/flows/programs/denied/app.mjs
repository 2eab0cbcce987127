// A deployed function's code, here: asks AWS what the event says, and may take a refusal as an answer.
import * as iam from "@aws-sdk/client-iam";
import * as lambda from "@aws-sdk/client-lambda";
import * as sts from "@aws-sdk/client-sts";

const CLIENTS = { iam: [iam, iam.IAMClient], lambda: [lambda, lambda.LambdaClient], sts: [sts, sts.STSClient] };

export const handler = async ({ service, command, input, own, isCaught = false }) => {
  const [module, Client] = CLIENTS[service];
  const client = new Client(own ? { credentials: own } : {});
  try {
    return (await client.send(new module[`${command}Command`](input))).$metadata.httpStatusCode;
  } catch (error) {
    if (!isCaught) throw error;
    console.error("refused", error);
    return "refused";
  }
};
