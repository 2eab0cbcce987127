/**
 * Services that a scope may name, by their IAM prefix, with the actions that read: words end with `*` but for those that are
 * marked `=`. What reads but gives other credentials or decrypts is not among them (GetSecretValue, GetFederationToken,
 * GetClusterCredentials, Decrypt), as in AWS's own ReadOnlyAccess.
 */
const READ_ACTIONS: Readonly<Record<string, string>> = {
  ec2: "Describe Get Search",
  s3: "Describe Get List",
  cloudformation: "Describe Get List",
  cloudwatch: "Describe Get List",
  logs: "Describe Filter Get List =StartQuery =StopQuery",
  lambda: "Get List",
  dynamodb: "BatchGet Describe =GetItem List =Query =Scan",
  iam: "Get List",
  ecs: "Describe List",
  ecr: "BatchCheck BatchGet Describe Get List",
  eks: "Describe List",
  rds: "Describe List",
  sqs: "Get List",
  sns: "Get List",
  events: "Describe List",
  states: "Describe Get List",
  apigateway: "=GET",
  elasticloadbalancing: "Describe",
  autoscaling: "Describe",
  route53: "Get List",
  cloudfront: "Describe Get List",
  acm: "Describe Get List",
  kms: "Describe Get List",
  secretsmanager: "Describe =GetResourcePolicy List",
  ssm: "Describe Get List",
  cloudtrail: "Describe Get List Lookup",
  kinesis: "Describe Get List",
  elasticache: "Describe List",
  codebuild: "BatchGet List",
  codepipeline: "Get List",
  tag: "Get",
  organizations: "Describe List",
  xray: "BatchGet Get",
  athena: "BatchGet Get List",
  "cognito-idp": "AdminGet AdminList Describe Get List",
  elasticfilesystem: "Describe List",
  firehose: "Describe List",
  glue: "BatchGet Get List Search",
  kafka: "Describe Get List",
  scheduler: "Get List",
  // beyond what fits into `--read-only` alone
  "access-analyzer": "Get List",
  appconfig: "Get List",
  backup: "Describe Get List",
  batch: "Describe List",
  bedrock: "Get List",
  budgets: "Describe View",
  ce: "Describe Get List",
  codecommit: "BatchGet Describe Get =GitPull List",
  codedeploy: "BatchGet Get List",
  config: "BatchGet Describe Get List Select",
  elasticmapreduce: "Describe List View",
  es: "Describe =ESHttpGet =ESHttpHead Get List",
  fsx: "Describe List",
  guardduty: "Describe Get List",
  health: "Describe",
  inspector2: "BatchGet Get List Search",
  memorydb: "Describe List",
  pipes: "Describe List",
  pricing: "Describe Get List",
  redshift: "Describe List View",
  "resource-groups": "Get List Search",
  sagemaker: "Describe Get List =Search",
  securityhub: "BatchGet Describe Get List",
  servicequotas: "Get List",
  ses: "Describe Get List",
  sts: "=GetAccessKeyInfo =GetCallerIdentity",
  transfer: "Describe List",
  wafv2: "Describe Get List",
};

export const POLICY_SERVICES: readonly string[] = Object.keys(READ_ACTIONS);

/** What `--read-only` is where it cannot be AWS's ReadOnlyAccess: the first of the table, as many as one policy holds. */
export const READ_ONLY_SERVICES: readonly string[] = POLICY_SERVICES.slice(
  0,
  POLICY_SERVICES.indexOf("access-analyzer"),
);

/** Actions of `s3` or `s3:read`. */
export function actionsOf(service: string): readonly string[] {
  const [name = "", level] = service.split(":");
  if (level === undefined) return [`${name}:*`];
  const words = (READ_ACTIONS[name] ?? "").split(" ");
  return words.map((word) => `${name}:${word.startsWith("=") ? word.slice(1) : `${word}*`}`);
}
