import type { LambdaMode } from "../core/deployed-function.js";
import { BrokerError } from "../core/errors.js";
import { sessionSeconds } from "../core/guard.js";
import type { AssumeRoleParameters, Role } from "../core/role.js";
import { roleDigest } from "../core/role-digest.js";

/** A function of Lambda, or a task of ECS. */
export interface Workload {
  readonly kind: "function" | "task";
  /** Of a task: the family of its definition. */
  readonly name: string;
  /** Of a task: of its definition, without a revision where the newest one is meant. */
  readonly arn: string;
}

/** All that defines a workload's role, but for the role it is chained from (`via`): plain JSON, kept for leases that name it. */
export interface LambdaRoleDefinition {
  /** {@link lambdaRoleName}. */
  readonly name: string;
  readonly workload: Workload;
  /** The role that its code has where it is deployed. */
  readonly roleArn: string;
  /** Name of the role that it is chained from. */
  readonly via: string;
  readonly mode: LambdaMode;
  /** Of the workload. */
  readonly region: string;
  /** In mode `session-policy`: minified JSON. */
  readonly policy?: string;
  /** In mode `session-policy`. */
  readonly policyArns?: readonly string[];
}

export interface LambdaRoleNameParts {
  readonly kind: Workload["kind"];
  /** The workload, in one spelling (name-of-function.ts, deployed-tasks.ts). */
  readonly text: string;
  readonly via: string;
  readonly mode: LambdaMode;
}

const NARROWED = "+session-policy";
const PREFIX = { function: "lambda", task: "task" } as const;

/**
 * What leases call it. No entry of the config is named so, and no `SOURCE:ACCOUNT/ROLE`: an account has no `@`. A via whose own
 * name ends as the other mode's names do gets an end that no name has: what is narrowed must not share a name with what is not.
 */
export function lambdaRoleName({ kind, text, via, mode }: LambdaRoleNameParts): string {
  const end = mode === "session-policy" ? NARROWED : via.endsWith(NARROWED) ? ":assume" : "";
  return `${PREFIX[kind]}:${text}@${via}${end}`;
}

/** The role as the registry of credentials takes it; PolicyUnfit where `via` cannot be narrowed. `via` is the role so named. */
export function lambdaRole(definition: LambdaRoleDefinition, via: Role): Role {
  const { name, region, mode } = definition;
  const hop = mode === "assume" ? assumedRole(definition, via) : narrowedRole(definition, via);
  // STS is called where via is: its credentials are of that partition.
  const { stsRegion, guard } = via;
  const role = { name, ...hop, region, stsRegion, ...(guard && { guard }) };
  return { ...role, digest: roleDigest(role) };
}

/** AWS gives a chained role an hour at most. */
const DURATION_S = 3600;

function assumedRole(definition: LambdaRoleDefinition, via: Role): Pick<Role, "origin" | "assume"> {
  const assume = {
    roleArn: definition.roleArn,
    roleSessionName: sessionName(definition.workload.name),
    durationSeconds: sessionSeconds(DURATION_S, via.guard),
  };
  return { origin: { kind: "role", role: via }, assume };
}

function narrowedRole(definition: LambdaRoleDefinition, via: Role): Pick<Role, "origin" | "assume"> {
  const { policy, policyArns } = definition;
  // Without any, AssumeRole would give the whole of via.
  if (!policy && !policyArns?.length) throw notNarrowed(definition);
  const own = narrowableAssume(via);
  if (accountIn(own.roleArn) !== accountIn(definition.roleArn)) throw ofOtherAccount(definition, via);
  const assume = {
    ...own,
    roleSessionName: sessionName(definition.workload.name),
    ...(policy === undefined ? {} : { policy }),
    ...(policyArns === undefined ? {} : { policyArns }),
  };
  return { origin: via.origin, assume };
}

/** What `via` is assumed with; PolicyUnfit, by its name, where a session policy cannot narrow it. */
export function narrowableAssume({ name, assume }: Role): AssumeRoleParameters {
  if (!assume) {
    throw new BrokerError(
      "PolicyUnfit",
      `role ${name} is not assumed by role_arn, so no session policy can narrow it`,
      {
        hint: "--via a role with role_arn, or --mode assume",
      },
    );
  }
  if (assume.policy !== undefined || assume.policyArns !== undefined) {
    throw new BrokerError(
      "PolicyUnfit",
      `role ${name} has policy or policy_arns of its own, and AWS adds session policies up: more of them would widen it`,
      { hint: "--via a role without policy and policy_arns, or --mode assume" },
    );
  }
  return assume;
}

function accountIn(roleArn: string): string {
  const [, partition, , , account] = roleArn.split(":");
  return `${partition}:${account}`;
}

/** The config may have another role under via's name by now: its own account's policies are not those that were read. */
function ofOtherAccount({ workload, roleArn }: LambdaRoleDefinition, via: Role): BrokerError {
  const what = `role ${via.name} is ${via.assume?.roleArn}, of another account than ${roleArn}`;
  return new BrokerError("PolicyUnfit", `${what}: the policies of one say nothing of the other`, {
    hint: `--via a role of the ${workload.kind}'s account, or --mode assume`,
  });
}

function notNarrowed({ name }: LambdaRoleDefinition): BrokerError {
  return new BrokerError("PolicyUnfit", `role ${name} has no session policy to be narrowed with`);
}

const MAX_SESSION_NAME = 64;

/** As Lambda itself does, so that GetCallerIdentity shows the same; STS takes no name of one character, nor of more than 64. */
export function sessionName(workloadName: string): string {
  return workloadName.slice(0, MAX_SESSION_NAME).padEnd(2, "-");
}

/**
 * What is another now than when the workload was last read under this name: deployed anew, or a config that names another region.
 * Leases on the name follow at once, also in other terminals, so the user is told. undefined: nothing changed.
 */
export function roleChange(former: LambdaRoleDefinition | undefined, now: LambdaRoleDefinition): string | undefined {
  const what = former && differenceOf(former, now);
  return what === undefined ? undefined : `${what}; leases on ${now.name} follow`;
}

function differenceOf(former: LambdaRoleDefinition, now: LambdaRoleDefinition): string | undefined {
  const { kind, name, arn } = now.workload;
  if (former.roleArn !== now.roleArn) {
    return `the role of ${kind} ${name} is ${now.roleArn}, and was ${former.roleArn} when it was last read`;
  }
  if (former.workload.arn !== arn) {
    return `${kind} ${name} is ${arn}, and was ${former.workload.arn} when it was last read`;
  }
  const isSame = former.policy === now.policy && former.policyArns?.join() === now.policyArns?.join();
  return isSame ? undefined : `the policies of ${now.roleArn} are not those that were last read`;
}
