import type { AssumeRoleParameters, KeysSource, Role, RoleOrigin, Source } from "../../src/core/role.js";

export function keysSource(name = "ops-keys", extra: Partial<KeysSource> = {}): KeysSource {
  return { type: "keys", name, sessionDurationSeconds: 43_200, stsRegion: "eu-west-1", ...extra };
}

export function assume(name: string, extra: Partial<AssumeRoleParameters> = {}): AssumeRoleParameters {
  const roleArn = `arn:aws:iam::222222222222:role/${name}`;
  return { roleArn, roleSessionName: "credbroker", durationSeconds: 3600, ...extra };
}

/** A role assumed from a source or from another role; `digest` follows from what is given. */
export function roleOn(from: Source | Role, name: string, extra: Partial<Role> = {}): Role {
  const origin: RoleOrigin = "type" in from ? { kind: "source", source: from } : { kind: "role", role: from };
  const digest = JSON.stringify([from, name, extra]);
  return { name, origin, assume: assume(name), stsRegion: "eu-west-1", digest, ...extra };
}

/** A role without role_arn: the source's own session is served. */
export function sessionRole(source: Source, name: string): Role {
  return { name, origin: { kind: "source", source }, stsRegion: "eu-west-1", digest: JSON.stringify([source, name]) };
}
