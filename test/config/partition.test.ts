import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { chooseStsRegion, PARTITIONS, partitionOfArn, partitionOfRegion } from "../../src/config/partition.js";
import { HEAD, parse } from "./config-text.js";

interface SdkPartition {
  readonly id: string;
  readonly regionRegex: string;
  readonly regions: Readonly<Record<string, unknown>>;
}

/** The SDK does not export it: a file of its own that has moved makes this fail, and the new place is to be found. */
const SDK_LIST = "../../node_modules/@aws-sdk/core/dist-es/submodules/client/util-endpoints/lib/aws/partitions.js";

async function sdkPartitions(): Promise<readonly SdkPartition[]> {
  const url = pathToFileURL(fileURLToPath(new URL(SDK_LIST, import.meta.url))).href;
  const { partitionsInfo } = (await import(url)) as { partitionsInfo: { partitions: readonly SdkPartition[] } };
  return partitionsInfo.partitions;
}

/** `aws-cn-global` and its like are names of the SDK's for endpoints without a region. */
const regionsOf = ({ regions }: SdkPartition): string[] => Object.keys(regions).filter((name) => /\d$/.test(name));

describe("our list of AWS partitions", () => {
  it("has the partitions that the AWS SDK has, and no other", async () => {
    expect([...PARTITIONS].sort()).toEqual((await sdkPartitions()).map(({ id }) => id).sort());
  });

  it("puts every region that the AWS SDK knows into the partition where the SDK has it", async () => {
    const sdk = await sdkPartitions();
    const ours = sdk.map((partition) => [
      partition.id,
      regionsOf(partition).filter((region) => partitionOfRegion(region) === partition.id),
    ]);

    expect(ours).toEqual(sdk.map((partition) => [partition.id, regionsOf(partition)]));
  });

  it.each([
    ["eu-new-7", "aws"],
    ["cn-south-9", "aws-cn"],
    ["eusc-de-west-2", "aws-eusc"],
    ["us-iso-south-1", "aws-iso"],
    ["us-isob-south-1", "aws-iso-b"],
    ["eu-isoe-east-2", "aws-iso-e"],
    ["us-isof-west-1", "aws-iso-f"],
    ["us-gov-north-3", "aws-us-gov"],
    ["xy-north-1", undefined],
  ])("tells the partition of a region that AWS may open, %s, as the AWS SDK does", async (region, partition) => {
    const matching = (await sdkPartitions()).find(({ regionRegex }) => new RegExp(regionRegex).test(region));

    expect(partitionOfRegion(region)).toBe(partition);
    expect(matching?.id).toBe(partition);
  });

  it("calls STS in a region of each partition that the AWS SDK knows", async () => {
    for (const partition of await sdkPartitions()) {
      const id = partitionOfArn(`arn:${partition.id}:iam::111111111111:role/a`);

      expect(id).toBe(partition.id);
      expect(regionsOf(partition)).toContain(id && chooseStsRegion({ partition: id, regions: [] }));
    }
  });
});

describe("a config with entries of a partition", () => {
  it.each(PARTITIONS.map((partition) => [partition]))(
    "is served for %s: roles, MFA devices, policies and a portal",
    (partition) => {
      const region = chooseStsRegion({ partition, regions: [] });
      const arn = (rest: string): string => `"arn:${partition}:iam::${rest}"`;
      const { roles, sources } = parse(`${HEAD}sources:
  k: { type: keys, mfa_serial: ${arn("111111111111:mfa/me")} }
  s: { type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: ${region} }
roles:
  r: { source: k, role_arn: ${arn("222222222222:role/a")}, region: ${region}, policy_arns: [${arn("aws:policy/ReadOnlyAccess")}] }
  p: { source: s, sso_account_id: "111111111111", sso_role_name: Dev }
  q: { source_role: p, role_arn: ${arn("222222222222:role/b")} }
`);

      expect([...roles.values()].map(({ stsRegion }) => stsRegion)).toEqual([region, region, region]);
      expect([...sources.values()].map(({ stsRegion }) => stsRegion)).toEqual([region, region]);
    },
  );
});
