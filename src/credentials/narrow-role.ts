import { servicesPolicy } from "../core/checked-scope.js";
import { durationText } from "../core/duration.js";
import { BrokerError } from "../core/errors.js";
import type { LeaseScope } from "../core/lease-scope.js";
import { READ_ONLY_SERVICES } from "../core/policy-services.js";
import { type AssumeRoleParameters, type Role, type ScopedParameters, sourceOf } from "../core/role.js";
import { roleDigest } from "../core/role-digest.js";
import { narrowedName } from "../core/scope-digest.js";

/** AssumeRole gives no shorter session. */
const SHORTEST_ASSUMED_S = 900;

/**
 * The role narrowed: the roles to hold credentials of, each on the one before, the last one to be served. One restriction alone goes
 * into the role's own AssumeRole. AWS adds session policies up, so that several are calls of GetScopedCredentials on top, which
 * intersect; and so is a short life. Throws `ScopeRefused` with what cannot be done, and why.
 */
export function narrowRole(base: Role, scope: LeaseScope): readonly Role[] {
  const steps = stepsOf(base, scope);
  const shared = { base, scope, steps: steps.map(({ said }) => said) };
  const name = narrowedName(base.name, scope);
  const roles: Role[] = [];
  for (const [index, step] of steps.entries()) {
    const isServed = index === steps.length - 1;
    const narrowed = { ...shared, isServed };
    const role = { ...roleAfter(step, roles.at(-1) ?? base), name: isServed ? name : `${name}.${index + 1}`, narrowed };
    roles.push({ ...role, digest: roleDigest(role) });
  }
  return roles;
}

/** One call that narrows. */
type Step = { readonly said: string } & (
  | { readonly assume: AssumeRoleParameters }
  | { readonly scoped: ScopedParameters }
);

function roleAfter(step: Step, before: Role): Omit<Role, "name" | "digest"> {
  if ("assume" in step) return { ...before, assume: step.assume };
  const { region, stsRegion, guard } = before;
  const shared = { stsRegion, ...(region !== undefined && { region }), ...(guard && { guard }) };
  return { origin: { kind: "role", role: before }, scoped: step.scoped, ...shared };
}

/** What is allowed by all of them is allowed. */
interface Restriction {
  readonly policy?: string;
  readonly policyArns?: readonly string[];
}

function stepsOf(base: Role, scope: LeaseScope): readonly Step[] {
  const { sessionSeconds: seconds } = scope;
  const assume = narrowableAssume(base);
  if (seconds !== undefined && seconds > (assume?.durationSeconds ?? seconds)) throw livesShorter(base, seconds);
  const isShort = seconds !== undefined && seconds < SHORTEST_ASSUMED_S;
  const restrictions = restrictionsOf(scope, assume);
  if (assume && !isShort && restrictions.length <= 1) return [assumeStep(assume, restrictions[0], seconds)];
  return severalSteps(base, assume, { restrictions, scope });
}

function severalSteps(
  base: Role,
  assume: AssumeRoleParameters | undefined,
  { restrictions, scope }: { readonly restrictions: readonly Restriction[]; readonly scope: LeaseScope },
): readonly Step[] {
  const byArns = restrictions.find(({ policyArns }) => policyArns);
  if (!byArns) return scopedSteps(restrictions, scope);
  if (!assume) throw takesNoArns(base);
  const others = restrictions.filter((one) => one !== byArns);
  return [assumeStep(assume, { ...byArns, policy: MAY_NARROW }), ...scopedSteps(others, scope)];
}

/** One call each, the last with what is said of the session; one call where nothing else is restricted. */
function scopedSteps(
  layers: readonly Restriction[],
  { sessionSeconds: seconds, description }: LeaseScope,
): readonly Step[] {
  const onTop = layers.length === 0 ? [{}] : layers;
  const last = {
    ...(seconds !== undefined && { durationSeconds: seconds }),
    ...(description !== undefined && { description }),
  };
  return onTop.map((layer, index) => scopedStep(layer, index === onTop.length - 1 ? last : {}));
}

/** Its AssumeRole, where it has no policies: more of them beside its own would widen it. */
function narrowableAssume({ assume }: Role): AssumeRoleParameters | undefined {
  const hasPolicy = assume?.policy !== undefined || assume?.policyArns !== undefined;
  return hasPolicy ? undefined : assume;
}

/** What is narrowed again may have to be allowed to: it can but become less by that. */
const NARROWING_ACTION = "sts:GetScopedCredentials";
/** Beside managed policies, which it adds up with. */
const MAY_NARROW = servicesPolicy([], [NARROWING_ACTION]);

/** Each by itself, in the order of the calls: the user's own policy is the last, so that nothing has to be added to it. */
function restrictionsOf(scope: LeaseScope, assume: AssumeRoleParameters | undefined): readonly Restriction[] {
  const { readOnly, services, policy, policyArns } = scope;
  const more = policy === undefined ? [] : [NARROWING_ACTION];
  return [
    ...(policyArns ? [{ policyArns }] : []),
    ...(readOnly ? [readOnlyBy(policyArns ? undefined : assume, more)] : []),
    ...(services ? [{ policy: servicesPolicy(services, more) }] : []),
    ...(policy === undefined ? [] : [{ policy }]),
  ];
}

const READ_ONLY = READ_ONLY_SERVICES.map((service) => `${service}:read`);

/** AWS's own list, where it can be given, is longer than what fits into a policy, and kept by AWS. */
function readOnlyBy(assume: AssumeRoleParameters | undefined, more: readonly string[]): Restriction {
  if (assume) return { policyArns: [readOnlyAccess(assume)] };
  return { policy: servicesPolicy(READ_ONLY, more) };
}

function readOnlyAccess({ roleArn }: AssumeRoleParameters): string {
  return `arn:${roleArn.split(":")[1] ?? "aws"}:iam::aws:policy/ReadOnlyAccess`;
}

function assumeStep(own: AssumeRoleParameters, by: Restriction = {}, seconds?: number): Step {
  const assume = { ...own, ...by, ...(seconds !== undefined && { durationSeconds: seconds }) };
  return { assume, said: `AssumeRole${withText(by)}${forText(seconds)}` };
}

function scopedStep(by: Restriction, more: Omit<ScopedParameters, "policy">): Step {
  const scoped = { ...(by.policy !== undefined && { policy: by.policy }), ...more };
  return { scoped, said: `GetScopedCredentials${withText(by)}${forText(more.durationSeconds)}` };
}

function withText({ policy, policyArns }: Restriction = {}): string {
  if (policyArns) return ` with ${policyArns.join(", ")}`;
  return policy === undefined ? "" : ` with an inline policy of ${policy.length} characters`;
}

function forText(seconds: number | undefined): string {
  return seconds === undefined ? "" : ` for ${durationText(seconds)}`;
}

function takesNoArns(base: Role): BrokerError {
  const why = base.assume
    ? "it has policy or policy_arns of its own, beside which more of them would widen it"
    : `its credentials are those of source ${sourceOf(base).name}, which no AssumeRole of ours makes`;
  return refused(
    base,
    `by managed policies: ${why}`,
    "--policy FILE, --read-only or --service NAME:read in place of --policy-arn",
  );
}

function livesShorter(base: Role, seconds: number): BrokerError {
  const own = durationText(base.assume?.durationSeconds ?? 0);
  const what = `to keys of ${durationText(seconds)}: its own live ${own}`;
  return refused(base, what, `--session-for ${own}, or for good another duration_seconds: brokerctl config edit`);
}

function refused({ name }: Role, what: string, hint: string): BrokerError {
  return new BrokerError("ScopeRefused", `role ${name} cannot be narrowed ${what}`, { hint });
}
