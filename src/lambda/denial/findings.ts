import type { Evaluation, Question, Verdict } from "./evaluate.js";
import type { Layer } from "./layers.js";
import type { Named, Statement } from "./statements.js";

/** More of them say nothing new. */
const MAX_FINDINGS = 4;
const MAX_LISTED = 6;

/** What the statements of a layer do about a question that decide it, or come near: the nearest first, one line each. */
export function findingsOf({ outcome, verdicts }: Evaluation, layer: Layer, question: Question): readonly string[] {
  const found = outcome === "explicit" ? denials(verdicts) : [...denials(verdicts), ...nearMisses(verdicts, question)];
  if (found.length > 0) return found.slice(0, MAX_FINDINGS);
  return outcome === "implicit" ? [namesNone(layer, question)] : [];
}

function denials(verdicts: readonly Verdict[]): readonly string[] {
  const denying = verdicts.filter(({ statement, applies }) => statement.effect === "Deny" && applies !== "no");
  const sure = denying
    .filter(({ applies }) => applies === "yes")
    .map(({ statement }) => `${nameOf(statement)} denies it`);
  const perhaps = denying.filter(({ applies }) => applies === "unknown");
  return [...sure, ...perhaps.map((verdict) => `${nameOf(verdict.statement)} denies it ${unknownIn(verdict)}`)];
}

function unknownIn({ resource, because }: Verdict): string {
  const open = [
    ...(resource === "unknown" ? ["for its resources"] : []),
    ...(because.length > 0 ? [`under ${because.join(", ")}`] : []),
  ];
  return `${open.join(" ")}, and whether that is so cannot be known here`;
}

/** Allow statements, by how little is missing. */
function nearMisses(verdicts: readonly Verdict[], question: Question): readonly string[] {
  const allows = verdicts.filter(({ statement }) => statement.effect === "Allow");
  const rest = allows.filter(({ action }) => action === "yes");
  const open = rest.filter(({ applies }) => applies === "unknown");
  const byCondition = rest.filter(({ resource, condition }) => resource === "yes" && condition === "no");
  const byResource = rest.filter(({ resource }) => resource === "no");
  const byAction = allows.filter(
    ({ statement, action, resource }) => action === "no" && resource !== "no" && namesService(statement, question),
  );
  return [
    ...rest.filter(({ applies }) => applies === "yes").map(({ statement }) => `${nameOf(statement)} allows it`),
    ...open.map((verdict) => `${nameOf(verdict.statement)} allows it ${unknownIn(verdict)}`),
    ...byCondition.map((verdict) => `${nameOf(verdict.statement)} allows it under ${heldNot(verdict.because)}`),
    ...byResource.map(({ statement }) => `${nameOf(statement)} allows it on ${others(statement.resources)}, not there`),
    ...byAction.map(({ statement }) => `${nameOf(statement)} allows ${others(statement.actions)} there, not it`),
  ];
}

function heldNot(because: readonly string[]): string {
  const what = `${because.join(", ")}, which does not hold here`;
  const isLambdas = because.some((one) => one.endsWith(" lambda:SourceFunctionArn"));
  return isLambdas ? `${what}: only Lambda itself sets that key, and there it may hold` : what;
}

function others({ patterns, isInverse }: Named): string {
  const listed = patterns.slice(0, MAX_LISTED).join(", ");
  const all = patterns.length > MAX_LISTED ? `${listed}, …` : listed;
  return isInverse ? `all but ${all}` : all;
}

function namesService({ actions }: Statement, { action }: Question): boolean {
  const service = serviceOf(action);
  return actions.isInverse || actions.patterns.some((pattern) => serviceOf(pattern) === service);
}

function serviceOf(action: string): string {
  return action.split(":")[0]?.toLowerCase() ?? "";
}

function namesNone({ title, statements, isWhole }: Layer, { action }: Question): string {
  const service = serviceOf(action);
  const part = isWhole ? "" : ", of those that could be read";
  if (statements.length === 0) return `${title} has no statement${part}`;
  const isNamed = statements.some(
    ({ effect, actions }) => effect === "Allow" && actions.patterns.some((pattern) => serviceOf(pattern) === service),
  );
  const whats = isNamed ? action : `any action of ${service}`;
  return `none of the ${statements.length} statements of ${title} allows ${whats}${part}`;
}

export function nameOf({ label, policy }: Statement): string {
  return `${label} of ${policy.name}`;
}
