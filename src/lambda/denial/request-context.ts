import type { RequestContext } from "./patterns.js";

export interface Asked {
  /** Of the role whose session asks. */
  readonly roleArn: string;
  readonly resource: string | null;
  /** Epoch milliseconds: about when it asked. */
  readonly now: number;
}

/**
 * The condition keys of a request that are known without having seen it (IAM user guide, "AWS global condition context keys"): who
 * asks and when, and what the resource's ARN says. `lambda:SourceFunctionArn` is set by Lambda alone. All others are not known.
 */
export function requestContext({ roleArn, resource, now }: Asked): RequestContext {
  const known: readonly (readonly [string, string | null])[] = [
    ["aws:PrincipalArn", roleArn],
    ["aws:PrincipalAccount", roleArn.split(":")[4] ?? null],
    ["aws:PrincipalType", "AssumedRole"],
    ["aws:PrincipalIsAWSService", "false"],
    ["aws:CurrentTime", new Date(now).toISOString()],
    ["aws:EpochTime", String(Math.floor(now / 1000))],
    ["lambda:SourceFunctionArn", null],
    ["aws:username", null],
    ...ofResource(resource),
  ];
  return new Map(known.map(([key, value]) => [key.toLowerCase(), value]));
}

/** Where its ARN says them: a bucket's says neither. */
function ofResource(resource: string | null): readonly (readonly [string, string])[] {
  const [, region, owner] = /^arn:[^:]*:[^:]*:([^:]*):([^:]*):/.exec(resource ?? "") ?? [];
  const told = [["aws:RequestedRegion", region ?? ""] as const, ["aws:ResourceAccount", owner ?? ""] as const];
  return told.filter(([, value]) => value !== "");
}
