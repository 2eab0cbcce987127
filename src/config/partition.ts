interface PartitionRules {
  /** What the name of a region of it looks like. */
  readonly regions: RegExp;
  /** Region whose STS endpoint stands in where neither role, source nor defaults name one. */
  readonly stsRegion: string;
}

/**
 * Every partition that the AWS SDK knows: accounts, keys and roles never cross from one to another. A copy of the SDK's
 * own list, which only `aws` may import; a test compares the two, so an SDK that knows one more does not pass.
 */
const RULES = {
  aws: { regions: /^(?:us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+$/, stsRegion: "us-east-1" },
  "aws-cn": { regions: /^cn-\w+-\d+$/, stsRegion: "cn-north-1" },
  "aws-eusc": { regions: /^eusc-(?:de)-\w+-\d+$/, stsRegion: "eusc-de-east-1" },
  "aws-iso": { regions: /^us-iso-\w+-\d+$/, stsRegion: "us-iso-east-1" },
  "aws-iso-b": { regions: /^us-isob-\w+-\d+$/, stsRegion: "us-isob-east-1" },
  "aws-iso-e": { regions: /^eu-isoe-\w+-\d+$/, stsRegion: "eu-isoe-west-1" },
  "aws-iso-f": { regions: /^us-isof-\w+-\d+$/, stsRegion: "us-isof-south-1" },
  "aws-us-gov": { regions: /^us-gov-\w+-\d+$/, stsRegion: "us-gov-west-1" },
} as const satisfies Readonly<Record<string, PartitionRules>>;

export type Partition = keyof typeof RULES;

/** Their ids, as they stand in ARNs. */
export const PARTITIONS = Object.keys(RULES) as readonly Partition[];

/** The partition that an ARN names; undefined for another partition or no ARN. */
export function partitionOfArn(arn: string | undefined): Partition | undefined {
  const [prefix, partition] = arn?.split(":", 2) ?? [];
  return prefix === "arn" ? PARTITIONS.find((known) => known === partition) : undefined;
}

/** The partition a region belongs to; undefined where its name does not say: a new region is undecided, not wrong. */
export function partitionOfRegion(region: string | undefined): Partition | undefined {
  return PARTITIONS.find((partition) => region !== undefined && RULES[partition].regions.test(region));
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
  return regions.find((region) => fitsPartition(region, partition)) ?? RULES[partition].stsRegion;
}
