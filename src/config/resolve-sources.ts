import type { Source } from "../core/role.js";
import { checkSource } from "./check/check-source.js";
import type { ConfigProblem } from "./check/config-problem.js";
import type { Entries } from "./check/link-roles.js";
import { chooseStsRegion, type Partition, partitionOfArn, partitionOfRegion } from "./partition.js";
import type { RoleEntry } from "./schema/role-schema.js";
import type { SourceEntry, SourceType } from "./schema/source-schema.js";

/** AWS's own default for GetSessionToken, seconds. */
const DEFAULT_SESSION_DURATION = 43_200;

/** Without it AWS grants no refresh token (`sso_registration_scopes` in the AWS CLI's user guide). */
const DEFAULT_SCOPES: readonly string[] = ["sso:account:access"];

/** A source with what its roles are checked against. */
export interface ResolvedSource {
  readonly source: Source;
  /** As the file has it: preferred by roles that name none. */
  readonly region: string | undefined;
  readonly partition: Partition;
  /** What says so, for messages: `its mfa_serial`. */
  readonly because: string;
}

export interface SourceContext {
  readonly roles: Entries<RoleEntry>;
  readonly defaultRegion: string | undefined;
}

/** Every source that keeps the schema; what it signs with belongs to one partition, so everything about it must agree. */
export function resolveSources(
  sources: Entries<SourceEntry>,
  { roles, defaultRegion }: SourceContext,
): { readonly sources: ReadonlyMap<string, ResolvedSource>; readonly problems: readonly ConfigProblem[] } {
  const resolved = new Map<string, ResolvedSource>();
  const problems: ConfigProblem[] = [];
  const roleArns = firstRoleArns(roles);
  for (const [name, entry] of sources) {
    if (!entry) continue;
    const source = resolveSource(name, entry, { firstRole: roleArns.get(name), defaultRegion });
    problems.push(...checkSource(name, entry, source));
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
  const stsRegion = chooseStsRegion({ partition, regions: [entry.region, ssoRegionOf(entry), defaultRegion] });
  return { source: asSource(entry, { name, stsRegion }), region: entry.region, partition, because };
}

function asSource(entry: SourceEntry, common: { readonly name: string; readonly stsRegion: string }): Source {
  switch (entry.type) {
    case "keys":
      return keysSource(entry, common);
    case "sso":
      return ssoSource(entry, common);
    case "console_login":
      return consoleLoginSource(entry, common);
    case "web_identity":
      return { type: "web_identity", ...common, tokenFile: entry.web_identity_token_file };
    case "process":
      return { type: "process", ...common, command: entry.credential_process };
    case "aws_sso_cache":
      return awsSsoCacheSource(entry, common);
    case "profile":
      return { type: "profile", ...common, profile: entry.profile };
    case "instance_metadata":
    case "container":
      return { type: entry.type, ...common };
  }
}

type Common = Parameters<typeof asSource>[1];
type EntryOf<Type extends SourceType> = Extract<SourceEntry, { readonly type: Type }>;

function keysSource(entry: EntryOf<"keys">, common: Common): Source {
  const { mfa_serial: mfaSerial, mfa_process: mfaProcess, session_duration_seconds: duration } = entry;
  return {
    type: "keys",
    ...common,
    ...(mfaSerial === undefined ? {} : { mfaSerial }),
    ...(mfaProcess === undefined ? {} : { mfaProcess }),
    sessionDurationSeconds: duration ?? DEFAULT_SESSION_DURATION,
  };
}

function ssoSource(entry: EntryOf<"sso">, common: Common): Source {
  return {
    type: "sso",
    ...common,
    startUrl: entry.sso_start_url,
    ssoRegion: entry.sso_region,
    registrationScopes: entry.sso_registration_scopes ?? DEFAULT_SCOPES,
  };
}

function consoleLoginSource({ login_session: loginSession }: EntryOf<"console_login">, common: Common): Source {
  return { type: "console_login", ...common, ...(loginSession === undefined ? {} : { loginSession }) };
}

function awsSsoCacheSource(entry: EntryOf<"aws_sso_cache">, common: Common): Source {
  const { sso_session: ssoSession, sso_start_url: startUrl = "", sso_region: ssoRegion } = entry;
  return {
    type: "aws_sso_cache",
    ...common,
    // exactly one of the two stands there: check-source
    session: ssoSession === undefined ? { startUrl } : { ssoSession },
    ...(ssoRegion === undefined ? {} : { ssoRegion }),
  };
}

function ssoRegionOf(entry: SourceEntry): string | undefined {
  return entry.type === "sso" || entry.type === "aws_sso_cache" ? entry.sso_region : undefined;
}

function loginSessionPartition(entry: SourceEntry): Partition | undefined {
  return entry.type === "console_login" ? partitionOfArn(entry.login_session) : undefined;
}

function partitionOf(
  entry: SourceEntry,
  firstRole: FirstRole | undefined,
  defaultRegion: string | undefined,
): Pick<ResolvedSource, "partition" | "because"> {
  const evidence = [
    { partition: entry.type === "keys" ? partitionOfArn(entry.mfa_serial) : undefined, because: "by its mfa_serial" },
    { partition: loginSessionPartition(entry), because: "by its login_session" },
    { partition: partitionOfRegion(ssoRegionOf(entry)), because: "by its sso_region" },
    { partition: partitionOfRegion(entry.region), because: "by its region" },
    { partition: partitionOfArn(firstRole?.arn), because: `by role ${firstRole?.name ?? ""}` },
    { partition: partitionOfRegion(defaultRegion), because: "by defaults.region" },
  ];
  for (const { partition, because } of evidence) if (partition) return { partition, because };
  return { partition: "aws", because: "by default" };
}
