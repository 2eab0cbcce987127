import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { ACCOUNT, type AwsFixture, annSigns, REGION, startAwsFixture } from "./aws-fixture.js";

const FUNCTION = "AWS::Lambda::Function";
const orders = Array.from({ length: 5 }, (_, index) => ({
  ...{ logicalId: `Function${index}`, physicalId: `shop-Function${index}-0A1B2C3D4E5F`, type: FUNCTION },
}));

let fixture: AwsFixture;
beforeEach(async () => {
  fixture = await startAwsFixture({
    pageSize: 3,
    stacks: [
      {
        ...{ name: "shop", account: ACCOUNT, region: REGION },
        resources: [
          { logicalId: "Table", physicalId: "shop-Table-1", type: "AWS::DynamoDB::Table" },
          ...orders,
          { logicalId: "Coming", type: FUNCTION, status: "CREATE_IN_PROGRESS" },
          { logicalId: "Gone", physicalId: "shop-Gone-1", type: FUNCTION, status: "DELETE_COMPLETE" },
        ],
      },
      { name: "elsewhere", account: "999999999999", region: REGION, resources: [] },
    ],
  });
});
afterEach(() => fixture.fake.close());

const resourcesOf = (stack: string): Promise<readonly object[]> =>
  fixture.cloudFormation.stackResources(annSigns, stack, REGION);

describe("the resources of a stack", () => {
  test("are all that exist, by as many pages as it takes", async () => {
    expect(await resourcesOf("shop")).toEqual([
      { logicalId: "Table", physicalId: "shop-Table-1", type: "AWS::DynamoDB::Table" },
      ...orders,
    ]);
    expect(fixture.fake.countOf("ListStackResources")).toBe(3);
    expect(fixture.fake.lastOf("ListStackResources")).toMatchObject({ service: "cloudformation", region: REGION });
  });

  test.each(["nosuch", "elsewhere"])(
    "%s, which is none of this account, is not found, with its region",
    async (stack) => {
      const error = await brokerErrorOf(() => resourcesOf(stack));

      expect(error).toMatchObject({ code: "NotFound" });
      expect(error.message).toContain(`stack ${stack} in ${REGION}`);
    },
  );

  test("without permission are denied with the action that a policy must allow", async () => {
    fixture.fake.faults.set("ListStackResources", { kind: "deny" });

    const error = await brokerErrorOf(() => resourcesOf("shop"));

    expect(error).toMatchObject({ code: "AccessDenied" });
    expect(error.hint).toContain("cloudformation:ListStackResources");
  });

  test.each([
    ["throttled", { kind: "throttle" }],
    ["lying with a page", { kind: "lie", lie: "html" }],
    ["answering nothing", { kind: "lie", lie: "empty" }],
  ] as const)("of a CloudFormation that is %s may be had later", async (_name, fault) => {
    fixture.fake.faults.set("ListStackResources", fault);

    expect(await brokerErrorOf(() => resourcesOf("shop"))).toMatchObject({ code: "AwsUnreachable" });
  });
});
