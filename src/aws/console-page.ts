import { BrokerError } from "../core/errors.js";

/** What the console's URLs call services that users call otherwise: by the AWS CLI's name, or a usual one. */
const PATHS: ReadonlyMap<string, string> = new Map([
  ["apigatewayv2", "apigateway"],
  ["application-autoscaling", "awsautoscaling"],
  ["asg", "ec2autoscaling"],
  ["autoscaling", "ec2autoscaling"],
  ["billing", "costmanagement"],
  ["ce", "costmanagement"],
  ["cfn", "cloudformation"],
  ["cloudfront", "cloudfront/v4"],
  ["cognito-idp", "cognito/v2"],
  ["cognito", "cognito/v2"],
  ["configservice", "config"],
  ["cw", "cloudwatch"],
  ["ddb", "dynamodbv2"],
  ["dynamodb", "dynamodbv2"],
  ["ecs", "ecs/v2"],
  ["efs", "efs"],
  ["elasticache", "elasticache"],
  ["elb", "ec2"],
  ["elbv2", "ec2"],
  ["eventbridge", "events"],
  ["logs", "cloudwatch"],
  ["opensearch", "aos"],
  ["r53", "route53/v2"],
  ["route53", "route53/v2"],
  ["sagemaker", "sagemaker"],
  ["secrets", "secretsmanager"],
  ["ses", "ses"],
  ["sesv2", "ses"],
  ["sfn", "states"],
  ["sns", "sns/v3"],
  ["sqs", "sqs/v3"],
  ["sso", "singlesignon"],
  ["sso-admin", "singlesignon"],
  ["ssm", "systems-manager"],
  ["stepfunctions", "states"],
  ["stepf", "states"],
  ["vpc", "vpcconsole"],
  ["waf", "wafv2"],
]);
/** A path of the console, and nothing that could leave it: no dots, no other host, no query. */
const SERVICE = /^[a-z0-9](?:[a-z0-9-]|\/(?=[a-z0-9])){0,63}$/;

/** `https://REGION.console.aws.amazon.com/SERVICE/home?region=REGION`, on the console of the sign-in host's partition. */
export function consolePageUrl(signInHost: string, region: string, service = "console"): string {
  if (!SERVICE.test(service)) {
    throw new BrokerError("UsageInvalid", `'${service}' is not the name of a service`, {
      hint: "brokerctl console ROLE --service s3",
    });
  }
  const host = signInHost.replace(/^[^.]+\.signin\./, `${region}.console.`);
  return `https://${host}/${PATHS.get(service) ?? service}/home?region=${region}`;
}
