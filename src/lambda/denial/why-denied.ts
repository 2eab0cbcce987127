import type { IamRoles, Simulation } from "../../aws/iam-roles.js";
import type { Denial } from "../../core/denial.js";
import type { DenialReport } from "../../core/denial-report.js";
import type { LambdaMode } from "../../core/deployed-function.js";
import { toBrokerError } from "../../core/errors.js";
import type { Role } from "../../core/role.js";
import type { Clock } from "../../system/clock.js";
import type { Via } from "../via.js";
import { explainDenial } from "./explain.js";
import { readLayers } from "./layers.js";

/** A refusal that a function's code met here, and as what it ran. */
export interface DeniedRun {
  readonly denial: Denial;
  readonly mode: LambdaMode;
  readonly via: Via;
  readonly functionName: string;
  readonly functionRoleArn: string;
  /** The function's role as it is here. */
  readonly role: Role;
  /** What its leases have where they are narrowed, step by step. */
  readonly narrowed: readonly Role[];
  readonly widen: string | undefined;
}

/** Reads what may be read of the policies that decide, asks IAM's simulator where that is allowed, and puts them together. */
export async function whyDenied(
  run: DeniedRun,
  { iamRoles, clock }: { readonly iamRoles: IamRoles; readonly clock: Clock },
): Promise<DenialReport> {
  const { denial, mode, via, functionName, functionRoleArn, role, narrowed, widen } = run;
  const roleArn = role.assume?.roleArn ?? functionRoleArn;
  const [read, simulation] = await Promise.all([
    readLayers({ iamRoles, via, roleArn, role, narrowed }),
    simulate({ iamRoles, via, roleArn, denial }),
  ]);
  return explainDenial({
    ...{ denial, mode, functionName, functionRoleArn, roleArn, viaName: via.role.name, widen, now: clock.now() },
    ...{ layers: read.layers, simulation: simulation.answer },
    unseen: [...read.unseen, ...(simulation.problem === undefined ? [] : [simulation.problem])],
  });
}

interface Simulated {
  readonly answer: Simulation | undefined;
  readonly problem: string | undefined;
}

interface SimulationAsked {
  readonly iamRoles: IamRoles;
  readonly via: Via;
  readonly roleArn: string;
  readonly denial: Denial;
}

/** A second opinion: without it the explanation stands. */
async function simulate({ iamRoles, via, roleArn, denial }: SimulationAsked): Promise<Simulated> {
  const { action, resource } = denial;
  if (action === null) return { answer: undefined, problem: undefined };
  const question = { roleArn, action, ...(resource?.startsWith("arn:") && { resource }) };
  try {
    return { answer: await iamRoles.simulate(via.signer, question, via.role.stsRegion), problem: undefined };
  } catch (thrown) {
    return { answer: undefined, problem: `IAM's simulator: ${toBrokerError(thrown).message}` };
  }
}
