import { describe, expect, test } from "vitest";
import { type LambdaRoleDefinition, lambdaRole, lambdaRoleName } from "../../src/lambda/lambda-role.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { keysSource, sessionRole } from "../support/roles.js";
import { DEV_ROLE, devRole, FUNCTION_ROLE } from "./lambda-fixture.js";

const assumed: LambdaRoleDefinition = {
  name: "lambda:orders@dev",
  workload: { kind: "function", name: "orders", arn: "arn:aws:lambda:us-east-2:111111111111:function:orders" },
  roleArn: FUNCTION_ROLE,
  via: "dev",
  mode: "assume",
  region: "us-east-2",
};
const narrowed: LambdaRoleDefinition = {
  ...assumed,
  name: "lambda:orders@dev+session-policy",
  mode: "session-policy",
  policy: "{}",
  policyArns: ["arn:aws:iam::aws:policy/A"],
};

describe("the role of a function in mode assume", () => {
  test("is chained from via, its session named as Lambda names it", () => {
    const via = devRole({ stsRegion: "eu-central-1" });

    expect(lambdaRole(assumed, via)).toEqual({
      name: "lambda:orders@dev",
      origin: { kind: "role", role: via },
      assume: { roleArn: FUNCTION_ROLE, roleSessionName: "orders", durationSeconds: 3600 },
      region: "us-east-2",
      stsRegion: "eu-central-1",
      digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
  });

  test("may have any role as via: one without role_arn too", () => {
    const via = sessionRole(keysSource(), "dev");

    expect(lambdaRole(assumed, via).origin).toEqual({ kind: "role", role: via });
  });

  test("has a session name that STS takes even where the function's name is one character", () => {
    expect(
      lambdaRole({ ...assumed, workload: { ...assumed.workload, name: "x" } }, devRole()).assume?.roleSessionName,
    ).toMatch(/^x[\w+=,.@-]+$/);
  });
});

describe("the role of a function in mode session-policy", () => {
  test("is via itself, assumed from what it is assumed from, with the policies and the function's name", () => {
    const via = devRole({
      assume: { roleArn: DEV_ROLE, roleSessionName: "ann", durationSeconds: 1800, externalId: "abc" },
    });

    expect(lambdaRole(narrowed, via)).toMatchObject({
      name: "lambda:orders@dev+session-policy",
      origin: via.origin,
      assume: {
        roleArn: DEV_ROLE,
        roleSessionName: "orders",
        durationSeconds: 1800,
        externalId: "abc",
        policy: "{}",
        policyArns: ["arn:aws:iam::aws:policy/A"],
      },
      region: "us-east-2",
    });
  });

  test("is refused by name where via is not assumed: nothing could be narrowed", async () => {
    const error = await brokerErrorOf(() => lambdaRole(narrowed, sessionRole(keysSource(), "keys-only")));

    expect(error).toMatchObject({ code: "PolicyUnfit" });
    expect(error.message).toContain("keys-only");
    expect(error.hint).toContain("role_arn");
  });

  test.each([{ policy: "{}" }, { policyArns: ["arn:aws:iam::aws:policy/ReadOnlyAccess"] }])(
    "a via with %j of its own is refused: session policies would add up and widen it",
    async (own) => {
      const via = devRole({ assume: { roleArn: DEV_ROLE, roleSessionName: "a", durationSeconds: 3600, ...own } });

      expect(await brokerErrorOf(() => lambdaRole(narrowed, via))).toMatchObject({ code: "PolicyUnfit" });
    },
  );

  test.each(["arn:aws:iam::999999999999:role/dev", "arn:aws-cn:iam::111111111111:role/dev"])(
    "a via that is %s by now is refused: the policies were read in the function's account",
    async (roleArn) => {
      const via = devRole({ assume: { roleArn, roleSessionName: "a", durationSeconds: 3600 } });

      expect(await brokerErrorOf(() => lambdaRole(narrowed, via))).toMatchObject({ code: "PolicyUnfit" });
    },
  );

  test.each([
    ["none", {}],
    ["an empty policy", { policy: "" }],
    ["an empty list", { policyArns: [] }],
  ])("%s to narrow with is refused: AWS would give all of via", async (_name, policies) => {
    const rest = { ...assumed, mode: "session-policy" } as const;

    expect(await brokerErrorOf(() => lambdaRole({ ...rest, ...policies }, devRole()))).toMatchObject({
      code: "PolicyUnfit",
    });
  });
});

describe("the digest", () => {
  const digest = (definition: LambdaRoleDefinition, via = devRole()): string => lambdaRole(definition, via).digest;

  test("is the same for the same definition, whatever it is called", () => {
    expect(digest({ ...assumed, name: "lambda:orders:live@dev" })).toBe(digest(assumed));
  });

  test("is another where other credentials would come", () => {
    const digests = [
      digest(assumed),
      digest(narrowed),
      digest({ ...assumed, roleArn: `${FUNCTION_ROLE}2` }),
      digest({ ...narrowed, policy: '{"a":1}' }),
      digest({ ...narrowed, policyArns: ["arn:aws:iam::aws:policy/B"] }),
      digest(assumed, devRole({ digest: "another via" })),
    ];

    expect(new Set(digests).size).toBe(digests.length);
  });
});

test("two roles never share a name, however via is called: what is narrowed is not what is not", () => {
  const names = ["dev", "dev+session-policy", "dev+session-policy+session-policy"].flatMap((via) => [
    lambdaRoleName({ kind: "function", text: "orders", via, mode: "assume" }),
    lambdaRoleName({ kind: "function", text: "orders", via, mode: "session-policy" }),
  ]);

  expect(new Set(names).size).toBe(names.length);
});

test("the name says function, via and mode, and can be no name of the config", () => {
  expect(lambdaRoleName({ kind: "function", text: "orders:live", via: "team/dev", mode: "assume" })).toBe(
    "lambda:orders:live@team/dev",
  );
  expect(
    lambdaRoleName({ kind: "function", text: "orders", via: "corp:111111111111/Dev", mode: "session-policy" }),
  ).toBe("lambda:orders@corp:111111111111/Dev+session-policy");
});
