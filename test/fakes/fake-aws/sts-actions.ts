import type { FakeGuardrails, PoliciesByArn } from "./authorize.js";
import { AwsRefusal, accessDenied, validationError } from "./aws-refusal.js";
import type { FakeTask } from "./ecs-actions.js";
import type { FakeFunction, FakeLayer } from "./lambda-actions.js";
import type { FakeRole, FakeUser, Principal, Principals } from "./principals.js";
import { sessionRestriction } from "./session-policies.js";
import type { FakeStack } from "./stack-actions.js";
import { admits } from "./trust-policies.js";
import { notTrusted, type WebIdentities } from "./web-identity.js";

export type Parameters = Readonly<Record<string, string>>;

/** What the actions of the fake work on. */
export interface FakeAwsState {
  readonly principals: Principals;
  readonly users: readonly FakeUser[];
  readonly roles: Map<string, FakeRole>;
  readonly functions: readonly FakeFunction[];
  readonly layers: readonly FakeLayer[];
  readonly stacks: readonly FakeStack[];
  /** Of the fake itself, once it listens. */
  readonly url: () => string;
  readonly managedPolicies: PoliciesByArn;
  guardrails: FakeGuardrails;
  readonly tasks: readonly FakeTask[];
  /** Of IAM's lists, and of CloudFormation's. */
  readonly pageSize: number;
  readonly webIdentities: WebIdentities;
  /** MFA codes that work now; each once. */
  readonly mfaCodes: Set<string>;
  /** Every session gets this life, whatever was asked for: AWS's shortest is 900. */
  sessionSeconds: number | undefined;
  readonly now: () => number;
}

const CHAINED_LIMIT_S = 3600;

export type Action = (state: FakeAwsState, caller: Principal, parameters: Parameters) => object;

export const stsActions: Readonly<Record<string, Action>> = {
  AssumeRole: assumeRole,
  GetSessionToken: getSessionToken,
  GetScopedCredentials: getScopedCredentials,
  GetCallerIdentity: getCallerIdentity,
};

/** These are not signed; the caller is who the token says. */
export const unsignedActions: Readonly<Record<string, Action>> = {
  AssumeRoleWithWebIdentity: assumeRoleWithWebIdentity,
};

function assumeRoleWithWebIdentity(state: FakeAwsState, _anonymous: Principal, parameters: Parameters): object {
  const { RoleArn = "", RoleSessionName = "", WebIdentityToken = "" } = parameters;
  checkSessionName(RoleSessionName);
  checkPolicies(parameters);
  const { subject } = state.webIdentities.verify(WebIdentityToken, state.now());
  const role = state.roles.get(RoleArn);
  if (role?.webIdentity !== subject) throw notTrusted();
  const seconds = secondsOf(parameters, { fallback: CHAINED_LIMIT_S, limit: 43_200 });
  checkMaxSession(role, seconds);
  const end = expirationOf(state, seconds);
  const session = state.principals.openRole(RoleArn, RoleSessionName, end, {
    restriction: sessionRestriction(parameters),
  });
  return {
    Credentials: credentialsOf(session),
    SubjectFromWebIdentityToken: subject,
    AssumedRoleUser: { AssumedRoleId: session.userId, Arn: session.arn },
    Provider: "oidc.example.com",
    Audience: "sts.amazonaws.com",
  };
}

function checkSessionName(name: string): void {
  if (/^[\w+=,.@-]{2,64}$/.test(name)) return;
  throw constraint(name, "roleSessionName", "Member must satisfy regular expression pattern: [\\w+=,.@-]*");
}

function assumeRole(state: FakeAwsState, caller: Principal, parameters: Parameters): object {
  const { RoleArn = "", RoleSessionName = "" } = parameters;
  checkSessionName(RoleSessionName);
  checkPolicies(parameters);
  const role = state.roles.get(RoleArn);
  if (!role || !isTrusted(role, caller, { parameters, now: state.now() })) {
    throw accessDenied(`User: ${caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${RoleArn}`);
  }
  const seconds = roleSeconds(role, caller, parameters);
  const expiration = expirationOf(state, seconds);
  const session = state.principals.openRole(RoleArn, RoleSessionName, expiration, {
    isChained: caller.kind !== "user",
    restriction: sessionRestriction(parameters),
  });
  return {
    Credentials: credentialsOf(session),
    AssumedRoleUser: { AssumedRoleId: session.userId, Arn: session.arn },
    ...(parameters["SourceIdentity"] ? { SourceIdentity: parameters["SourceIdentity"] } : {}),
    PackedPolicySize: 6,
  };
}

function getSessionToken(state: FakeAwsState, caller: Principal, parameters: Parameters): object {
  if (caller.kind !== "user") throw accessDenied("Cannot call GetSessionToken with session credentials");
  const seconds = secondsOf(parameters, { fallback: 43_200, limit: 129_600 });
  const mfa = parameters["SerialNumber"] !== undefined || parameters["TokenCode"] !== undefined;
  if (mfa) checkMfa(state, caller, parameters);
  return {
    Credentials: credentialsOf(state.principals.openSession(caller, { mfa, expiration: expirationOf(state, seconds) })),
  };
}

/** Its API reference: what cannot be narrowed, and what it cannot be narrowed to. */
function getScopedCredentials(state: FakeAwsState, caller: Principal, parameters: Parameters): object {
  const { Policy, DurationSeconds, ScopedSessionDescription: description } = parameters;
  if (caller.kind === "user" || caller.arn.endsWith(":root")) {
    throw accessDenied("Cannot call GetScopedCredentials with long-term credentials");
  }
  if (Policy === undefined && DurationSeconds === undefined) {
    throw validationError("Either Policy or DurationSeconds must be specified.");
  }
  if (description !== undefined && (description.length < 2 || description.length > 256)) {
    throw constraint(description, "scopedSessionDescription", "Member must have length less than or equal to 256");
  }
  if (Policy !== undefined) checkLayer(caller, Policy);
  const { expiration = 0 } = caller;
  const end = DurationSeconds === undefined ? expiration : scopedEnd(state, expiration, Number(DurationSeconds));
  const session = state.principals.openScoped(caller, { policy: Policy, expiration: end });
  return {
    Credentials: credentialsOf(session),
    SessionInfo: { ScopedSessionId: session.userId, Arn: session.arn },
    SessionTokenUtilization: 12,
    SessionTokenSize: session.sessionToken?.length ?? 0,
    ScopedPoliciesCount: session.layers ?? 0,
  };
}

const MAX_LAYERS = 3;

function checkLayer({ arn, layers = 0 }: Principal, policy: string): void {
  if (policy.length > 2048) throw constraint("…", "policy", "Member must have length less than or equal to 2048");
  checkPolicies({ Policy: policy });
  if (layers < MAX_LAYERS) return;
  throw accessDenied(`User: ${arn} is not authorized to append a scope down policy: the session has ${layers}`);
}

function scopedEnd(state: FakeAwsState, expiration: number, seconds: number): number {
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 129_600) {
    throw constraint(String(seconds), "durationSeconds", "Member must have value between 1 and 129600");
  }
  const end = state.now() + seconds * 1000;
  if (end <= expiration) return Math.floor(end / 1000) * 1000;
  throw new AwsRefusal(
    "InsufficientSessionLifetimeException",
    "The requested DurationSeconds exceeds the remaining lifetime of the calling session.",
  );
}

function getCallerIdentity(_state: FakeAwsState, caller: Principal): object {
  return { Arn: caller.arn, UserId: caller.userId, Account: caller.account };
}

function isTrusted(
  role: FakeRole,
  caller: Principal,
  { parameters, now }: { readonly parameters: Parameters; readonly now: number },
): boolean {
  const { trusts, trustPolicy, externalId, requireMfa = false } = role;
  if (externalId !== undefined && parameters["ExternalId"] !== externalId) return false;
  if (requireMfa && !caller.mfa) return false;
  if (trustPolicy !== undefined) {
    const { ExternalId: id, RoleSessionName: sessionName } = parameters;
    return admits(trustPolicy, caller, { externalId: id, sessionName, now });
  }
  if (trusts === undefined) return true;
  if (typeof trusts === "function") return trusts(caller);
  const names = [caller.arn, caller.roleArn, `arn:aws:iam::${caller.account}:root`];
  return trusts.some((trusted) => names.includes(trusted));
}

function roleSeconds(role: FakeRole, caller: Principal, parameters: Parameters): number {
  const seconds = secondsOf(parameters, { fallback: CHAINED_LIMIT_S, limit: 43_200 });
  if (caller.kind !== "user" && seconds > CHAINED_LIMIT_S) {
    throw validationError(
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    );
  }
  checkMaxSession(role, seconds);
  return seconds;
}

function checkMaxSession({ maxSessionDuration = CHAINED_LIMIT_S }: FakeRole, seconds: number): void {
  if (seconds <= maxSessionDuration) return;
  throw validationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
}

function secondsOf(parameters: Parameters, { fallback, limit }: { fallback: number; limit: number }): number {
  const seconds = Number(parameters["DurationSeconds"] ?? fallback);
  if (!Number.isInteger(seconds) || seconds < 900) {
    throw constraint(String(seconds), "durationSeconds", "Member must have value greater than or equal to 900");
  }
  if (seconds > limit) {
    throw constraint(String(seconds), "durationSeconds", `Member must have value less than or equal to ${limit}`);
  }
  return seconds;
}

function checkMfa(state: FakeAwsState, caller: Principal, { SerialNumber, TokenCode = "" }: Parameters): void {
  if (!/^\d{6}$/.test(TokenCode))
    throw constraint(TokenCode, "tokenCode", "Member must satisfy regular expression pattern: [\\d]*");
  const device = state.users.find(
    ({ account, userName }) => account === caller.account && userName === caller.userName,
  );
  const isRight =
    device?.mfaSerial !== undefined && device.mfaSerial === SerialNumber && state.mfaCodes.delete(TokenCode);
  if (!isRight) throw accessDenied("MultiFactorAuthentication failed with invalid MFA one time pass code. ");
}

function checkPolicies(parameters: Parameters): void {
  const { Policy = "" } = parameters;
  const arns = Object.keys(parameters).filter((name) => /^PolicyArns\.member\.\d+\.arn$/.test(name));
  if (arns.length > 10) throw constraint(String(arns.length), "policyArns", "Member must have length at most 10");
  if (arns.reduce((sum, name) => sum + (parameters[name] ?? "").length, Policy.length) > 2048) {
    throw new AwsRefusal(
      "PackedPolicyTooLarge",
      "Packed policy consumes 212% of allotted space, please use smaller policy.",
    );
  }
  if (Policy === "") return;
  try {
    JSON.parse(Policy);
  } catch {
    throw new AwsRefusal("MalformedPolicyDocument", "This policy contains invalid Json");
  }
}

function expirationOf({ now, sessionSeconds }: FakeAwsState, seconds: number): number {
  // Whole seconds, as AWS gives them.
  return Math.floor((now() + (sessionSeconds ?? seconds) * 1000) / 1000) * 1000;
}

function credentialsOf({ accessKeyId, secretAccessKey, sessionToken = "", expiration = 0 }: Principal): object {
  return {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    SessionToken: sessionToken,
    Expiration: new Date(expiration).toISOString().replace(/\.\d+/, ""),
  };
}

function constraint(value: string, member: string, text: string): AwsRefusal {
  return validationError(
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: ${text}`,
  );
}
