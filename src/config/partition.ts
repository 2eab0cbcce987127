/** The AWS partitions we serve: accounts, keys and roles never cross from one to another. */
export const PARTITIONS = ["aws", "aws-cn", "aws-us-gov"] as const;
export type Partition = (typeof PARTITIONS)[number];

/** Region whose STS endpoint stands in where neither role, source nor defaults name one (interface §2). */
const STS_REGION: Readonly<Record<Partition, string>> = {
  aws: "us-east-1",
  "aws-cn": "cn-north-1",
  "aws-us-gov": "us-gov-west-1",
};

/** What a region looks like: it becomes part of a host name, so nothing else may pass. */
export const REGION_PATTERN = /^[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-\d{1,2}$/;

/** Area prefixes of the `aws` partition (the SDK's partitions.json); a new one is undecided, not wrong. */
const AWS_REGION = /^(?:us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-\d+$/;
/** Isolated and sovereign partitions: aws-iso*, aws-eusc. */
const FOREIGN_REGION = /^(?:us-iso|eu-iso|eusc-)/;

/** The partition that an ARN names; undefined for another partition or no ARN. */
export function partitionOfArn(arn: string | undefined): Partition | undefined {
  const [prefix, partition] = arn?.split(":", 2) ?? [];
  return prefix === "arn" ? PARTITIONS.find((known) => known === partition) : undefined;
}

/** The partition a region belongs to; undefined where its name does not say. */
export function partitionOfRegion(region: string | undefined): Partition | undefined {
  if (region === undefined) return undefined;
  if (region.startsWith("cn-")) return "aws-cn";
  if (region.startsWith("us-gov-")) return "aws-us-gov";
  return AWS_REGION.test(region) ? "aws" : undefined;
}

/** Whether the region is in a partition we do not serve. */
export function isForeignRegion(region: string): boolean {
  return FOREIGN_REGION.test(region);
}

/** Whether a region can be used in a partition, as far as its name says. */
export function fitsPartition(region: string | undefined, partition: Partition): region is string {
  return region !== undefined && (partitionOfRegion(region) ?? partition) === partition;
}

export interface StsRegionChoice {
  readonly partition: Partition;
  /** In order of preference; those of another partition are passed over. */
  readonly regions: readonly (string | undefined)[];
}

/** The region whose STS endpoint is called: the first that is named and fits, else the partition's own. */
export function chooseStsRegion({ partition, regions }: StsRegionChoice): string {
  return regions.find((region) => fitsPartition(region, partition)) ?? STS_REGION[partition];
}
