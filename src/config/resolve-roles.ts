import { secondsOfDuration } from "../core/duration.js";
import { DEFAULT_MAX_LEASE_SECONDS, type Guard, sessionSeconds, strictest } from "../core/guard.js";
import type { AssumeRoleParameters, Role, RoleOrigin, Source } from "../core/role.js";
import { roleDigest } from "../core/role-digest.js";
import { renderSessionPolicy } from "../core/session-policy.js";
import { checkGuard, checkRole, type Inherited } from "./check/check-role.js";
import type { ConfigProblem } from "./check/config-problem.js";
import { type Entries, linkRoles, type RoleLinks } from "./check/link-roles.js";
import { chooseStsRegion, fitsPartition, type Partition, partitionOfArn } from "./partition.js";
import { type ResolvedSource, resolveSources } from "./resolve-sources.js";
import type { RoleEntry } from "./schema/role-schema.js";
import type { SourceEntry } from "./schema/source-schema.js";
import { renderSessionName } from "./session-name.js";

/** AWS's own default for AssumeRole, seconds. */
const DEFAULT_DURATION = 3600;

export interface UnresolvedConfig {
  readonly sources: Entries<SourceEntry>;
  readonly roles: Entries<RoleEntry>;
  readonly defaultRegion: string | undefined;
  /** Of the file; another than `passphrase` has none that a guard could ask for. */
  readonly secretStore: string | undefined;
  readonly user: string;
  readonly host: string;
}

export interface ResolvedConfig {
  /** In file order; those with problems are left out. */
  readonly sources: ReadonlyMap<string, Source>;
  readonly roles: ReadonlyMap<string, Role>;
  readonly problems: readonly ConfigProblem[];
}

/**
 * Ties roles to their sources and parents and checks whatever takes more than one field. Regions: what clients are
 * told is the role's own or the default's, as far as it fits the role's partition; the STS endpoint's is the role's
 * own, its source's, the default's, the partition's. Nothing is inherited along `source_role`: the region of an
 * intermediate role says nothing about the one behind it (the AWS CLI's profiles do the same).
 */
export function resolveRoles(config: UnresolvedConfig): ResolvedConfig {
  const sources = resolveSources(config.sources, config);
  const links = linkRoles(config.roles, config.sources);
  const hops = new Map<string, Hop>();
  const problems = [...sources.problems, ...links.problems];
  for (const name of links.order) {
    const entry = config.roles.get(name);
    if (!entry) continue;
    const origin = originOf(name, { links, hops, sources: sources.sources });
    problems.push(...checkRole(name, entry, origin?.inherited), ...checkGuard(name, entry.guard, config.secretStore));
    const assume = assumeParameters(name, entry, config);
    problems.push(...assume.problems);
    if (origin) hops.set(name, resolveHop({ name, entry, origin, assume: assume.parameters }, config.defaultRegion));
  }
  return {
    sources: new Map([...sources.sources].map(([name, { source }]) => [name, source])),
    roles: inFileOrder(config.roles, hops),
    problems,
  };
}

/** A role with what those chained from it are checked against. */
interface Hop {
  readonly role: Role;
  readonly source: ResolvedSource;
  readonly passedOn: Inherited;
}

interface Origin {
  readonly origin: RoleOrigin;
  readonly source: ResolvedSource;
  readonly inherited: Inherited;
}

interface Resolved {
  readonly links: RoleLinks;
  readonly hops: ReadonlyMap<string, Hop>;
  readonly sources: ReadonlyMap<string, ResolvedSource>;
}

/** undefined: the chain is broken somewhere, and that is reported there. */
function originOf(name: string, { links, hops, sources }: Resolved): Origin | undefined {
  const link = links.links.get(name);
  if (link?.kind === "role") {
    const parent = hops.get(link.role);
    if (!parent) return undefined;
    const { role, source, passedOn } = parent;
    return { origin: { kind: "role", role }, source, inherited: passedOn };
  }
  const source = link?.kind === "source" ? sources.get(link.source) : undefined;
  return source && { origin: { kind: "source", source: source.source }, source, inherited: inheritedFrom(source) };
}

function inheritedFrom({ source, partition, because }: ResolvedSource): Inherited {
  return {
    from: source.type,
    partition,
    partitionBecause: `source ${source.name} is in ${partition} (${because})`,
    shortBecause: shortBecause(source),
    sourceIdentity: undefined,
    transitiveTags: new Map(),
  };
}

/** Why a session may sign what this source signs; a program or profile that yields a key today may yield a session tomorrow. */
function shortBecause(source: Source): string | undefined {
  if (source.type === "web_identity" || (source.type === "keys" && source.mfaSerial === undefined)) return undefined;
  const why = source.type === "keys" ? "uses MFA" : `is of type ${source.type}`;
  return `source ${source.name} ${why}, so a session signs, and AWS gives an hour at most`;
}

interface HopParts {
  readonly name: string;
  readonly entry: RoleEntry;
  readonly origin: Origin;
  readonly assume: AssumeRoleParameters | undefined;
}

function resolveHop({ name, entry, origin, assume }: HopParts, defaultRegion: string | undefined): Hop {
  const { source, inherited } = origin;
  const partition = partitionOfArn(entry.role_arn) ?? inherited.partition;
  const region = entry.region ?? (fitsPartition(defaultRegion, partition) ? defaultRegion : undefined);
  const guard = guardOf(entry, origin.origin);
  const definition = {
    name,
    origin: origin.origin,
    ...(assume && { assume: { ...assume, durationSeconds: sessionSeconds(assume.durationSeconds, guard) } }),
    ...permissionSet(entry),
    ...(region === undefined ? {} : { region }),
    stsRegion: chooseStsRegion({ partition, regions: [entry.region, source.region, defaultRegion] }),
    ...(guard && { guard }),
  };
  const role = { ...definition, digest: roleDigest(definition) };
  return { role, source, passedOn: passOn(name, entry, { inherited, partition }) };
}

/** Its own, joined with that of the role it is chained from, which has its own parents' in it. */
function guardOf({ guard: entry }: RoleEntry, origin: RoleOrigin): Guard | undefined {
  const own = entry && {
    ...(entry.confirm !== undefined && { confirm: entry.confirm }),
    reason: entry.reason ?? false,
    maxLeaseSeconds: secondsOfDuration(entry.max_lease ?? "") ?? DEFAULT_MAX_LEASE_SECONDS,
  };
  return strictest(own, origin.kind === "role" ? origin.role.guard : undefined);
}

function permissionSet({ sso_account_id: accountId, sso_role_name: roleName }: RoleEntry): Pick<Role, "sso"> {
  return accountId === undefined || roleName === undefined ? {} : { sso: { accountId, roleName } };
}

function passOn(
  name: string,
  entry: RoleEntry,
  { inherited, partition }: { inherited: Inherited; partition: Partition },
): Inherited {
  const own = entry.source_identity;
  const transitive = (entry.transitive_tag_keys ?? []).map((key) => [key.toLowerCase(), name] as const);
  return {
    from: "role",
    partition,
    partitionBecause: `role ${name}, which it is chained from, is in ${partition}`,
    shortBecause: `it is chained from role ${name}, and AWS gives a chained role an hour at most`,
    sourceIdentity: inherited.sourceIdentity ?? (own === undefined ? undefined : { value: own, role: name }),
    transitiveTags:
      transitive.length === 0 ? inherited.transitiveTags : new Map([...inherited.transitiveTags, ...transitive]),
  };
}

/** What AssumeRole is called with; undefined for a role that assumes nothing. */
function assumeParameters(
  role: string,
  entry: RoleEntry,
  { user, host }: UnresolvedConfig,
): { parameters: AssumeRoleParameters | undefined; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const at = (field: string, message: string): void => void problems.push({ path: ["roles", role, field], message });
  const session = renderSessionName(entry.role_session_name, { user, host, role });
  if ("problem" in session) at("role_session_name", session.problem);
  const rendered = renderSessionPolicy({ policy: entry.policy, policyArns: entry.policy_arns });
  if ("problem" in rendered) at(entry.policy === undefined ? "policy_arns" : "policy", rendered.problem);

  if (entry.role_arn === undefined || "problem" in session || "problem" in rendered) {
    return { parameters: undefined, problems };
  }
  const parameters = {
    roleArn: entry.role_arn,
    roleSessionName: session.name,
    durationSeconds: entry.duration_seconds ?? DEFAULT_DURATION,
    ...optionalParameters(entry),
    ...rendered,
  };
  return { parameters, problems };
}

function optionalParameters(entry: RoleEntry): Partial<AssumeRoleParameters> {
  return {
    ...(entry.external_id === undefined ? {} : { externalId: entry.external_id }),
    ...(entry.source_identity === undefined ? {} : { sourceIdentity: entry.source_identity }),
    ...(entry.tags === undefined ? {} : { tags: entry.tags }),
    ...(entry.transitive_tag_keys === undefined ? {} : { transitiveTagKeys: entry.transitive_tag_keys }),
    ...(entry.policy_arns === undefined ? {} : { policyArns: entry.policy_arns }),
  };
}

function inFileOrder(roles: Entries<RoleEntry>, hops: ReadonlyMap<string, Hop>): ReadonlyMap<string, Role> {
  const resolved = new Map<string, Role>();
  for (const name of roles.keys()) {
    const hop = hops.get(name);
    if (hop) resolved.set(name, hop.role);
  }
  return resolved;
}
