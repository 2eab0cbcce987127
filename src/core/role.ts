/** `type: keys`: a long-term key in the secret store. Later kinds of source join this union. */
export interface KeysSource {
  readonly type: "keys";
  readonly name: string;
  readonly mfaSerial?: string;
  /** Seconds, 900–129600; of the GetSessionToken session. */
  readonly sessionDurationSeconds: number;
  /** Region of the STS endpoint for GetSessionToken: the source's own, the config's default, the partition's (by mfa_serial). */
  readonly stsRegion: string;
}

export type Source = KeysSource;

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

/** What a role is derived from: a source signs the first hop, another role's credentials every further one. */
export type RoleOrigin =
  | { readonly kind: "source"; readonly source: Source }
  | { readonly kind: "role"; readonly role: Role };

/** A named entry of the config, resolved and checked: everything that decides which credentials it yields. */
export interface Role {
  readonly name: string;
  readonly origin: RoleOrigin;
  /** Absent: the source's own session is served (GetSessionToken). */
  readonly assume?: AssumeRoleParameters;
  /** What clients get as AWS_REGION, where the role or the config's defaults name one. */
  readonly region?: string;
  /** Region of the STS endpoint that is called for this role. */
  readonly stsRegion: string;
  /** SHA-256, hex, over the definition down to its source: another digest means other credentials. */
  readonly digest: string;
}

/** The source at the end of a role's chain. */
export function sourceOf(role: Role): Source {
  return role.origin.kind === "source" ? role.origin.source : sourceOf(role.origin.role);
}

/** interface §2: names of roles and sources; a colon is ours. */
export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._/@+-]{0,127}$/;
