import { describe, expect, it } from "vitest";
import { evaluate } from "../../../src/lambda/denial/evaluate.js";
import type { RequestContext } from "../../../src/lambda/denial/patterns.js";
import { requestContext } from "../../../src/lambda/denial/request-context.js";
import { statementsOf } from "../../../src/lambda/denial/statements.js";

const TABLE = "arn:aws:dynamodb:eu-west-1:111111111111:table/orders";
const ROLE = "arn:aws:iam::111111111111:role/team/orders-role";
const NOW = Date.parse("2026-11-29T12:00:00Z");

interface Written {
  readonly Effect?: "Allow" | "Deny";
  readonly [element: string]: unknown;
}

interface Asked {
  readonly action?: string;
  readonly resource?: string | null;
  readonly version?: string;
}

/** Whether policies of these statements allow `dynamodb:PutItem` on the table. */
function outcome(statements: Written | readonly Written[], asked: Asked = {}): string {
  const { action = "dynamodb:PutItem", resource = TABLE, version = "2012-10-17" } = asked;
  const list = [statements].flat().map((one) => ({ Effect: "Allow", ...one }));
  const document = JSON.stringify({ Version: version, Statement: list });
  const context: RequestContext = requestContext({ roleArn: ROLE, resource, now: NOW });
  return evaluate(statementsOf({ name: "p", document }) ?? [], { action, resource, context }).outcome;
}

describe("actions and resources", () => {
  it.each<[string, Written, Asked, string]>([
    ["any action and resource", { Action: "*", Resource: "*" }, {}, "allowed"],
    ["regardless of case", { Action: "DynamoDB:putitem", Resource: "*" }, {}, "allowed"],
    ["with wildcards", { Action: "dynamodb:P?t*", Resource: "*" }, {}, "allowed"],
    ["another action", { Action: "dynamodb:GetItem", Resource: "*" }, {}, "implicit"],
    ["a service whose name begins the same", { Action: "dynamodbx:*", Resource: "*" }, {}, "implicit"],
    ["all actions but others", { NotAction: ["iam:*", "s3:*"], Resource: "*" }, {}, "allowed"],
    ["all actions but this one", { NotAction: "dynamodb:Put*", Resource: "*" }, {}, "implicit"],
    ["the resource", { Action: "*", Resource: TABLE }, {}, "allowed"],
    ["one of several", { Action: "*", Resource: ["arn:aws:s3:::x", TABLE] }, {}, "allowed"],
    ["its beginning alone", { Action: "*", Resource: TABLE.slice(0, -1) }, {}, "implicit"],
    ["a wildcard in a part of the ARN", { Action: "*", Resource: "arn:aws:dynamodb:*:*:table/ord*" }, {}, "allowed"],
    [
      "a wildcard that would go over parts",
      { Action: "*", Resource: "arn:aws:dynamodb:*table/orders" },
      {},
      "implicit",
    ],
    ["an ARN that lacks parts", { Action: "*", Resource: "arn:aws:dynamodb" }, {}, "allowed"],
    [
      "a wildcard over slashes",
      { Action: "*", Resource: "arn:aws:s3:::b/*" },
      { resource: "arn:aws:s3:::b/x/y:z" },
      "allowed",
    ],
    ["all resources but others", { Action: "*", NotResource: "arn:aws:s3:::*" }, {}, "allowed"],
    ["all resources but this one", { Action: "*", NotResource: "arn:aws:dynamodb:*:*:table/*" }, {}, "implicit"],
    [
      "signs that mean something in patterns of ours",
      { Action: "*", Resource: "arn:aws:s3:::a.b+(c)" },
      { resource: "arn:aws:s3:::aXb+(c)" },
      "implicit",
    ],
    ["some resource, where AWS named none", { Action: "*", Resource: TABLE }, { resource: null }, "unknown"],
    ["any resource, where AWS named none", { Action: "*", Resource: "*" }, { resource: null }, "allowed"],
  ])("are compared as IAM does: %s", (_, statement, asked, expected) => {
    expect(outcome(statement, asked)).toBe(expected);
  });

  it.each<[string, readonly Written[], string]>([
    [
      "a Deny wins",
      [
        { Action: "*", Resource: "*" },
        { Effect: "Deny", Action: "*", Resource: TABLE },
      ],
      "explicit",
    ],
    [
      "a Deny of something else does not",
      [
        { Action: "*", Resource: "*" },
        { Effect: "Deny", Action: "s3:*", Resource: "*" },
      ],
      "allowed",
    ],
    ["without an Allow there is none", [{ Effect: "Deny", Action: "s3:*", Resource: "*" }], "implicit"],
    ["no statement allows nothing", [], "implicit"],
  ])("add up: %s", (_, statements, expected) => {
    expect(outcome(statements)).toBe(expected);
  });
});

describe("policy variables", () => {
  it.each<[string, string, Asked, string]>([
    ["one that is known", "arn:aws:dynamodb:*:${aws:PrincipalAccount}:table/orders", {}, "allowed"],
    ["one that is known, of another value", "arn:aws:dynamodb:*:*:table/${aws:PrincipalAccount}", {}, "implicit"],
    ["one that is not known", "arn:aws:dynamodb:*:*:table/${aws:PrincipalTag/team}", {}, "unknown"],
    ["one that is not known, where the rest does not fit", "arn:aws:s3:::${aws:PrincipalTag/team}", {}, "implicit"],
    ["one that a role has not", "arn:aws:dynamodb:*:*:table/${aws:username}", {}, "implicit"],
    ["its default", "arn:aws:dynamodb:*:*:table/${aws:username, 'orders'}", {}, "allowed"],
    ["a star that is one", "arn:aws:dynamodb:*:*:table/${*}", {}, "implicit"],
    [
      "in a policy of Version 2008-10-17, which has none",
      "arn:aws:s3:::${aws:username}",
      { resource: "arn:aws:s3:::${aws:username}", version: "2008-10-17" },
      "allowed",
    ],
  ])("are replaced as far as they are known: %s", (_, resource, asked, expected) => {
    expect(outcome({ Action: "*", Resource: resource }, asked)).toBe(expected);
  });
});

describe("conditions", () => {
  it.each<[string, Record<string, Record<string, unknown>>, string]>([
    ["on the role that asks", { StringEquals: { "aws:PrincipalArn": ROLE } }, "allowed"],
    ["keys are regardless of case", { StringEquals: { "AWS:principalarn": ROLE } }, "allowed"],
    ["on another", { StringEquals: { "aws:PrincipalArn": "arn:aws:iam::1:role/x" } }, "implicit"],
    ["by a pattern", { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/team/*" } }, "allowed"],
    ["equals knows no pattern", { StringEquals: { "aws:PrincipalArn": "arn:*" } }, "implicit"],
    ["like does", { StringLike: { "aws:PrincipalArn": "arn:*" } }, "allowed"],
    ["one of several values", { StringEquals: { "aws:RequestedRegion": ["us-east-1", "eu-west-1"] } }, "allowed"],
    ["not this region", { StringNotEquals: { "aws:RequestedRegion": "eu-west-1" } }, "implicit"],
    ["not another region", { StringNotEquals: { "aws:RequestedRegion": "us-east-1" } }, "allowed"],
    [
      "all of several must hold",
      { StringEquals: { "aws:RequestedRegion": "eu-west-1", "aws:PrincipalAccount": "2" } },
      "implicit",
    ],
    [
      "what does not hold wins over what is not known",
      { StringEquals: { "aws:SourceVpce": "v", "aws:PrincipalAccount": "2" } },
      "implicit",
    ],
    ["on what is not known", { StringEquals: { "aws:SourceVpce": "vpce-1" } }, "unknown"],
    ["not on what is not known", { StringNotEquals: { "aws:SourceVpce": "vpce-1" } }, "unknown"],
    ["on the address", { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } }, "unknown"],
    [
      "on what only Lambda sets",
      { ArnEquals: { "lambda:SourceFunctionArn": "arn:aws:lambda:*:*:function:f" } },
      "implicit",
    ],
    [
      "on it, if it is there",
      { ArnEqualsIfExists: { "lambda:SourceFunctionArn": "arn:aws:lambda:*:*:function:f" } },
      "allowed",
    ],
    ["not on it", { ArnNotEquals: { "lambda:SourceFunctionArn": "arn:aws:lambda:*:*:function:f" } }, "allowed"],
    ["that it is not there", { Null: { "lambda:SourceFunctionArn": "true" } }, "allowed"],
    ["that it is there", { Null: { "lambda:SourceFunctionArn": false } }, "implicit"],
    ["that what is not known is there", { Null: { "aws:SourceVpce": "false" } }, "unknown"],
    ["before a day to come", { DateLessThan: { "aws:CurrentTime": "2027-01-01T00:00:00Z" } }, "allowed"],
    ["after it", { DateGreaterThanEquals: { "aws:CurrentTime": "2027-01-01T00:00:00Z" } }, "implicit"],
    ["a date that is none", { DateLessThan: { "aws:CurrentTime": "soon" } }, "unknown"],
    ["an operator that is not known", { SomeNewEquals: { "aws:PrincipalArn": ROLE } }, "unknown"],
    ["of all values, where there is none", { "ForAllValues:StringEquals": { "aws:username": "x" } }, "allowed"],
    ["of any value, where there is none", { "ForAnyValue:StringEquals": { "aws:username": "x" } }, "implicit"],
    ["by a variable", { StringEquals: { "aws:ResourceAccount": "${aws:PrincipalAccount}" } }, "allowed"],
    [
      "by a variable that is not known",
      { StringEquals: { "aws:PrincipalAccount": "${aws:PrincipalTag/a}" } },
      "unknown",
    ],
  ])("hold, do not, or cannot be known: %s", (_, condition, expected) => {
    expect(outcome({ Action: "*", Resource: "*", Condition: condition })).toBe(expected);
  });

  it("of a Deny that cannot be known leave open what an Allow says", () => {
    const deny: Written = {
      Effect: "Deny",
      Action: "*",
      Resource: "*",
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    };
    expect(outcome([{ Action: "*", Resource: "*" }, deny])).toBe("unknown");
    expect(outcome([{ Action: "s3:*", Resource: "*" }, deny])).toBe("implicit");
  });
});

describe("a document", () => {
  it.each([
    ["no JSON", "nothing"],
    ["a key twice", '{"Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}'],
    ["a statement that is none", '{"Statement":["Allow"]}'],
    ["another effect", '{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}'],
    ["no action", '{"Statement":{"Effect":"Allow","Resource":"*"}}'],
    ["a condition that is none", '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":[1]}}'],
  ])("that cannot be read is told, and not taken for another: %s", (_, document) => {
    expect(statementsOf({ name: "p", document })).toBeUndefined();
  });
});

it("compares patterns of many stars without a wait", () => {
  const resource = `arn:aws:s3:::${"a-".repeat(400)}`;
  const started = performance.now();
  expect(outcome({ Action: "*", Resource: `arn:aws:s3:::${"*a".repeat(60)}*b` }, { resource })).toBe("implicit");
  expect(outcome({ Action: "*", Resource: `arn:aws:s3:::${"*a".repeat(60)}*-` }, { resource })).toBe("allowed");
  // One that tries all stars against each other never ends.
  expect(performance.now() - started).toBeLessThan(30_000);
});
