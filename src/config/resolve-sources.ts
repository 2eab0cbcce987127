import type { Source } from "../core/role.js";
import type { ConfigProblem } from "./config-problem.js";
import type { Entries } from "./link-roles.js";
import { chooseStsRegion, type Partition, partitionOfArn, partitionOfRegion } from "./partition.js";
import type { RoleEntry } from "./role-schema.js";
import type { SourceEntry } from "./source-schema.js";

/** AWS's own default for GetSessionToken, seconds. */
const DEFAULT_SESSION_DURATION = 43_200;

/** A source with what its roles are checked against. */
export interface ResolvedSource {
  readonly source: Source;
  /** As the file has it: preferred by roles that name none. */
  readonly region: string | undefined;
  readonly partition: Partition;
  /** What says so, for messages: `its mfa_serial`. */
  readonly because: string;
}

export interface SourceSurroundings {
  readonly roles: Entries<RoleEntry>;
  readonly defaultRegion: string | undefined;
}

/** Every source that keeps the schema; a long-term key belongs to one partition, so everything about it must agree. */
export function resolveSources(
  sources: Entries<SourceEntry>,
  surroundings: SourceSurroundings,
): { readonly sources: ReadonlyMap<string, ResolvedSource>; readonly problems: readonly ConfigProblem[] } {
  const resolved = new Map<string, ResolvedSource>();
  const problems: ConfigProblem[] = [];
  const roleArns = firstRoleArns(surroundings.roles);
  for (const [name, entry] of sources) {
    if (!entry) continue;
    const { defaultRegion } = surroundings;
    const source = resolveSource(name, entry, { firstRole: roleArns.get(name), defaultRegion });
    const ofRegion = partitionOfRegion(entry.region);
    if (ofRegion !== undefined && ofRegion !== source.partition) {
      const message = `${entry.region ?? ""} is in ${ofRegion}, but the source is in ${source.partition} (${source.because})`;
      problems.push({ path: ["sources", name, "region"], message });
    }
    resolved.set(name, source);
  }
  return { sources: resolved, problems };
}

interface FirstRole {
  readonly name: string;
  readonly arn: string;
}

/** Of each source the first role that is assumed directly from it: it tells the partition where nothing else does. */
function firstRoleArns(roles: Entries<RoleEntry>): Map<string, FirstRole> {
  const first = new Map<string, FirstRole>();
  for (const [name, entry] of roles) {
    if (entry?.source === undefined || entry.role_arn === undefined || first.has(entry.source)) continue;
    first.set(entry.source, { name, arn: entry.role_arn });
  }
  return first;
}

function resolveSource(
  name: string,
  entry: SourceEntry,
  { firstRole, defaultRegion }: { firstRole: FirstRole | undefined; defaultRegion: string | undefined },
): ResolvedSource {
  const { partition, because } = partitionOf(entry, firstRole, defaultRegion);
  const { mfa_serial: mfaSerial, session_duration_seconds: duration, region } = entry;
  const source: Source = {
    type: "keys",
    name,
    ...(mfaSerial === undefined ? {} : { mfaSerial }),
    sessionDurationSeconds: duration ?? DEFAULT_SESSION_DURATION,
    stsRegion: chooseStsRegion({ partition, regions: [region, defaultRegion] }),
  };
  return { source, region, partition, because };
}

function partitionOf(
  { mfa_serial: mfaSerial, region }: SourceEntry,
  firstRole: FirstRole | undefined,
  defaultRegion: string | undefined,
): Pick<ResolvedSource, "partition" | "because"> {
  const evidence = [
    { partition: partitionOfArn(mfaSerial), because: "by its mfa_serial" },
    { partition: partitionOfRegion(region), because: "by its region" },
    { partition: partitionOfArn(firstRole?.arn), because: `by role ${firstRole?.name ?? ""}` },
    { partition: partitionOfRegion(defaultRegion), because: "by defaults.region" },
  ];
  for (const { partition, because } of evidence) if (partition) return { partition, because };
  return { partition: "aws", because: "by default" };
}
