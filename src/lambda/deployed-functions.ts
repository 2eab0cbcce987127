import type { CloudFormation } from "../aws/cloud-formation.js";
import type { IamRoles } from "../aws/iam-roles.js";
import type { Lambda } from "../aws/lambda.js";
import type { Sts } from "../aws/sts.js";
import type { DenialReport } from "../core/denial-report.js";
import type { DeployRole, DeployRoleWish } from "../core/deploy-role.js";
import type {
  FunctionList,
  FunctionPackage,
  LambdaMode,
  ListedFunction,
  TrustReport,
} from "../core/deployed-function.js";
import type { LeaseScope } from "../core/lease-scope.js";
import type { Role } from "../core/role.js";
import { shellQuote } from "../core/shell-quote.js";
import type { Clock } from "../system/clock.js";
import { CodeArchives } from "./code-archives.js";
import { LastDenials, type RememberedDenial } from "./denial/last-denials.js";
import { type DeniedRun, whyDenied } from "./denial/why-denied.js";
import { makeDeployRole, planDeployRole } from "./deploy-role.js";
import { type ReadFunction, readFunction, readFunctionRole } from "./function-reader.js";
import { type LambdaRoleDefinition, lambdaRole, lambdaRoleName, roleChange, sessionName } from "./lambda-role.js";
import type { LambdaRoles } from "./lambda-roles.js";
import { nameOfFunction } from "./name-of-function.js";
import { mirrorPolicies } from "./policy-mirror.js";
import { functionNamedIn, functionsOfStack, type StackFunction } from "./stack-functions.js";
import { trustOf, type WantedTrust } from "./trust.js";
import { regionOfVia, type Via } from "./via.js";

export interface DeployedFunctionsOptions {
  readonly lambda: Lambda;
  readonly cloudFormation: CloudFormation;
  readonly iamRoles: IamRoles;
  readonly sts: Sts;
  readonly clock: Clock;
  readonly roles: Pick<LambdaRoles, "get" | "put">;
  /** Who runs the broker, for statements of trust policies. */
  readonly user: string;
  /** What a lease has of a role that is narrowed for it, step by step. */
  readonly narrow: (role: Role, scope: LeaseScope) => readonly Role[];
}

/** A function as it was read, and the role that its code gets here. */
export interface MadeRole extends ReadFunction {
  readonly role: Role;
  readonly notes: readonly string[];
  /** Since the function was last read; undefined: nothing that concerns the role. */
  readonly change?: string | undefined;
}

export interface DenialQuestion extends RememberedDenial {
  /** Whose the scope is: that of the lease of who runs the function, or the run's own. */
  readonly narrowedBy: "lease" | "flags";
}

/** What is done about functions that are deployed. */
export interface DeployedFunctions {
  /** Reads the function and keeps the definition of its role, durably; NotFound, AccessDenied, PolicyUnfit, UsageInvalid. */
  makeRole(via: Via, functionText: string, mode: LambdaMode): Promise<MadeRole>;
  /** Of the account and region, or of one stack there; NotFound, AccessDenied, UsageInvalid. */
  list(via: Via, stack?: string): Promise<FunctionList>;
  /** The name of the function that a stack calls by this logical id; NotFound, AccessDenied. */
  nameInStack(via: Via, stack: string, logicalId: string): Promise<string>;
  trust(via: Via, functionText: string, wanted: WantedTrust): Promise<TrustReport>;
  /** What the last runs of functions were refused. */
  readonly lastDenials: Pick<LastDenials, "keep" | "of">;
  /** What a refusal of AWS that the function's code met here comes from, by what `via` may read. */
  why(via: Via, functionText: string, question: DenialQuestion): Promise<DenialReport>;
  /** The role that functions are deployed with: planned, or made. */
  deployRole(via: Via, wish: DeployRoleWish, action: "show" | "apply"): Promise<DeployRole>;
  /** What its code and layers are fetched by; see `CodeArchives`. */
  openCode(via: Via, functionText: string): Promise<FunctionPackage>;
  readCode(id: string, offset: number): Promise<Uint8Array>;
}

export function createDeployedFunctions(options: DeployedFunctionsOptions): DeployedFunctions {
  const { lambda, cloudFormation, iamRoles, sts, clock, roles, user } = options;
  const archives = new CodeArchives({ lambda, clock });
  return {
    lastDenials: new LastDenials(),
    makeRole: async (via, functionText, mode) => {
      const { read, definition } = await define(options, via, { functionText, mode });
      const role = lambdaRole(definition, via.role);
      const change = roleChange(roles.get(definition.name), definition);
      await roles.put(definition);
      return { ...read, role, notes: lambdaNotes(mode, via.role.name), change };
    },
    list: async (via, stack) => {
      const region = regionOfVia(via, "a list of functions");
      if (stack === undefined) return { region, functions: inOrder(await lambda.listFunctions(via.signer, region)) };
      const named = await functionsOfStack(cloudFormation, via, stack);
      return { region, functions: inOrder(await listedOf(lambda, via, { named, region })) };
    },
    nameInStack: async (via, stack, logicalId) =>
      functionNamedIn(stack, await functionsOfStack(cloudFormation, via, stack), logicalId),
    trust: async (via, functionText, wanted) => {
      const { roleArn, functionName } = await readFunctionRole(lambda, via, functionText);
      return trustOf({ sts, iamRoles, clock, user, via, roleArn, sessionName: sessionName(functionName) }, wanted);
    },
    why: async (via, functionText, question) => {
      const run = await deniedRun(options, via, { functionText, ...question });
      return whyDenied(run, { iamRoles, clock });
    },
    deployRole: async (via, wish, action) => {
      const options = { sts, iamRoles, via, wish };
      return action === "apply" ? makeDeployRole(options) : planDeployRole(options);
    },
    openCode: (via, functionText) => archives.open(via, functionText),
    readCode: (id, offset) => archives.read(id, offset),
  };
}

interface Named {
  readonly named: readonly StackFunction[];
  readonly region: string;
}

/** No more pages than it takes to see them all. */
async function listedOf(
  lambda: Lambda,
  { signer }: Via,
  { named, region }: Named,
): Promise<readonly (ListedFunction & { readonly logicalId: string })[]> {
  if (named.length === 0) return [];
  const idOf = new Map(named.map(({ functionName, logicalId }) => [functionName, logicalId]));
  const isOurs = ({ functionName }: ListedFunction): boolean => idOf.has(functionName);
  const all = await lambda.listFunctions(signer, region, {
    until: (found) => found.filter(isOurs).length === idOf.size,
  });
  return all.filter(isOurs).map((listed) => ({ ...listed, logicalId: idOf.get(listed.functionName) ?? "" }));
}

function inOrder<Listed extends ListedFunction>(functions: readonly Listed[]): readonly Listed[] {
  return functions.toSorted((a, b) => (a.functionName < b.functionName ? -1 : 1));
}

interface Asked {
  readonly functionText: string;
  readonly mode: LambdaMode;
}

type Reading = Pick<DeployedFunctionsOptions, "lambda" | "iamRoles">;

async function define({ lambda, iamRoles }: Reading, via: Via, { functionText, mode }: Asked): Promise<Defined> {
  const read = await readFunction(lambda, via, functionText);
  const named = await nameOfFunction(lambda, via, { functionText, read });
  const policies = mode === "assume" ? {} : await mirrorPolicies({ iamRoles, via, functionRoleArn: read.roleArn });
  const definition: LambdaRoleDefinition = {
    name: lambdaRoleName({ kind: "function", text: named.text, via: via.role.name, mode }),
    workload: { kind: "function", name: read.context.functionName, arn: named.arn },
    roleArn: read.roleArn,
    via: via.role.name,
    mode,
    region: read.context.region,
    ...policies,
  };
  return { read, definition };
}

/** As its leases have the role: the policies may be others by now. */
async function deniedRun(
  options: DeployedFunctionsOptions,
  via: Via,
  asked: Asked & DenialQuestion,
): Promise<DeniedRun> {
  const { mode, denial, scope, narrowedBy } = asked;
  const { definition } = await define(options, via, asked);
  const kept = options.roles.get(definition.name) ?? definition;
  const { workload, roleArn: functionRoleArn } = kept;
  const role = lambdaRole(kept, via.role);
  const narrowed = scope ? options.narrow(role, scope) : [];
  const widen = scope && `brokerctl request ${shellQuote(role.name)} --reason TEXT    # ${WIDENED[narrowedBy]}`;
  return { denial, mode, via, functionName: workload.name, functionRoleArn, role, narrowed, widen };
}

const WIDENED: Readonly<Record<DenialQuestion["narrowedBy"], string>> = {
  lease: "for this shell's lease, which is narrowed; or run it in a shell without it",
  flags: "in the shell of a `lambda exec`; or run it without the flags that narrow",
};

interface Defined {
  readonly read: ReadFunction;
  readonly definition: LambdaRoleDefinition;
}

/** What the code cannot do here as it can where it is deployed, where that is not the same for all (docs/lambda.md). */
function lambdaNotes(mode: LambdaMode, via: string): readonly string[] {
  if (mode === "assume") return [];
  return [
    `effective permissions = role ${via} AND the function role's policies as they are now; AWS sees ${via}, so policies that name the function's role do not match`,
  ];
}
