/** Who the SDK v2 for JavaScript is, as `aws sts get-caller-identity` prints it. */
import process from "node:process";
import AWS from "aws-sdk";

// AWS_ENDPOINT_URL is unknown to it.
const sts = new AWS.STS({ endpoint: process.env.AWS_ENDPOINT_URL });
const { UserId, Account, Arn } = await sts.getCallerIdentity().promise();
process.stdout.write(`${JSON.stringify({ UserId, Account, Arn })}\n`);
