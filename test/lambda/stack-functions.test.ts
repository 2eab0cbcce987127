import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { narrowRole } from "../../src/credentials/narrow-role.js";
import type { DeployedFunctions } from "../../src/lambda/deployed-functions.js";
import { createDeployedFunctions } from "../../src/lambda/deployed-functions.js";
import type { LambdaRoleDefinition } from "../../src/lambda/lambda-role.js";
import type { Via } from "../../src/lambda/via.js";
import { ACCOUNT, type AwsFixture, annSigns } from "../aws/aws-fixture.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { FakeClock } from "../support/fake-clock.js";
import { keysSource, sessionRole } from "../support/roles.js";
import { FUNCTION_ROLE, startLambdaFixture, viaDev } from "./lambda-fixture.js";

const arnOf = (name: string, region = "eu-west-1"): string => `arn:aws:lambda:${region}:${ACCOUNT}:function:${name}`;
const FUNCTION = "AWS::Lambda::Function";
const ORDERS = "shop-OrdersFunction-0A1B2C3D4E5F";
const BILLING = "shop-Billing12AB34CD-9Z8Y7X";

let fixture: AwsFixture;
let via: Via;

beforeEach(async () => {
  const others = Array.from({ length: 120 }, (_, index) => arnOf(`other${index}`));
  fixture = await startLambdaFixture(
    {},
    {
      functions: [arnOf(ORDERS), arnOf(BILLING), ...others, arnOf("far", "us-east-2")].map((arn) => ({
        ...{ arn, roleArn: FUNCTION_ROLE },
      })),
      stacks: [
        {
          ...{ name: "shop", account: ACCOUNT, region: "eu-west-1" },
          resources: [
            { logicalId: "OrdersFunction", physicalId: ORDERS, type: FUNCTION },
            { logicalId: "OrdersFunctionRole", physicalId: "shop-OrdersFunctionRole-1", type: "AWS::IAM::Role" },
            { logicalId: "Billing12AB34CD", physicalId: BILLING, type: FUNCTION },
            { logicalId: "Twice12AB34CD", physicalId: "twice-1", type: FUNCTION },
            { logicalId: "Twice56EF7890", physicalId: "twice-2", type: FUNCTION },
          ],
        },
        { name: "empty", account: ACCOUNT, region: "eu-west-1", resources: [] },
      ],
    },
  );
  via = await viaDev(fixture);
});
afterEach(() => fixture.fake.close());

function functions(): DeployedFunctions {
  const { lambda, cloudFormation, iamRoles, sts } = fixture;
  const roles = { get: (): LambdaRoleDefinition | undefined => undefined, put: async (): Promise<void> => undefined };
  const shared = { lambda, cloudFormation, iamRoles, sts, clock: new FakeClock(), user: "ann", narrow: narrowRole };
  return createDeployedFunctions({ ...shared, roles });
}

describe("a function of a stack", () => {
  test.each([
    ["its logical id", "OrdersFunction", ORDERS],
    ["its logical id, with an alias", "OrdersFunction:live", `${ORDERS}:live`],
    ["the id that CDK makes", "Billing12AB34CD", BILLING],
    ["that id without CDK's suffix", "Billing", BILLING],
  ])("is found by %s, in one call", async (_name, text, name) => {
    expect(await functions().nameInStack(via, "shop", text)).toBe(name);
    expect(fixture.fake.countOf("ListStackResources")).toBe(1);
    expect(fixture.fake.lastOf("ListStackResources").signer.arn).toContain("assumed-role/dev/");
  });

  test("is not guessed where two have the id without its suffix", async () => {
    const error = await brokerErrorOf(() => functions().nameInStack(via, "shop", "Twice"));

    expect(error).toMatchObject({ code: "NotFound", hint: "Twice12AB34CD or Twice56EF7890" });
  });

  test.each([
    ["a slip", "OrdersFuncton", "did you mean OrdersFunction?"],
    ["a slip in the id without its suffix", "Biling", "did you mean Billing12AB34CD?"],
    ["what is no function", "OrdersFunctionRole", "but OrdersFunction, Billing12AB34CD"],
  ])("that is not there is told with those that are: %s", async (_name, text, said) => {
    const error = await brokerErrorOf(() => functions().nameInStack(via, "shop", text));

    expect(error).toMatchObject({ code: "NotFound" });
    expect(error.message).toContain(said);
  });

  test("is looked for in the region that is asked for, and nowhere where none is known", async () => {
    const error = await brokerErrorOf(() =>
      functions().nameInStack({ ...via, region: "us-east-2" }, "shop", "Billing"),
    );
    expect(error.message).toContain("there is no stack shop in us-east-2");

    const bare = { role: sessionRole(keysSource(), "bare"), signer: annSigns };
    expect(await brokerErrorOf(() => functions().list(bare))).toMatchObject({
      code: "UsageInvalid",
      hint: expect.stringContaining("--region") as string,
    });
  });
});

describe("a list of functions", () => {
  test("is that of the account in the region, by name", async () => {
    const { region, functions: all } = await functions().list({ ...via, region: "us-east-2" });
    expect([region, all.map(({ functionName }) => functionName)]).toEqual(["us-east-2", ["far"]]);

    const names = (await functions().list(via)).functions.map(({ functionName }) => functionName);
    expect(names).toHaveLength(122);
    expect(names).toEqual(names.toSorted());
  });

  test("of a stack has its logical ids, and takes no page more than hold its functions", async () => {
    const { functions: found } = await functions().list(via, "shop");

    expect(found.map(({ functionName, logicalId }) => [functionName, logicalId])).toEqual([
      [BILLING, "Billing12AB34CD"],
      [ORDERS, "OrdersFunction"],
    ]);
    expect((await functions().list(via, "empty")).functions).toEqual([]);
  });

  test("is refused with the permission that is missing", async () => {
    fixture.fake.faults.set("ListFunctions", { kind: "deny" });

    expect(await brokerErrorOf(() => functions().list(via, "shop"))).toMatchObject({
      code: "AccessDenied",
      hint: expect.stringContaining("lambda:ListFunctions") as string,
    });
  });
});
