import type { LambdaMode } from "../core/deployed-function.js";
import { BrokerError } from "../core/errors.js";
import { sessionSeconds } from "../core/guard.js";
import type { AssumeRoleParameters, Role } from "../core/role.js";
import { roleDigest } from "../core/role-digest.js";

/**
 * All that defines the role of a function, or of a task of ECS, but for the role it is chained from (`via`): plain JSON, kept for leases
 * that name it. Of a task, what is said of the function is said of its family.
 */
export interface LambdaRoleDefinition {
  /** {@link lambdaRoleName}. */
  readonly name: string;
  readonly functionName: string;
  /** Of a task: of its definition, without a revision where the newest one is meant. */
  readonly functionArn: string;
  readonly functionRoleArn: string;
  /** Name of the role that it is chained from. */
  readonly via: string;
  readonly mode: LambdaMode;
  /** Of the function. */
  readonly region: string;
  /** In mode `session-policy`: minified JSON. */
  readonly policy?: string;
  /** In mode `session-policy`. */
  readonly policyArns?: readonly string[];
}

export interface LambdaRoleNameParts {
  /** `lambda` when absent. */
  readonly kind?: "lambda" | "task";
  /** The function, in one spelling (name-of-function.ts). */
  readonly functionText: string;
  readonly via: string;
  readonly mode: LambdaMode;
}

const NARROWED = "+session-policy";

/**
 * What leases call it. No entry of the config is named so, and no `SOURCE:ACCOUNT/ROLE`: an account has no `@`. A via whose own
 * name ends as the other mode's names do gets an end that no name has: what is narrowed must not share a name with what is not.
 */
export function lambdaRoleName({ kind = "lambda", functionText, via, mode }: LambdaRoleNameParts): string {
  const end = mode === "session-policy" ? NARROWED : via.endsWith(NARROWED) ? ":assume" : "";
  return `${kind}:${functionText}@${via}${end}`;
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
    roleArn: definition.functionRoleArn,
    roleSessionName: sessionName(definition.functionName),
    durationSeconds: sessionSeconds(DURATION_S, via.guard),
  };
  return { origin: { kind: "role", role: via }, assume };
}

function narrowedRole(definition: LambdaRoleDefinition, via: Role): Pick<Role, "origin" | "assume"> {
  const { policy, policyArns } = definition;
  // Without any, AssumeRole would give the whole of via.
  if (!policy && !policyArns?.length) throw notNarrowed(definition);
  const own = narrowableAssume(via);
  if (accountIn(own.roleArn) !== accountIn(definition.functionRoleArn)) throw ofOtherAccount(definition, via);
  const assume = {
    ...own,
    roleSessionName: sessionName(definition.functionName),
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
function ofOtherAccount({ functionRoleArn }: LambdaRoleDefinition, via: Role): BrokerError {
  const what = `role ${via.name} is ${via.assume?.roleArn}, of another account than ${functionRoleArn}`;
  return new BrokerError("PolicyUnfit", `${what}: the policies of one say nothing of the other`, {
    hint: "--via a role of the function's account, or --mode assume",
  });
}

function notNarrowed({ name }: LambdaRoleDefinition): BrokerError {
  return new BrokerError("PolicyUnfit", `role ${name} has no session policy to be narrowed with`);
}

const MAX_SESSION_NAME = 64;

/** As Lambda itself does, so that GetCallerIdentity shows the same; STS takes no name of one character, nor of more than 64. */
export function sessionName(functionName: string): string {
  return functionName.slice(0, MAX_SESSION_NAME).padEnd(2, "-");
}

/**
 * What is another now than when the function was last read under this name: deployed anew, or a config that names another region.
 * Leases on the name follow at once, also in other terminals, so the user is told. undefined: nothing changed.
 */
export function roleChange(former: LambdaRoleDefinition | undefined, now: LambdaRoleDefinition): string | undefined {
  const what = former && differenceOf(former, now);
  return what === undefined ? undefined : `${what}; leases on ${now.name} follow`;
}

function differenceOf(former: LambdaRoleDefinition, now: LambdaRoleDefinition): string | undefined {
  if (former.functionRoleArn !== now.functionRoleArn) {
    return `the role of ${now.functionName} is ${now.functionRoleArn}, and was ${former.functionRoleArn} when it was last read`;
  }
  if (former.functionArn !== now.functionArn) {
    return `${now.functionName} is ${now.functionArn}, and was ${former.functionArn} when it was last read`;
  }
  const isSame = former.policy === now.policy && former.policyArns?.join() === now.policyArns?.join();
  return isSame ? undefined : `the policies of ${now.functionRoleArn} are not those that were last read`;
}
