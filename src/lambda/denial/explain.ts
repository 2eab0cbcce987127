import type { Simulation } from "../../aws/iam-roles.js";
import type { DenialReport } from "../../core/denial-report.js";
import { roleNameOf } from "../via.js";
import { answerTo, answerWithoutAction, type DenialFacts } from "./answers.js";
import { causeOf, type EvaluatedLayer, evaluateLayers } from "./cause.js";
import { findingsOf } from "./findings.js";
import type { ReadLayers } from "./layers.js";
import { requestContext } from "./request-context.js";

export interface Explained extends DenialFacts, ReadLayers {
  /** Epoch milliseconds. */
  readonly now: number;
}

/** What can be said of a refusal by what could be read. Nothing that is not known is said as if it were. */
export function explainDenial(facts: Explained): DenialReport {
  const { denial, functionName, functionRoleArn, roleArn, simulation } = facts;
  const base = { denial, functionName, functionRoleArn };
  const { action, resource } = denial;
  if (action === null) {
    return { ...base, ...answerWithoutAction(facts), findings: onRecord(facts), unseen: facts.unseen };
  }
  const what = `${action} on ${resource ?? "a resource that AWS did not name"}`;
  const other = otherCaller(facts);
  if (other !== undefined) return { ...base, ...byOtherCaller(what, other, facts) };
  const question = { action, resource, context: requestContext({ roleArn, resource, now: facts.now }) };
  const layers = evaluateLayers(facts.layers, question);
  const cause = causeOf(denial, layers, simulation);
  const answer = answerTo({ facts, cause, question, layers });
  const findings = cause.layer ? findingsOf(cause.layer.evaluation, cause.layer, question) : [];
  const more = [...alsoLacking(cause.layer, layers), ...simulated(simulation, roleArn), ...onRecord(facts)];
  return {
    ...base,
    ...answer,
    summary: `${what}: ${answer.summary}`,
    findings: [...findings, ...more],
    unseen: [...facts.unseen, neverSeen(simulation)],
  };
}

type OtherCaller = Omit<DenialReport, "denial" | "functionName" | "functionRoleArn">;

function byOtherCaller(what: string, other: string, { roleArn }: Explained): OtherCaller {
  const summary = `${what} was refused to ${other}, which is not ${roleNameOf(roleArn)}: the code brings credentials of its own`;
  const hint = "take keys, profiles and roles that it assumes out of the code, or look at the policies of that one";
  return { summary, hint, findings: [], statement: null, isOurs: false, unseen: [`the policies of ${other}`] };
}

/** undefined: it is the role, or not told. The ARN of a session has the role's name without its path. */
function otherCaller({ denial: { principal }, roleArn }: Explained): string | undefined {
  const [, partition, , , account] = roleArn.split(":");
  const session = `arn:${partition}:sts::${account}:assumed-role/${roleNameOf(roleArn)}/`;
  return principal === null || principal === roleArn || principal.startsWith(session) ? undefined : principal;
}

/** AWS tells one of the reasons: the next one would be met after it. */
function alsoLacking(told: EvaluatedLayer | undefined, layers: readonly EvaluatedLayer[]): readonly string[] {
  const others = layers.filter((layer) => layer !== told && layer.isWhole);
  return others.flatMap(({ title, evaluation: { outcome } }) => {
    if (outcome === "implicit") return [`${title} does not allow it either`];
    return outcome === "explicit" ? [`${title} denies it, too`] : [];
  });
}

function simulated(simulation: Simulation | undefined, roleArn: string): readonly string[] {
  if (!simulation) return [];
  const { decision, allowedByOrganization, allowedByBoundary, missingKeys } = simulation;
  const parts = [
    decision,
    ...(allowedByOrganization === false ? ["the organization does not allow it"] : []),
    ...(allowedByBoundary === false ? ["the boundary does not allow it"] : []),
    ...(missingKeys.length > 0 ? [`it does not know ${missingKeys.join(", ")}`] : []),
  ];
  return [`IAM's simulator says of role ${roleNameOf(roleArn)}: ${parts.join("; ")}`];
}

/** IAM user guide, "Troubleshoot access denied error messages with authorization ID". */
function onRecord({ denial: { authorizationId } }: Explained): readonly string[] {
  if (authorizationId === null) return [];
  const command = `aws iam-toolbox get-request-authorization-details --authorization-id ${authorizationId}`;
  return [`AWS has its whole evaluation for 24 hours, in the region of the call: ${command}`];
}

function neverSeen(simulation: Simulation | undefined): string {
  const organization = simulation?.allowedByOrganization === undefined ? ["service control policies"] : [];
  const others = [
    "resource control policies",
    "the resource's own policy (bucket, key, queue, …)",
    "VPC endpoint policies",
  ];
  return [...organization, ...others].join(", ");
}
