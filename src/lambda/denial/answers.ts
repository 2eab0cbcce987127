import type { Simulation } from "../../aws/iam-roles.js";
import type { Denial } from "../../core/denial.js";
import type { DenialReport, WantedStatement } from "../../core/denial-report.js";
import type { LambdaMode } from "../../core/deployed-function.js";
import { roleNameOf } from "../via.js";
import type { Cause, EvaluatedLayer } from "./cause.js";
import type { Question } from "./evaluate.js";
import { nameOf } from "./findings.js";

/** All that is known of a refusal. */
export interface DenialFacts {
  readonly denial: Denial;
  readonly functionName: string;
  readonly functionRoleArn: string;
  readonly mode: LambdaMode;
  /** Whose session asks: the function's role, or that of `via`. */
  readonly roleArn: string;
  /** Of the config, for commands. */
  readonly viaName: string;
  /** undefined: it could not be had. */
  readonly simulation: Simulation | undefined;
  /** How to have more than what narrows the lease, where something does. */
  readonly widen: string | undefined;
}

export interface Asked {
  readonly facts: DenialFacts;
  readonly cause: Cause;
  readonly question: Question;
  readonly layers: readonly EvaluatedLayer[];
}

export type Answer = Pick<DenialReport, "summary" | "statement" | "isOurs" | "hint">;

const NOTHING: Answer = { summary: "", statement: null, isOurs: false, hint: null };
const NO_ALLOW_HELPS = "no Allow wins over a Deny: the Deny has to be narrowed, or taken out";

/** What denied it and what would help, by the kind of policy. */
export function answerTo(asked: Asked): Answer {
  return ANSWERS[asked.cause.kind ?? "none"](asked);
}

const ANSWERS: Readonly<Record<NonNullable<Cause["kind"]> | "none", (asked: Asked) => Answer>> = {
  identity: byIdentity,
  boundary: byBoundary,
  session: bySession,
  scp: (asked) => byOthers(asked, "service control policy", "the administrators of the organization"),
  rcp: (asked) => byOthers(asked, "resource control policy", "the administrators of the organization"),
  "vpc-endpoint": (asked) => byOthers(asked, "VPC endpoint policy", "the administrators of the VPC endpoint"),
  resource: byResource,
  trust: byResource,
  none: byNothingSeen,
};

function byIdentity({ facts, cause, question }: Asked): Answer {
  const { roleArn, functionRoleArn } = facts;
  const role = `role ${roleNameOf(roleArn)}`;
  const standsIn = roleArn !== functionRoleArn;
  const whose = standsIn ? `${role}, which stands in for the function's role (--mode session-policy)` : role;
  if (cause.isExplicit) return { ...NOTHING, summary: denied(cause, `a policy of ${whose}`), hint: NO_ALLOW_HELPS };
  if (isContradicted(cause)) {
    const summary = `AWS said that no policy of ${whose} allows it, and one does now: it was added since, or takes some seconds to hold`;
    return { ...NOTHING, summary };
  }
  const statement = allowing(question, `a policy of ${role}`);
  const hint = standsIn ? "--mode assume: the function's own role may be allowed it" : null;
  return { ...NOTHING, summary: `no policy of ${whose} allows it`, statement, hint };
}

function denied({ layer }: Cause, fallback: string): string {
  const sure = layer?.evaluation.verdicts.find(
    ({ statement, applies }) => statement.effect === "Deny" && applies === "yes",
  );
  return `${sure ? nameOf(sure.statement) : fallback} denies it`;
}

/** AWS said that none allows it, and what was read allows it. */
function isContradicted({ layer, isTold }: Cause): boolean {
  return isTold && layer?.evaluation.outcome === "allowed";
}

function byBoundary({ facts, cause, question }: Asked): Answer {
  const name = cause.layer?.title ?? `the permissions boundary of role ${roleNameOf(facts.roleArn)}`;
  if (cause.isExplicit) return { ...NOTHING, summary: denied(cause, name), hint: NO_ALLOW_HELPS };
  const summary = `${name} does not allow it, so that no policy of the role can`;
  return { ...NOTHING, summary, statement: allowing(question, name) };
}

function bySession({ facts, cause: { layer, isExplicit }, question }: Asked): Answer {
  const { functionRoleArn, viaName, widen = null } = facts;
  if (!layer) {
    const does = isExplicit ? "denies" : "does not allow";
    const summary = `a session policy ${does} it, and credbroker set none: it came with the credentials of ${viaName}`;
    return { ...NOTHING, summary, hint: "ask the administrators who hand those credentials out" };
  }
  if (layer.by === "scope") {
    const summary = `credbroker itself: ${layer.title} ${isExplicit ? "denies it" : "leaves it out"}`;
    return { ...NOTHING, isOurs: true, summary, hint: widen };
  }
  const role = `role ${roleNameOf(functionRoleArn)}`;
  const narrowing = `the policies of ${role}, by which credbroker narrows ${viaName} (--mode session-policy)`;
  if (isExplicit) return { ...NOTHING, isOurs: true, summary: `${narrowing}, deny it`, hint: NO_ALLOW_HELPS };
  const summary = `${narrowing}, do not allow it: deployed, it would fail as well`;
  return { ...NOTHING, isOurs: true, summary, statement: allowing(question, `a policy of ${role}`) };
}

function byOthers({ cause, facts }: Asked, kind: string, who: string): Answer {
  const arn = facts.denial.policyArn === null ? "" : ` ${facts.denial.policyArn}`;
  const summary = cause.isExplicit ? `a ${kind}${arn} denies it` : `no ${kind} allows it`;
  return { ...NOTHING, summary: `${summary}, which no policy of the role can change`, hint: `ask ${who}` };
}

function byResource({ cause, facts, question }: Asked): Answer {
  const { denial, roleArn, functionRoleArn } = facts;
  const where = `the ${cause.kind === "trust" ? "trust policy" : "policy"} of ${denial.resource ?? "the resource"}`;
  const note = roleArn === functionRoleArn ? "" : `; what names ${functionRoleArn} there does not match in this mode`;
  if (cause.isExplicit) return { ...NOTHING, summary: `${where} denies it${note}`, hint: NO_ALLOW_HELPS };
  const { action: Action } = question;
  const lettingIn = { Effect: "Allow", Principal: { AWS: functionRoleArn }, Action };
  const json = JSON.stringify(cause.kind === "trust" ? lettingIn : { ...lettingIn, Resource: denial.resource ?? "*" });
  return { ...NOTHING, summary: `${where} does not let the role in${note}`, statement: { json, where } };
}

function byNothingSeen({ layers, cause }: Asked): Answer {
  const summary = `AWS did not say which policy${cause.isExplicit ? " denies it" : ""}, and ${whatIsSeen(layers)}`;
  return { ...NOTHING, summary, hint: "what could not be looked at decides: the resource's own policy first" };
}

function whatIsSeen(layers: readonly EvaluatedLayer[]): string {
  if (!layers.every(({ isWhole }) => isWhole)) return "not all of the role's policies could be read";
  if (layers.some(({ evaluation }) => evaluation.outcome === "unknown"))
    return "whether the role's policies allow it depends on what cannot be known here";
  return "the policies that can be read allow it";
}

/** Where the service names no action, nothing can be compared with policies. */
export function answerWithoutAction({ denial, functionName }: DenialFacts): Answer {
  if (denial.encoded !== null) {
    const hint = `aws sts decode-authorization-message --encoded-message ${denial.encoded}`;
    return { ...NOTHING, summary: "EC2 refused it, and encoded what and why", hint };
  }
  const to = denial.principal === null ? "" : ` to ${denial.principal}`;
  const summary = `a service refused it${to}, and named neither action nor resource`;
  const hint = `brokerctl lambda why ${functionName} --action s3:GetObject --resource ARN    # what the code asked for`;
  return { ...NOTHING, summary, hint };
}

function allowing({ action, resource }: Question, where: string): WantedStatement {
  return { json: JSON.stringify({ Effect: "Allow", Action: action, Resource: resource ?? "*" }), where };
}
