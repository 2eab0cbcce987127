import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { findDenial } from "../../src/core/denial.js";
import { evaluate } from "../../src/lambda/denial/evaluate.js";
import { requestContext } from "../../src/lambda/denial/request-context.js";
import { statementsOf } from "../../src/lambda/denial/statements.js";
import { runToEnd } from "../support/processes.js";
import { inVenv } from "../support/venv.js";
import { ACCOUNT } from "./deployment.js";

const PROGRAM = resolve("test/lambda-clients/programs/moto_denials.py");
const ROLE = `arn:aws:iam::${ACCOUNT}:role/orders-role`;

interface Asked {
  readonly action: string;
  /** What boto3 raised; null: it was allowed. */
  readonly refused: string | null;
}

const allow = (element: object): object => ({ Effect: "Allow", Resource: "*", ...element });
const deny = (element: object): object => ({ Effect: "Deny", Resource: "*", ...element });

/** Without `?`, which IAM takes for one character and moto for itself. */
const POLICIES: Readonly<Record<string, readonly object[]>> = {
  "single actions": [allow({ Action: ["dynamodb:GetItem", "kms:ListKeys"] }), allow({ Action: "s3:PutObject" })],
  wildcards: [allow({ Action: ["dynamodb:*Item", "s3:List*", "*:ListTopics", "ec2:Describe*"] })],
  "all but some": [allow({ NotAction: ["iam:*", "s3:Get*", "dynamodb:Put*"] })],
  "a Deny among all": [allow({ Action: "*" }), deny({ Action: ["sqs:List*", "dynamodb:PutItem", "s3:*"] })],
  "a Deny of all but some": [
    allow({ Action: "*" }),
    deny({ NotAction: ["sns:*", "dynamodb:Get*", "s3:ListAllMyBuckets"] }),
  ],
  "nothing that is asked for": [allow({ Action: "logs:PutLogEvents" })],
};

/** moto with IAM enforced is AWS, boto3 asks it by a session of a role with this policy. */
async function asked(policy: string): Promise<readonly Asked[]> {
  const { code, stdout, stderr } = await runToEnd([inVenv("python"), PROGRAM], {
    ...{ env: { PATH: "/usr/bin:/bin" }, cwd: ".", seconds: 90, input: policy },
  });
  expect([code, stderr]).toEqual([0, stderr]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Asked);
}

describe.each(Object.entries(POLICIES))("a policy of %s", (_, statements) => {
  it("allows what moto lets through, and what moto refuses is read out of boto3's error", async () => {
    const document = JSON.stringify({ Version: "2012-10-17", Statement: statements });
    const parsed = statementsOf({ name: "p", document }) ?? [];
    const answers = await asked(document);
    expect(answers).toHaveLength(12);
    for (const { action, refused } of answers) {
      const context = requestContext({ roleArn: ROLE, resource: null, now: 0 });
      const { outcome } = evaluate(parsed, { action, resource: null, context });
      expect([action, outcome === "allowed"]).toEqual([action, refused === null]);
      if (refused !== null) expect(findDenial(refused)).toMatchObject({ action });
    }
  });
});
