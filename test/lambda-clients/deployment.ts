import type { AwsCall } from "../support/aws-calls.js";

/** moto's one account. */
export const ACCOUNT = "123456789012";
export const REGION = "eu-west-1";
export const BUCKET = "orders-dev-uploads";
/** The role that a developer has. */
export const DEVELOPER_ARN = `arn:aws:iam::${ACCOUNT}:role/Developer`;
/** As Serverless Framework names them; this one's trust policy lets the developer in. */
export const SERVICE_ROLE = `orders-dev-${REGION}-lambdaRole`;
/** Trusts the Lambda service alone, and has two managed and two inline policies. */
export const WORKER_ROLE = `worker-dev-${REGION}-lambdaRole`;
export const WORKER = "worker-dev-consume";
/** An image; its role is the worker's too. */
export const IMAGE = "worker-dev-image";
/** Its function and role have the names that CloudFormation gives them. */
export const SAM_STACK = "sam-orders";
/** Its role was deleted. */
export const ORPHAN = "orphan-dev-api";

const VERSION = "2012-10-17";
const LAMBDA_SERVICE = statement({ Service: ["lambda.amazonaws.com"] });
const TRUSTS_DEVELOPER = [LAMBDA_SERVICE, statement({ AWS: [DEVELOPER_ARN] })];
/** A trust policy as IAM keeps it. */
export const WORKER_TRUST = { Version: VERSION, Statement: [LAMBDA_SERVICE] };
export const WORKER_INLINE = {
  "worker-dev-lambda": allow("sqs:ReceiveMessage", `arn:aws:sqs:${REGION}:${ACCOUNT}:worker-dev`),
  "worker-dev-tables": allow("dynamodb:*Item", `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/worker-dev`),
} as const;
export const WORKER_MANAGED = [
  "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
  `arn:aws:iam::${ACCOUNT}:policy/worker/worker-dev-keys`,
] as const;

interface DeployedFunction {
  /** Without one, CloudFormation gives it one. */
  readonly name?: string;
  readonly runtime: string;
  readonly handler: string;
}

/** One for each language, all with the service's role. */
export const FUNCTIONS = {
  node: { name: "orders-dev-node", runtime: "nodejs20.x", handler: "app.handler" },
  python: { name: "orders-dev-python", runtime: "python3.12", handler: "app.handler" },
  go: { name: "orders-dev-go", runtime: "provided.al2023", handler: "bootstrap" },
  rust: { name: "orders-dev-rust", runtime: "provided.al2023", handler: "bootstrap" },
} as const satisfies Record<string, DeployedFunction>;
export type Language = keyof typeof FUNCTIONS;
export const LANGUAGES = Object.keys(FUNCTIONS) as readonly Language[];

/** What `serverless deploy` gives a function of a service. */
export const VARIABLES = { TABLE: "orders-dev", BUCKET, GREETING: "gr\u00fc\u00dfe, $USER" } as const;

/**
 * Two services and the developer's role, deployed by CloudFormation; beside them what moto's CloudFormation does not make:
 * a function as an image, and one whose role is deleted afterwards.
 */
export const DEPLOY: readonly AwsCall[] = [
  stack("account", { Developer: role("Developer", [statement({ AWS: [`arn:aws:iam::${ACCOUNT}:root`] })]) }),
  stack("orders-dev", ordersService()),
  stack("worker-dev", workerService()),
  // moto's CloudFormation leaves ManagedPolicyArns out, and keeps Policies as Python prints them.
  ...Object.entries(WORKER_INLINE).map(([name, document]) => inlinePolicy(name, document)),
  ...WORKER_MANAGED.map((PolicyArn): AwsCall => ["iam", "attach_role_policy", { RoleName: WORKER_ROLE, PolicyArn }]),
  stack(SAM_STACK, samApplication()),
  imageFunction(IMAGE, arn(WORKER_ROLE)),
  ["iam", "create_role", { RoleName: "orphan", AssumeRolePolicyDocument: JSON.stringify(WORKER_TRUST) }],
  stack("orphan-dev", {
    Api: lambdaFunction({ name: ORPHAN, runtime: "nodejs20.x", handler: "app.handler" }, arn("orphan")),
  }),
  ["iam", "delete_role", { RoleName: "orphan" }],
];

export function arn(roleName: string): string {
  return `arn:aws:iam::${ACCOUNT}:role/${roleName}`;
}

function ordersService(): Record<string, unknown> {
  const functions = Object.entries(FUNCTIONS).map(([language, each]) => [
    `${language}LambdaFunction`,
    lambdaFunction(each, { "Fn::GetAtt": ["IamRoleLambdaExecution", "Arn"] }),
  ]);
  return {
    Uploads: { Type: "AWS::S3::Bucket", Properties: { BucketName: BUCKET } },
    IamRoleLambdaExecution: role(SERVICE_ROLE, TRUSTS_DEVELOPER),
    ...(Object.fromEntries(functions) as Record<string, unknown>),
  };
}

function samApplication(): Record<string, unknown> {
  return {
    ApiFunctionRole: role(undefined, TRUSTS_DEVELOPER),
    ApiFunction: lambdaFunction(
      { runtime: "nodejs20.x", handler: "app.handler" },
      { "Fn::GetAtt": ["ApiFunctionRole", "Arn"] },
    ),
  };
}

function workerService(): Record<string, unknown> {
  return {
    Keys: {
      Type: "AWS::IAM::ManagedPolicy",
      Properties: { ManagedPolicyName: "worker-dev-keys", Path: "/worker/", PolicyDocument: allow("kms:Decrypt", "*") },
    },
    IamRoleLambdaExecution: role(WORKER_ROLE, [LAMBDA_SERVICE]),
    Consume: lambdaFunction(
      { name: WORKER, runtime: "nodejs20.x", handler: "app.handler" },
      { "Fn::GetAtt": ["IamRoleLambdaExecution", "Arn"] },
    ),
  };
}

function stack(name: string, resources: Readonly<Record<string, unknown>>): AwsCall {
  const template = { AWSTemplateFormatVersion: "2010-09-09", Resources: resources };
  const parameters = {
    StackName: name,
    TemplateBody: JSON.stringify(template),
    Capabilities: ["CAPABILITY_NAMED_IAM"],
  };
  return ["cloudformation", "create_stack", parameters];
}

function role(name: string | undefined, trust: readonly unknown[]): unknown {
  const document = { Version: VERSION, Statement: trust };
  return { Type: "AWS::IAM::Role", Properties: { RoleName: name, AssumeRolePolicyDocument: document } };
}

function lambdaFunction({ name, runtime, handler }: DeployedFunction, roleArn: unknown): unknown {
  return {
    Type: "AWS::Lambda::Function",
    Properties: {
      FunctionName: name,
      Runtime: runtime,
      Handler: handler,
      MemorySize: 512,
      Timeout: 6,
      Role: roleArn,
      Environment: { Variables: VARIABLES },
      Code: { ZipFile: "what is deployed is not what runs here" },
    },
  };
}

/** The one kind of function that boto3 makes without a zip file. */
export function imageFunction(name: string, roleArn: string): AwsCall {
  const code = { PackageType: "Image", Code: { ImageUri: `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com/w:1` } };
  const variables = { Environment: { Variables: VARIABLES } };
  return ["lambda", "create_function", { FunctionName: name, Role: roleArn, ...variables, ...code }];
}

/** As people write documents: with white space that a session policy has no space for. */
export function inlinePolicy(name: string, document: unknown, roleName = WORKER_ROLE): AwsCall {
  const policy = { RoleName: roleName, PolicyName: name, PolicyDocument: JSON.stringify(document, null, 4) };
  return ["iam", "put_role_policy", policy];
}

function statement(principal: Readonly<Record<string, readonly string[]>>): unknown {
  return { Effect: "Allow", Principal: principal, Action: "sts:AssumeRole" };
}

interface PolicyDocument {
  readonly Version: string;
  readonly Statement: readonly Readonly<Record<string, string>>[];
}

function allow(action: string, resource: string): PolicyDocument {
  return { Version: VERSION, Statement: [{ Sid: "Needed", Effect: "Allow", Action: action, Resource: resource }] };
}
