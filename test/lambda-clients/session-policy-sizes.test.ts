import { afterAll, beforeAll, expect, it } from "vitest";
import type { AwsCall } from "../support/aws-calls.js";
import { DeployedFixture } from "./deployed-fixture.js";
import { ACCOUNT, arn, DEVELOPER_ARN, imageFunction, inlinePolicy, WORKER_TRUST } from "./deployment.js";

/** STS (API AssumeRole): inline document and ARNs together. */
const MAX_CHARACTERS = 2048;
const VERSION = "2012-10-17";
const MANAGED = Array.from({ length: 11 }, (_, index) => `arn:aws:iam::${ACCOUNT}:policy/orders/p${index}`);
const BOUNDARY = MANAGED[0]!;
const READ = document("s3:GetObject", "arn:aws:s3:::orders/*");
const SEND = document("sqs:SendMessage", "*");
const DENY_ALL = document("*", "*", "Deny");

interface Policies {
  readonly managed: readonly string[];
  readonly inline: Readonly<Record<string, object>>;
  readonly boundary?: string;
}

/** What AssumeRole is asked with, beside what it always has. */
interface Sent {
  readonly policy?: object;
  readonly arns: readonly string[];
}

const SERVED: readonly (Policies & { readonly name: string; readonly what: string; readonly sent: Sent })[] = [
  {
    name: "none",
    what: "no policy at all: one that denies everything",
    ...of(0),
    sent: { policy: DENY_ALL, arns: [] },
  },
  { name: "inline-1", what: "one inline", ...of(0, { read: READ }), sent: { policy: READ, arns: [] } },
  { name: "managed-1", what: "one managed", ...of(1), sent: { arns: MANAGED.slice(0, 1) } },
  { name: "managed-10", what: "ten managed", ...of(10), sent: { arns: MANAGED.slice(0, 10) } },
  {
    name: "both",
    what: "ten managed and two inline",
    ...of(10, { read: READ, send: SEND }),
    sent: { policy: merged(READ, SEND), arns: MANAGED.slice(0, 10) },
  },
  {
    name: "full",
    what: "one managed and one inline, of 2,048 characters together",
    ...of(1, { big: sized(MAX_CHARACTERS - BOUNDARY.length) }),
    sent: { policy: sized(MAX_CHARACTERS - BOUNDARY.length), arns: MANAGED.slice(0, 1) },
  },
];

const REFUSED: readonly (Policies & {
  readonly name: string;
  readonly what: string;
  readonly told: readonly string[];
})[] = [
  { name: "managed-11", what: "eleven managed", ...of(11), told: ["11 managed", ...MANAGED] },
  {
    name: "too-long",
    what: "one managed and one inline, of 2,049 characters together",
    ...of(1, { big: sized(MAX_CHARACTERS + 1 - BOUNDARY.length) }),
    told: ["2049 characters", `inline big ${MAX_CHARACTERS + 1 - BOUNDARY.length}`, BOUNDARY],
  },
  {
    name: "too-long-inline",
    what: "two inline ones that are too long only together",
    ...of(0, { first: sized(1100), second: sized(1100) }),
    told: ["inline first 1100", "inline second 1100"],
  },
  { name: "bounded", what: "a permissions boundary", ...of(1), boundary: BOUNDARY, told: ["boundary", BOUNDARY] },
];

let fixture: DeployedFixture;
beforeAll(async () => {
  fixture = await DeployedFixture.open({ sessionSeconds: 3600 });
  await fixture.callAws([...MANAGED.map(managedPolicy), ...[...SERVED, ...REFUSED].flatMap(deployed)]);
}, 120_000);
afterAll(async () => fixture.close());

const exec = (name: string) => {
  const command = ["--", process.execPath, "-e", "process.exit(42)"];
  return fixture.ctl(["lambda", "exec", name, "--via", "dev", "--mode", "session-policy", ...command]);
};
/** What STS was asked for this function. */
const assumed = (name: string) =>
  fixture.proxy
    .callsOf("broker")
    .filter(({ action, parameters }) => action === "AssumeRole" && parameters["RoleSessionName"] === name)
    .map(({ parameters }) => parameters);

it.each(SERVED)("a function's role with $what is sent exactly", async ({ name, sent: { policy, arns } }) => {
  const { code } = await exec(name);

  expect(code).toBe(42);
  expect(assumed(name)).toEqual([
    {
      Action: "AssumeRole",
      Version: "2011-06-15",
      RoleArn: DEVELOPER_ARN,
      RoleSessionName: name,
      DurationSeconds: "3600",
      ...(policy && { Policy: JSON.stringify(policy) }),
      ...Object.fromEntries(arns.map((each, index) => [`PolicyArns.member.${index + 1}.arn`, each])),
    },
  ]);
});

it.each(REFUSED)("a function's role with $what is refused by name, and STS not asked", async ({ name, told }) => {
  const { code, stderr } = await exec(name);

  expect({ code, stderr }).toMatchObject({ code: 125 });
  for (const text of told) expect(stderr).toContain(text);
  expect(assumed(name)).toEqual([]);
});

it("a developer who may not read a part of the policies gets none of them", async () => {
  fixture.proxy.deny("ListRolePolicies");

  const { code, stderr } = await exec("both");
  fixture.proxy.admit();

  expect(code).toBe(125);
  expect(stderr).toContain("iam:ListRolePolicies");
});

function of(count: number, inline: Policies["inline"] = {}): Policies {
  return { managed: MANAGED.slice(0, count), inline };
}

interface PolicyDocument {
  readonly Version: string;
  readonly Statement: readonly object[];
}

function document(action: string, resource: string, effect = "Allow"): PolicyDocument {
  return { Version: VERSION, Statement: [{ Effect: effect, Action: action, Resource: resource }] };
}

function merged(...documents: readonly PolicyDocument[]): PolicyDocument {
  return { Version: VERSION, Statement: documents.flatMap(({ Statement }) => Statement) };
}

/** A document of exactly so many characters. */
function sized(characters: number): object {
  const bucket = "arn:aws:s3:::";
  const empty = JSON.stringify(document("s3:GetObject", bucket)).length;
  return document("s3:GetObject", bucket + "r".repeat(characters - empty));
}

function managedPolicy(policyArn: string): AwsCall {
  const PolicyName = policyArn.split("/").at(-1);
  return ["iam", "create_policy", { PolicyName, Path: "/orders/", PolicyDocument: JSON.stringify(READ) }];
}

/** A function and its role, which trusts the Lambda service alone. */
function deployed({ name, managed, inline, boundary }: Policies & { readonly name: string }): readonly AwsCall[] {
  const trust = { AssumeRolePolicyDocument: JSON.stringify(WORKER_TRUST) };
  return [
    ["iam", "create_role", { RoleName: name, ...trust, ...(boundary && { PermissionsBoundary: boundary }) }],
    ...managed.map((PolicyArn): AwsCall => ["iam", "attach_role_policy", { RoleName: name, PolicyArn }]),
    ...Object.entries(inline).map(([policy, text]) => inlinePolicy(policy, text, name)),
    imageFunction(name, arn(name)),
  ];
}
