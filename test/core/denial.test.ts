import { describe, expect, it } from "vitest";
import { type Denial, findDenial } from "../../src/core/denial.js";

const JOHN = "arn:aws:iam::123456789012:user/John";
const SESSION = "arn:aws:sts::123456789012:assumed-role/orders-role/orders";
const SCP = "arn:aws:organizations::777788889999:policy/o-exampleorgid/service_control_policy/p-examplepolicyid";
const GROUP = "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:*";
const SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:*";
const says = (principal: string, rest: string): string => `User: ${principal} is not authorized to perform: ${rest}`;

type Expected = readonly [message: string, denial: Partial<Denial>];

/** The examples of the IAM user guide, "Troubleshoot access denied error messages", and of S3's and IAM's own pages. */
const DOCUMENTED: Readonly<Record<string, Expected>> = {
  "service control policy, implicit": [
    says(
      JOHN,
      "codecommit:ListRepositories because no service control policy allows the codecommit:ListRepositories action",
    ),
    { action: "codecommit:ListRepositories", resource: null, principal: JOHN, kind: "scp", isExplicit: false },
  ],
  "service control policy, explicit": [
    says(JOHN, "codecommit:ListRepositories with an explicit deny in a service control policy"),
    { action: "codecommit:ListRepositories", resource: null, kind: "scp", isExplicit: true, policyArn: null },
  ],
  "resource control policy, explicit": [
    says(
      JOHN,
      `secretsmanager:GetSecretValue on resource: ${SECRET} with an explicit deny in a resource control policy`,
    ),
    { action: "secretsmanager:GetSecretValue", resource: SECRET, kind: "rcp", isExplicit: true },
  ],
  "VPC endpoint policy, implicit": [
    says(
      JOHN,
      "codecommit:ListRepositories because no VPC endpoint policy allows the codecommit:ListRepositories action",
    ),
    { kind: "vpc-endpoint", isExplicit: false },
  ],
  "VPC endpoint policy, explicit": [
    says(JOHN, `codedeploy:ListDeployments on resource: ${GROUP} with an explicit deny in a VPC endpoint policy`),
    { resource: GROUP, kind: "vpc-endpoint", isExplicit: true },
  ],
  "permissions boundary, implicit": [
    says(
      JOHN,
      `codedeploy:ListDeployments on resource: ${GROUP} because no permissions boundary allows the codedeploy:ListDeployments action`,
    ),
    { resource: GROUP, kind: "boundary", isExplicit: false },
  ],
  "permissions boundary, explicit": [
    says(JOHN, "sagemaker:ListModels with an explicit deny in a permissions boundary"),
    { action: "sagemaker:ListModels", kind: "boundary", isExplicit: true },
  ],
  "session policy, implicit": [
    says(JOHN, "codecommit:ListRepositories because no session policy allows the codecommit:ListRepositories action"),
    { kind: "session", isExplicit: false },
  ],
  "session policy, explicit, as the guide misspells it": [
    says(JOHN, `codedeploy:ListDeployments on resource: ${GROUP} with an explicit deny in a sessions policy`),
    { kind: "session", isExplicit: true },
  ],
  "resource-based policy, implicit": [
    says(
      JOHN,
      "secretsmanager:GetSecretValue because no resource-based policy allows the secretsmanager:GetSecretValue action",
    ),
    { kind: "resource", isExplicit: false },
  ],
  "resource-based policy, explicit": [
    says(JOHN, `secretsmanager:GetSecretValue on resource: ${SECRET} with an explicit deny in a resource-based policy`),
    { kind: "resource", isExplicit: true },
  ],
  "role trust policy, implicit": [
    says(JOHN, "sts:AssumeRole because no role trust policy allows the sts:AssumeRole action"),
    { action: "sts:AssumeRole", kind: "trust", isExplicit: false },
  ],
  "role trust policy, explicit": [
    says(JOHN, "sts:AssumeRole with an explicit deny in the role trust policy"),
    { kind: "trust", isExplicit: true },
  ],
  "identity-based policy, implicit": [
    says(
      "arn:aws:iam::123456789012:role/HR",
      "codecommit:ListRepositories because no identity-based policy allows the codecommit:ListRepositories action",
    ),
    { principal: "arn:aws:iam::123456789012:role/HR", kind: "identity", isExplicit: false },
  ],
  "identity-based policy, explicit": [
    says(
      "arn:aws:iam::123456789012:role/HR",
      `codedeploy:ListDeployments on resource: ${GROUP} with an explicit deny in an identity-based policy`,
    ),
    { kind: "identity", isExplicit: true, policyArn: null },
  ],
  "another policy than that of the VPC endpoint, SNS's spelling": [
    says(
      SESSION,
      "SNS:Publish on resource: arn:aws:sns:us-east-1:444455556666:role-name-2 with an explicit deny in a VPC endpoint policy transitively through a service control policy",
    ),
    { action: "sns:Publish", principal: SESSION, kind: "vpc-endpoint", isExplicit: true },
  ],
  "an ARN of the policy, and an authorization id (IAM)": [
    `${says(JOHN, "iam:CreateInstanceProfile on resource: arn:aws:iam::123456789012:instance-profile/my-profile with an explicit deny in an identity-based policy: arn:aws:iam::123456789012:policy/ExampleDenyPolicy.")} Go to https://us-east-1.console.aws.amazon.com/iam/home?region=us-east-1#/authorization-details/EXAMPLE1a2b3c for complete details, or call the GetRequestAuthorizationDetails API with the following authorization id: EXAMPLE1a2b3c`,
    {
      ...{ resource: "arn:aws:iam::123456789012:instance-profile/my-profile", kind: "identity", isExplicit: true },
      ...{ policyArn: "arn:aws:iam::123456789012:policy/ExampleDenyPolicy", authorizationId: "EXAMPLE1a2b3c" },
    },
  ],
  "a quoted resource and the policy's ARN (S3)": [
    says(
      SESSION,
      `s3:GetObject on resource: "arn:aws:s3:::bucket/a key, with blanks.png" with an explicit deny in a service control policy, with policy ARN: ${SCP}`,
    ),
    { resource: "arn:aws:s3:::bucket/a key, with blanks.png", kind: "scp", isExplicit: true, policyArn: SCP },
  ],
  "a service control policy, as it was once written": [
    says(SESSION, "ec2:RunInstances due to an explicit deny in a Service Control Policy"),
    { action: "ec2:RunInstances", kind: "scp", isExplicit: true },
  ],
  "no reason (many services, and moto)": [
    says(SESSION, "dynamodb:Query on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/orders/index/by-day"),
    { resource: "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/index/by-day", kind: null, isExplicit: null },
  ],
};

/** What services say in words of their own, and SDKs around it. */
const VARIATIONS: Readonly<Record<string, Expected>> = {
  "KMS, where it will not say which": [
    says(
      SESSION,
      "kms:Decrypt on the resource associated with this ciphertext because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
    ),
    { action: "kms:Decrypt", resource: null, kind: "resource", isExplicit: false },
  ],
  "EC2's encoded message, by botocore": [
    "An error occurred (UnauthorizedOperation) when calling the RunInstances operation: You are not authorized to perform this operation. Encoded authorization failure message: nBsUC1-_x",
    { action: "ec2:RunInstances", encoded: "nBsUC1-_x", kind: null },
  ],
  "EC2's encoded message with the plain one before it": [
    `UnauthorizedOperation: You are not authorized to perform this operation. ${says(SESSION, "ec2:RunInstances on resource: arn:aws:ec2:eu-west-1:123456789012:instance/* because no identity-based policy allows the ec2:RunInstances action.")} Encoded authorization failure message: AbC`,
    { resource: "arn:aws:ec2:eu-west-1:123456789012:instance/*", kind: "identity", isExplicit: false, encoded: "AbC" },
  ],
  "S3's two words, by botocore": [
    "An error occurred (AccessDenied) when calling the ListObjectsV2 operation: Access Denied",
    { action: "s3:ListBucket", resource: null, kind: null },
  ],
  "a HEAD, which has no body": [
    "An error occurred (403) when calling the HeadObject operation: Forbidden",
    { action: "s3:GetObject", kind: null },
  ],
  "S3's two words, by Go": [
    "operation error S3: PutObject, https response error StatusCode: 403, RequestID: X, HostID: Y, api error AccessDenied: Access Denied",
    { action: "s3:PutObject" },
  ],
  "SQS's own sentence": [
    "An error occurred (AccessDenied) when calling the SendMessage operation: Access to the resource https://sqs.eu-west-1.amazonaws.com/ is denied.",
    { action: "sqs:SendMessage", resource: null },
  ],
  "S3's two words, by JavaScript": ["AccessDenied: Access Denied", { action: null, kind: null }],
  "API Gateway, which names no action": [
    `User: ${SESSION} is not authorized to access this resource with an explicit deny`,
    { action: null, principal: SESSION, isExplicit: true },
  ],
  "an error document": [
    JSON.stringify({
      errorType: "AccessDenied",
      errorMessage: says(
        SESSION,
        's3:GetObject on resource: "arn:aws:s3:::b/k" because no identity-based policy allows the s3:GetObject action',
      ),
    }),
    { action: "s3:GetObject", resource: "arn:aws:s3:::b/k", kind: "identity", isExplicit: false },
  ],
  "lines that a terminal broke": [
    `  User: ${SESSION} is not authorized\n  to perform: dynamodb:PutItem on\n  resource: arn:aws:dynamodb:eu-west-1:123456789012:table/t because no\n  permissions boundary allows the dynamodb:PutItem action`,
    { resource: "arn:aws:dynamodb:eu-west-1:123456789012:table/t", kind: "boundary" },
  ],
  "the same, and again without its end": [
    `${says(SESSION, "lambda:InvokeFunction on resource: arn:aws:lambda:eu-west-1:123456789012:function:f with an explicit deny in a permissions boundary")}\nStack: ${says(SESSION, "lambda:InvokeFunction on resource: arn:aws:lambda:eu-west-1:123456789012:function:f")}`,
    { action: "lambda:InvokeFunction", kind: "boundary", isExplicit: true },
  ],
  "two of them: the last is the one that ended the run": [
    `${says(SESSION, "sqs:SendMessage because no identity-based policy allows the sqs:SendMessage action")}\n${says(SESSION, "sns:Publish with an explicit deny in a permissions boundary")}`,
    { action: "sns:Publish", kind: "boundary" },
  ],
};

describe("the refusal in a message", () => {
  it.each(Object.entries(DOCUMENTED))("is read as AWS documents it: %s", (_, [message, expected]) => {
    expect(findDenial(message)).toMatchObject(expected);
  });

  it.each(Object.entries(VARIATIONS))("is read as services and SDKs say it: %s", (_, [message, expected]) => {
    expect(findDenial(message)).toMatchObject(expected);
  });

  it.each([
    "no such order",
    "An error occurred (ValidationException) when calling the Query operation: Access Denied, or not",
    "ExpiredToken: The security token included in the request is expired",
    "the user is not authorised",
  ])("is not found in what is none: %s", (message) => {
    expect(findDenial(message)?.action ?? null).toBeNull();
  });
});

it("is found, or not, in megabytes of anything without a wait", () => {
  const long = "A".repeat(2_000_000);
  const message = says(SESSION, "sqs:SendMessage because no identity-based policy allows the sqs:SendMessage action");
  const started = performance.now();
  expect(findDenial(`${long} ${message} ${long}`)).toMatchObject({ action: "sqs:SendMessage", principal: SESSION });
  for (const text of [long, "\\".repeat(2_000_000), "User: arn:".repeat(200_000), "operation error ".repeat(100_000)]) {
    expect(findDenial(text)?.action ?? null).toBeNull();
  }
  // A pattern that goes back over what it has read takes minutes.
  expect(performance.now() - started).toBeLessThan(30_000);
});
