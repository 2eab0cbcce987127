import { describe, expect, it } from "vitest";
import { REGION_PATTERN, REGION_SOURCE } from "../../src/core/region.js";

const SDK_LIST = "../../node_modules/@aws-sdk/core/dist-es/submodules/client/util-endpoints/lib/aws/partitions.js";

async function regionsOfSdk(): Promise<readonly string[]> {
  const { partitionsInfo } = (await import(new URL(SDK_LIST, import.meta.url).href)) as {
    partitionsInfo: { partitions: readonly { regions: Readonly<Record<string, unknown>> }[] };
  };
  const names = partitionsInfo.partitions.flatMap(({ regions }) => Object.keys(regions));
  return names.filter((name) => !name.endsWith("-global"));
}

describe("the pattern of a region", () => {
  it("fits every region that the AWS SDK knows, alone and within an ARN", async () => {
    const regions = await regionsOfSdk();
    expect(regions.length).toBeGreaterThan(30);
    expect(regions.filter((name) => !REGION_PATTERN.test(name))).toEqual([]);
    const inArn = new RegExp(`^arn:aws:lambda:${REGION_SOURCE}:1$`);
    expect(regions.filter((name) => !inArn.test(`arn:aws:lambda:${name}:1`))).toEqual([]);
  });

  it.each([
    ["nothing", ""],
    ["another host's name", "eu-west-1.example.com"],
    ["a path", "eu-west-1/x"],
    ["a port", "eu-west-1:80"],
    ["a user", "eu-west-1@host"],
    ["capitals", "EU-WEST-1"],
    ["a second line", "eu-west-1\n"],
    ["no number", "eu-west"],
    ["a zone", "eu-west-1a"],
    ["a partition's own endpoint", "aws-global"],
    ["a number of three digits", "eu-west-100"],
    ["a prefix of one letter", "e-west-1"],
  ])("does not fit %s", (_what, text) => {
    expect(REGION_PATTERN.test(text)).toBe(false);
  });
});
