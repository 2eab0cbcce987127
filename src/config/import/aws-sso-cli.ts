import type { AwsFiles, FileText } from "../../core/aws-import.js";
import { BrokerError } from "../../core/errors.js";
import { splitCommand } from "../../core/split-command.js";
import { readYaml } from "../read-yaml.js";
import { type AwsProfiles, readAwsProfiles } from "./aws-profiles.js";
import { portalName } from "./import-sources.js";
import { ProfileText } from "./profile-text.js";

type Tree = Readonly<Record<string, unknown>>;

/** A role that aws-sso-cli knows, by the name of its profile. */
interface KnownRole {
  /** Of `SSOConfig`. */
  readonly sso: string;
  readonly accountId: string;
  readonly roleName: string;
  readonly name: string;
  readonly region: string | undefined;
  /** The ARN of the role that it is chained from. */
  readonly via?: string | undefined;
  readonly sourceIdentity?: string | undefined;
}

type RoleKey = Pick<KnownRole, "sso" | "accountId" | "roleName">;

/**
 * aws-sso-cli's `config.yaml` (2.x), and the profiles that its `setup profiles` wrote into `~/.aws/config`, as sessions and
 * profiles. Its secure store is not read: the login is made anew.
 */
export function readAwsSsoCli(aws: AwsFiles, settings: FileText | null): AwsProfiles {
  const text = new ProfileText(settings?.path ?? "aws-sso-cli's config.yaml");
  const root = settings ? rootOf(settings) : {};
  const sessions = addSessions(text, root);
  const roles = new Map([...listedRoles(root)].map((role) => [keyOf(role), role]));
  for (const role of writtenProfiles(aws)) {
    const listed = roles.get(keyOf(role));
    roles.set(keyOf(role), { ...listed, ...role, region: role.region ?? listed?.region });
  }
  for (const role of [...roles.values()]) addSigner(role, roles);
  for (const role of roles.values()) text.profile(role.name, fieldsOf(role, { roles, sessions }));
  return text.read();
}

/** Answers their names: of `SSOConfig` → of ours. */
function addSessions(text: ProfileText, root: Tree): ReadonlyMap<string, string> {
  const sessions = new Map<string, string>();
  for (const [sso, entry] of Object.entries(treeOf(root["SSOConfig"]))) {
    const startUrl = textOf(treeOf(entry)["StartUrl"]);
    const session = sso === "Default" && startUrl !== undefined ? portalName(startUrl) : sso;
    sessions.set(sso, session);
    text.session(session, { sso_start_url: startUrl, sso_region: textOf(treeOf(entry)["SSORegion"]) });
  }
  return sessions;
}

function rootOf({ text, path }: FileText): Tree {
  const { root, problems } = readYaml(text);
  if (root) return root;
  throw new BrokerError("FileRefused", `${path} cannot be read: ${problems[0]?.message ?? "no YAML"}`, {
    hint: "aws-sso list, which says what is wrong with it",
  });
}

function keyOf({ sso, accountId, roleName }: RoleKey): string {
  return `${sso} ${accountId}/${roleName}`;
}

/** The optional `Accounts` of the entries: what has tags, a region, a profile name, or is reached `Via` another role. */
function* listedRoles(root: Tree): Generator<KnownRole> {
  for (const [sso, entry] of Object.entries(treeOf(root["SSOConfig"]))) {
    for (const [account, details] of Object.entries(treeOf(treeOf(entry)["Accounts"]))) {
      const { Name: accountName, Roles: roles } = treeOf(details);
      const accountId = account.replace(/^0+/, "").padStart(12, "0");
      for (const [roleName, settings] of Object.entries(treeOf(roles))) {
        const { Profile: profile, Via: via, SourceIdentity: sourceIdentity } = treeOf(settings);
        const levels = [settings, details, entry, root].map((level) => textOf(treeOf(level)["DefaultRegion"]));
        yield {
          ...{ sso, accountId, roleName, region: levels.find(Boolean) },
          name: textOf(profile) ?? `${textOf(accountName) ?? accountId}/${roleName}`,
          ...{ via: textOf(via), sourceIdentity: textOf(sourceIdentity) },
        };
      }
    }
  }
}

/** `Via` may name a role that nothing else does. */
function addSigner({ sso, via }: KnownRole, roles: Map<string, KnownRole>): void {
  const signer = via === undefined ? undefined : roleOfArn(via, sso);
  if (!signer || roles.has(keyOf(signer))) return;
  roles.set(keyOf(signer), { ...signer, name: `${signer.accountId}/${signer.roleName}`, region: undefined });
}

function roleOfArn(arn: string, sso: string): RoleKey | undefined {
  const [, , accountId, roleName] = ROLE_ARN.exec(arn) ?? [];
  return accountId === undefined || roleName === undefined ? undefined : { sso, accountId, roleName };
}

interface Known {
  readonly roles: ReadonlyMap<string, KnownRole>;
  /** Of `SSOConfig` → of ours. */
  readonly sessions: ReadonlyMap<string, string>;
}

/** As AWS writes a profile. A `Via` that is no ARN names no profile either: it is refused with its text. */
function fieldsOf(role: KnownRole, { roles, sessions }: Known): Parameters<ProfileText["profile"]>[1] {
  const { sso, accountId, roleName, region, via, sourceIdentity } = role;
  if (via === undefined) {
    return { sso_session: sessions.get(sso) ?? sso, sso_account_id: accountId, sso_role_name: roleName, region };
  }
  const signer = roleOfArn(via, sso);
  const partition = ROLE_ARN.exec(via)?.[1] ?? "aws";
  return {
    role_arn: `arn:${partition}:iam::${accountId}:role/${roleName}`,
    source_profile: (signer && roles.get(keyOf(signer))?.name) ?? via,
    source_identity: sourceIdentity,
    region,
  };
}

const ROLE_ARN = /^arn:([a-z-]+):iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/;

function* writtenProfiles(aws: AwsFiles): Generator<KnownRole> {
  for (const { name, settings } of readAwsProfiles(aws).profiles.values()) {
    const role = roleOfProcess(settings.get("credential_process")?.value ?? "");
    if (role) yield { ...role, name, region: settings.get("region")?.value };
  }
}

/** `/usr/bin/aws-sso -u open -S "Default" process --arn arn:aws:iam::111111111111:role/Admin` */
function roleOfProcess(command: string): RoleKey | undefined {
  const split = splitCommand(command);
  const argv = "argv" in split ? split.argv : [];
  if (!/(?:^|\/)aws-sso$/.test(argv[0] ?? "") || !argv.includes("process")) return undefined;
  const valueOf = (...flags: string[]): string | undefined => {
    const index = argv.findIndex((word) => flags.includes(word));
    return index < 0 ? undefined : argv[index + 1];
  };
  return roleOfArn(valueOf("--arn", "-a") ?? "", valueOf("-S", "--sso") ?? "Default");
}

function treeOf(value: unknown): Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Tree) : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
