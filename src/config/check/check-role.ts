import { type Partition, partitionOfArn, partitionOfRegion } from "../partition.js";
import type { RoleEntry } from "../schema/role-schema.js";
import type { SourceType } from "../schema/source-schema.js";
import type { ConfigProblem } from "./config-problem.js";
import { showValue } from "./show-value.js";

/** AWS's limit for role chaining, seconds: for every AssumeRole that neither a long-term key without MFA nor a web identity signs. */
const MAX_CHAINED_DURATION = 3600;
/** Fields that only AssumeRole knows. */
const ASSUME_FIELDS = [
  "duration_seconds",
  "role_session_name",
  "external_id",
  "source_identity",
  "tags",
  "transitive_tag_keys",
  "policy",
  "policy_arns",
] as const satisfies readonly (keyof RoleEntry)[];

/** STS's AssumeRoleWithWebIdentity has no such parameters. */
const NOT_WITH_WEB_IDENTITY = ["external_id", "source_identity", "tags", "transitive_tag_keys"] as const;
const SSO_FIELDS = ["sso_account_id", "sso_role_name"] as const;

/** What a role inherits along its chain, as far as it is known. */
export interface Inherited {
  /** What signs: a source of this type, or another role. */
  readonly from: SourceType | "role";
  readonly partition: Partition;
  /** What says so, for messages: `source ops-keys is in aws (by its mfa_serial)`. */
  readonly partitionBecause: string;
  /** Why only an hour is to be had; undefined: a long-term key signs this role's AssumeRole itself. */
  readonly shortBecause: string | undefined;
  readonly sourceIdentity: { readonly value: string; readonly role: string } | undefined;
  /** Transitive tag keys in lower case (STS does not tell case apart) and the role that set them. */
  readonly transitiveTags: ReadonlyMap<string, string>;
}

type Finding = Omit<ConfigProblem, "path"> & { readonly field: readonly (string | number)[] };

/** The rules that join several fields of a role, or a role with its chain (absent: broken, and reported there). */
export function checkRole(name: string, entry: RoleEntry, inherited: Inherited | undefined): ConfigProblem[] {
  const findings = [
    ...checkWhatIsHad(entry, inherited),
    ...checkTags(entry),
    ...(inherited
      ? [
          ...checkDuration(entry, inherited),
          ...checkPartitions(entry, inherited),
          ...checkInheritance(entry, inherited),
        ]
      : []),
  ];
  return findings.map(({ field, ...finding }) => ({ ...finding, path: ["roles", name, ...field] }));
}

/** What a guard without conditions is, and that only one kind of secret store has a passphrase that brokerd could ask for. */
export function checkGuard(name: string, guard: RoleEntry["guard"], secretStore: string | undefined): ConfigProblem[] {
  if (!guard) return [];
  const path = ["roles", name, "guard"];
  if (Object.keys(guard).length === 0) return [{ path, message: "must say confirm, reason or max_lease" }];
  if (guard.confirm !== "passphrase" || secretStore === "passphrase") return [];
  const message = `passphrase needs secret_store: passphrase, not ${showValue(secretStore)}: no other has one to ask for`;
  return [{ path: [...path, "confirm"], message }];
}

/** A role is assumed, or a permission set's, or the source's own session: which fields that takes. */
function checkWhatIsHad(entry: RoleEntry, inherited: Inherited | undefined): Finding[] {
  const from = entry.source_role === undefined ? inherited?.from : "role";
  if (from === "sso" || from === "aws_sso_cache") return checkPermissionSet(entry, from);
  // of a broken source it is not known which fields its roles take
  const sso = from === undefined ? [] : given(entry, SSO_FIELDS);
  const findings = sso.map((field) => refused(field, "belongs to roles on a source of type sso or aws_sso_cache"));
  if (from === "web_identity") return [...findings, ...checkWebIdentity(entry)];
  return entry.role_arn === undefined ? [...findings, ...checkWithoutArn(entry, from)] : findings;
}

function checkWithoutArn(entry: RoleEntry, from: Inherited["from"] | undefined): Finding[] {
  if (from === "role") {
    return [{ field: ["role_arn"], message: "is required with source_role: it says which role to assume" }];
  }
  if (from === undefined && given(entry, SSO_FIELDS).length > 0) return [];
  const why = "needs role_arn: without it no role is assumed, and this would have no effect";
  return given(entry, ASSUME_FIELDS).map((field) => refused(field, why));
}

function checkPermissionSet(entry: RoleEntry, type: SourceType): Finding[] {
  const missing = SSO_FIELDS.filter((field) => entry[field] === undefined).map((field) => ({
    field: [field],
    message: `is required on a source of type ${type}`,
  }));
  if (entry.role_arn !== undefined) {
    const fix = "a role behind it is another entry, with source_role";
    const message = `cannot stand on a source of type ${type}, which gives a permission set's credentials: ${fix}`;
    return [...missing, refused("role_arn", message)];
  }
  const why = `has no effect on a source of type ${type}: the permission set decides`;
  return [...missing, ...given(entry, ASSUME_FIELDS).map((field) => refused(field, why))];
}

function checkWebIdentity(entry: RoleEntry): Finding[] {
  const missing: Finding[] =
    entry.role_arn === undefined
      ? [{ field: ["role_arn"], message: "is required on a source of type web_identity: its token assumes a role" }]
      : [];
  const why = "cannot be used with a source of type web_identity: AssumeRoleWithWebIdentity has no such parameter";
  return [...missing, ...given(entry, NOT_WITH_WEB_IDENTITY).map((field) => refused(field, why))];
}

function given<Field extends keyof RoleEntry>(entry: RoleEntry, fields: readonly Field[]): readonly Field[] {
  return fields.filter((field) => entry[field] !== undefined);
}

function refused(field: string, message: string): Finding {
  return { field: [field], message, at: "key" };
}

function checkDuration(entry: RoleEntry, { shortBecause }: Inherited): Finding[] {
  const duration = entry.duration_seconds ?? 0;
  if (shortBecause === undefined || duration <= MAX_CHAINED_DURATION) return [];
  const message = `must be at most ${MAX_CHAINED_DURATION}, not ${duration}: ${shortBecause}`;
  return [{ field: ["duration_seconds"], message }];
}

function checkPartitions(entry: RoleEntry, inherited: Inherited): Finding[] {
  const findings: Finding[] = [];
  const ofArn = partitionOfArn(entry.role_arn);
  if (ofArn !== undefined && ofArn !== inherited.partition) {
    findings.push({ field: ["role_arn"], message: `is in ${ofArn}, but ${inherited.partitionBecause}` });
  }
  const partition = ofArn ?? inherited.partition;
  const ofRegion = partitionOfRegion(entry.region);
  if (ofRegion !== undefined && ofRegion !== partition) {
    findings.push({
      field: ["region"],
      message: `${entry.region ?? ""} is in ${ofRegion}, but the role is in ${partition}`,
    });
  }
  entry.policy_arns?.forEach((arn, index) => {
    const ofPolicy = partitionOfArn(arn) ?? partition;
    if (ofPolicy === partition) return;
    findings.push({ field: ["policy_arns", index], message: `is in ${ofPolicy}, but the role is in ${partition}` });
  });
  return findings;
}

function checkTags({ tags = {}, transitive_tag_keys: transitive = [] }: RoleEntry): Finding[] {
  const findings: Finding[] = [];
  const keys = Object.keys(tags);
  const byLowerCase = new Map<string, string>();
  for (const key of keys) {
    const same = byLowerCase.get(key.toLowerCase());
    if (same !== undefined) {
      const message = `is the same tag as ${same}: AWS does not tell case apart`;
      findings.push({ field: ["tags", key], message, at: "key" });
    }
    byLowerCase.set(key.toLowerCase(), key);
  }
  transitive.forEach((key, index) => {
    const field = ["transitive_tag_keys", index];
    if (transitive.indexOf(key) < index) findings.push({ field, message: `${key} is listed twice` });
    else if (!Object.hasOwn(tags, key)) {
      findings.push({ field, message: `${key} is not among tags`, suggest: { given: key, names: keys } });
    }
  });
  return findings;
}

/** STS refuses a session that would change what an earlier one of the chain has fixed. */
function checkInheritance(entry: RoleEntry, { sourceIdentity, transitiveTags }: Inherited): Finding[] {
  const findings: Finding[] = [];
  const own = entry.source_identity;
  if (own !== undefined && sourceIdentity !== undefined && own !== sourceIdentity.value) {
    const message = `cannot change within a chain: role ${sourceIdentity.role} has set ${sourceIdentity.value}`;
    findings.push({ field: ["source_identity"], message });
  }
  for (const key of Object.keys(entry.tags ?? {})) {
    const role = transitiveTags.get(key.toLowerCase());
    if (role === undefined) continue;
    const message = `cannot be set again: it is a transitive tag of role ${role}`;
    findings.push({ field: ["tags", key], message, at: "key" });
  }
  return findings;
}
