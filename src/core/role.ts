import type { Guard } from "./guard.js";
import type { LeaseScope } from "./lease-scope.js";

/** `type: keys`: a long-term key in the secret store. */
export interface KeysSource {
  readonly type: "keys";
  readonly name: string;
  readonly mfaSerial?: string;
  /** With `mfaSerial`: a program that prints the code, split as {@link ProcessSource.command} is. */
  readonly mfaProcess?: string;
  /** Seconds, 900–129600; of the GetSessionToken session. */
  readonly sessionDurationSeconds: number;
  /** Region of the STS endpoint for GetSessionToken: the source's own, the config's default, the partition's (by mfa_serial). */
  readonly stsRegion: string;
}

/** `type: sso`: IAM Identity Center, logged in to by `brokerctl login`. */
export interface SsoSource {
  readonly type: "sso";
  readonly name: string;
  readonly startUrl: string;
  readonly ssoRegion: string;
  /** Default `sso:account:access`, without which no refresh token is granted. */
  readonly registrationScopes: readonly string[];
  readonly stsRegion: string;
}

/** `type: console_login`: the sign-in of the AWS console (`aws login`), logged in to by `brokerctl login`. */
export interface ConsoleLoginSource {
  readonly type: "console_login";
  readonly name: string;
  /** ARN of who has to log in; absent: any user. */
  readonly loginSession?: string;
  /** Also where a new login is made; one that is there is renewed where it was made. */
  readonly stsRegion: string;
}

/** `type: web_identity`: a token file that another program renews; the role on it is assumed with AssumeRoleWithWebIdentity. */
export interface WebIdentitySource {
  readonly type: "web_identity";
  readonly name: string;
  /** Absolute; read anew for each call. */
  readonly tokenFile: string;
  readonly stsRegion: string;
}

/** `type: process`: a program that prints credentials as the AWS CLI's credential_process does. */
export interface ProcessSource {
  readonly type: "process";
  readonly name: string;
  /** Split as the AWS CLI splits it; no shell runs. */
  readonly command: string;
  readonly stsRegion: string;
}

/** `type: aws_sso_cache`: the login of `aws sso login`, strictly read-only: a refresh would spend the CLI's refresh token. */
export interface AwsSsoCacheSource {
  readonly type: "aws_sso_cache";
  readonly name: string;
  /** What names the token file: the sso-session, or for legacy profiles the start URL. */
  readonly session: { readonly ssoSession: string } | { readonly startUrl: string };
  /** Region of the portal, where the config names one; else the token file's. */
  readonly ssoRegion?: string;
  readonly stsRegion: string;
}

/** `type: profile`: any kind of profile that the AWS SDK understands, by name. */
export interface ProfileSource {
  readonly type: "profile";
  readonly name: string;
  readonly profile: string;
  readonly stsRegion: string;
}

/** `type: instance_metadata`: the role of the EC2 instance. */
export interface InstanceMetadataSource {
  readonly type: "instance_metadata";
  readonly name: string;
  readonly stsRegion: string;
}

/** `type: container`: the role of the ECS task or EKS pod. */
export interface ContainerSource {
  readonly type: "container";
  readonly name: string;
  readonly stsRegion: string;
}

/** What the machine itself offers. */
export type MachineSource = InstanceMetadataSource | ContainerSource;

export type Source =
  | KeysSource
  | SsoSource
  | ConsoleLoginSource
  | WebIdentitySource
  | ProcessSource
  | AwsSsoCacheSource
  | ProfileSource
  | MachineSource;

/** The fields of one AssumeRole call (STS API), validated; absent means not sent. */
export interface AssumeRoleParameters {
  readonly roleArn: string;
  readonly roleSessionName: string;
  /** Seconds, 900–43200. */
  readonly durationSeconds: number;
  readonly externalId?: string;
  readonly sourceIdentity?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly transitiveTagKeys?: readonly string[];
  /** Minified JSON. */
  readonly policy?: string;
  readonly policyArns?: readonly string[];
}

/** The fields of one GetScopedCredentials call, on top of the role before; at least one of the first two is there. */
export interface ScopedParameters {
  /** Minified JSON, at most 2,048 characters. */
  readonly policy?: string;
  /** Seconds, 60–43200; the session before may end sooner, and with it these. */
  readonly durationSeconds?: number;
  /** 2–256 characters, for AWS's record. */
  readonly description?: string;
}

/** What a narrowed role is made of (credentials/narrow-role). */
export interface Narrowing {
  /** As it is defined. */
  readonly base: Role;
  readonly scope: LeaseScope;
  /** What each call does, in words. */
  readonly steps: readonly string[];
  /** Leases have it; else it is only what the next step is made of. */
  readonly isServed: boolean;
}

/** What a role is derived from: a source signs the first hop, another role's credentials every further one. */
export type RoleOrigin =
  | { readonly kind: "source"; readonly source: Source }
  | { readonly kind: "role"; readonly role: Role };

/** A named entry of the config, resolved and checked: everything that decides which credentials it yields. */
export interface Role {
  readonly name: string;
  readonly origin: RoleOrigin;
  /** Absent: the source's own temporary credentials are served (of `keys`: GetSessionToken), or those of `sso`. */
  readonly assume?: AssumeRoleParameters;
  /** On an `sso` or `aws_sso_cache` source: the account and permission set, in place of `assume`. */
  readonly sso?: { readonly accountId: string; readonly roleName: string };
  /** In place of `assume`, on a role: its credentials are those of the role before, narrowed. */
  readonly scoped?: ScopedParameters;
  /** Of a role that is another one, narrowed for a lease: no entry of the config is so. */
  readonly narrowed?: Narrowing;
  /** What clients get as AWS_REGION, where the role or the config's defaults name one. */
  readonly region?: string;
  /** Region of the STS endpoint that is called for this role. */
  readonly stsRegion: string;
  /** SHA-256, hex, over the definition down to its source: another digest means other credentials. */
  readonly digest: string;
  /** The strictest of its chain; absent: none of it has one. */
  readonly guard?: Guard;
}

/** The source at the end of a role's chain. */
export function sourceOf(role: Role): Source {
  return role.origin.kind === "source" ? role.origin.source : sourceOf(role.origin.role);
}

/** What `SOURCE:ACCOUNT/ROLE` names. */
export interface SsoRoleParts {
  readonly source: string;
  /** An id, or a name: it may hold blanks, colons and slashes itself. */
  readonly account: string;
  readonly roleName: string;
}

/** Undefined where the text is not of this form. */
export function ssoRoleParts(name: string): SsoRoleParts | undefined {
  const [, source, account, roleName] = /^([^:]+):(.+)\/([^/]+)$/s.exec(name) ?? [];
  if (source === undefined || account === undefined || roleName === undefined) return undefined;
  return { source, account, roleName };
}

/** `SOURCE:ACCOUNT/ROLE` with the account's id: the form that is kept. */
export function ssoRoleId(source: string, { accountId, roleName }: { accountId: string; roleName: string }): string {
  return `${source}:${accountId}/${roleName}`;
}

/** Names of roles and sources; a colon is ours. */
export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._/@+-]{0,127}$/;
