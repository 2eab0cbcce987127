import { isOwnProcess } from "../../../core/own-process.js";
import { isLeaseUrl } from "./container.js";
import type { Answer, Failure, Source } from "./judge.js";
import { type Profiles, placeOf, type Settings, valueOf } from "./profiles.js";
import { consoleLogin, type Shell, ssoLogin } from "./shell.js";

/** Names of the two variables of a key. */
export interface KeyVariables {
  readonly id: readonly string[];
  readonly secret: readonly string[];
}

export const AWS_KEYS: KeyVariables = { id: ["AWS_ACCESS_KEY_ID"], secret: ["AWS_SECRET_ACCESS_KEY"] };

/** Both or nothing, as all but botocore have it. An empty variable is as good as none. */
export function environmentKeys(names: KeyVariables): (seen: { readonly shell: Shell }) => Answer {
  return ({ shell: { env } }) => {
    const id = names.id.find((name) => env[name]);
    const secret = names.secret.find((name) => env[name]);
    return id === undefined || secret === undefined ? undefined : keySource(env[id] ?? "", { name: id, at: id });
  };
}

/** A key in a variable or profile; `name` is whose it is. */
export function keySource(id: string, { name, at }: { readonly name: string; readonly at: string }): Source {
  const keySuffix = id.slice(-4);
  return { kind: "keys", who: `the key …${keySuffix} in ${name}`, at, keySuffix };
}

export const KEY_ID = "aws_access_key_id";
export const KEY_SECRET = "aws_secret_access_key";

/** A profile with a whole key. */
export function profileKeys(settings: Settings, name: string): Source | undefined {
  const id = valueOf(settings, KEY_ID);
  if (id === undefined || valueOf(settings, KEY_SECRET) === undefined) return undefined;
  return keySource(id, { name: `[${name}]`, at: placeOf(settings, KEY_ID) });
}

const WEB_IDENTITY = "AWS_WEB_IDENTITY_TOKEN_FILE";

/** By variables alone: both are needed. */
export function webIdentityVariables({ shell }: { readonly shell: Shell }): Answer {
  const roleArn = shell.env["AWS_ROLE_ARN"];
  const file = shell.env[WEB_IDENTITY];
  return file && roleArn ? webIdentity(shell, { file, roleArn, at: WEB_IDENTITY }) : undefined;
}

interface WebIdentity {
  readonly file: string;
  readonly roleArn: string;
  readonly at: string;
}

export function webIdentity({ text }: Shell, { file, roleArn, at }: WebIdentity): Source | Failure {
  if (text(file) === undefined) return { failure: `the web identity token ${file} is missing`, at };
  return { kind: "web_identity", who: `${roleArn} by the token ${file}`, at, roleArn, maybe: true };
}

/** A program that only the SDK runs: whether it gives anything shows then. */
export function profileProcess(settings: Settings, name: string): Source | undefined {
  const command = valueOf(settings, "credential_process");
  if (command === undefined) return undefined;
  const [program = ""] = command.split(/\s/);
  const who = `the credential_process of [${name}]`;
  const at = placeOf(settings, "credential_process");
  return { kind: "process", who, program, at, maybe: true, ...(isOwnProcess(command) && { asksBroker: true }) };
}

export function profileLogin(shell: Shell, settings: Settings, name: string): Answer {
  const session = valueOf(settings, "login_session");
  if (session === undefined) return undefined;
  const at = placeOf(settings, "login_session");
  if (consoleLogin(shell, session) === "missing") {
    return { failure: `[${name}] wants \`aws login\`, and there is no login`, at };
  }
  return { kind: "login", who: `the login of \`aws login\` in [${name}]`, at, maybe: true };
}

export const SSO_SETTINGS = ["sso_start_url", "sso_account_id", "sso_session", "sso_region", "sso_role_name"] as const;
const ALWAYS_NEEDED = ["sso_account_id", "sso_role_name"] as const;
const OF_SESSION = ["sso_start_url", "sso_region"] as const;

/** Identity Center, for a profile that has the settings by which the family knows it. */
export function profileSso(shell: Shell, profile: NamedProfile, { sessions }: Profiles): Source | Failure {
  const { settings, name } = profile;
  const at = placeOf(settings, ...SSO_SETTINGS);
  const sessionName = valueOf(settings, "sso_session");
  const session = sessionName === undefined ? undefined : sessions.get(sessionName);
  if (sessionName !== undefined && session === undefined) {
    return { failure: `[${name}] names the sso-session ${sessionName}, which is not there`, at };
  }
  const all = new Map([...settings, ...(session ?? [])]);
  const missing = [...ALWAYS_NEEDED, ...OF_SESSION].filter((each) => valueOf(all, each) === undefined);
  if (missing.length > 0) return { failure: `[${name}] has some of SSO, and not ${missing.join(", ")}`, at };
  const login = ssoLogin(shell, sessionName ?? valueOf(all, "sso_start_url") ?? "");
  if (login === "missing") return { failure: `[${name}] wants a login to Identity Center, and there is none`, at };
  if (login === "ended") return { failure: `the login to Identity Center of [${name}] has ended`, at };
  return { kind: "sso", who: `the login to Identity Center of [${name}]`, at, maybe: true };
}

export interface NamedProfile {
  readonly name: string;
  readonly settings: Settings;
}

/** A role that `by` assumes; an error of either is one of the role. */
export function roleBy(by: Source, { name, settings }: NamedProfile): Source {
  const roleArn = valueOf(settings, "role_arn") ?? "";
  return {
    ...{ kind: "role", who: `${roleArn} of [${name}], assumed with ${by.who}`, at: placeOf(settings, "role_arn") },
    ...{ roleArn, maybe: true },
    ...(by.keySuffix !== undefined && { keySuffix: by.keySuffix }),
    ...(by.program !== undefined && { program: by.program }),
    ...((by.kind === "lease" || by.byLease) && { byLease: true }),
  };
}

/** `credential_source` of a role: where the credentials are that assume it. */
export function credentialSource(shell: Shell, value: string): Source | undefined {
  switch (value) {
    case "Environment":
      return environmentKeys(AWS_KEYS)({ shell }) as Source | undefined;
    case "EcsContainer": {
      const url = shell.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"];
      if (!url) return undefined;
      const kind = isLeaseUrl(shell.env) ? "lease" : "container";
      return { kind, who: "the container endpoint", at: "AWS_CONTAINER_CREDENTIALS_FULL_URI", maybe: true };
    }
    case "Ec2InstanceMetadata":
      return METADATA;
    default:
      return undefined;
  }
}

const METADATA: Source = {
  ...{ kind: "instance_metadata", who: "the instance metadata of this machine", at: "169.254.169.254", maybe: true },
};

/** The last resort of nearly all. */
export function instanceMetadata({ shell: { env } }: { readonly shell: Shell }): Answer {
  return env["AWS_EC2_METADATA_DISABLED"]?.toLowerCase() === "true" ? undefined : METADATA;
}
