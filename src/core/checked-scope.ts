import { BrokerError } from "./errors.js";
import { type LeaseScope, normalized } from "./lease-scope.js";
import { nearestName } from "./nearest-name.js";
import { actionsOf, POLICY_SERVICES } from "./policy-services.js";
import { renderSessionPolicy } from "./session-policy.js";

/** The shortest life that is of use: SDKs renew before the end, and every renewal is a call. */
const SHORTEST_SECONDS = 60;
const LONGEST_SECONDS = 43_200;
/** STS: of managed policies. */
const MAX_ARNS = 10;
const ARN = /^arn:aws[\w-]*:iam::(?:aws|\d{12}):policy\/[\x21-\x7e]{1,512}$/;

/**
 * The scope in the form that is kept; undefined where nothing is asked for. Throws UsageInvalid with what no role could be narrowed
 * by: a policy that is none, a service that is not known, what is too long for STS.
 */
export function checkedScope(wanted: LeaseScope | undefined): LeaseScope | undefined {
  if (!wanted) return undefined;
  const { policy, description, ...rest } = wanted;
  wanted.services?.forEach(checkService);
  checkArns(wanted.policyArns ?? []);
  checkSeconds(wanted.sessionSeconds);
  const rendered = policy === undefined ? undefined : minified(policy);
  const told = description === undefined ? {} : { description: described(description) };
  const scope = normalized({ ...rest, ...(rendered !== undefined && { policy: rendered }), ...told });
  if (scope.services) servicesPolicy(scope.services);
  return isEmpty(scope) ? undefined : scope;
}

const SENDER = "credbroker: ";

/** As STS takes it: 2 to 256 characters, which are logged as they are. The same again where it is one already. */
function described(text: string): string {
  const all = text.startsWith(SENDER) ? text : `${SENDER}${text}`;
  return all.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 256);
}

function isEmpty(scope: LeaseScope): boolean {
  return Object.keys(scope).every((field) => field === "description");
}

/** The inline policy that allows these services, `more` actions and nothing else; throws where STS would not take it. */
export function servicesPolicy(services: readonly string[], more: readonly string[] = []): string {
  const Action = [...services.flatMap(actionsOf), ...more];
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource: "*" }] });
  const rendered = renderSessionPolicy({ policy, policyArns: undefined });
  if (!("problem" in rendered)) return policy;
  throw usage(
    `a policy for ${services.length} services ${rendered.problem}`,
    "leave some --service out, or --policy FILE",
  );
}

function checkService(service: string): void {
  const [, name = "", level] = /^([^:]*)(?::(.*))?$/s.exec(service) ?? [];
  if (level !== undefined && level !== "read")
    throw usage(`--service takes NAME or NAME:read, not '${service}'`, "--service s3:read");
  if (POLICY_SERVICES.includes(name)) return;
  const meant = nearestName(name, POLICY_SERVICES);
  const question = meant === undefined ? "" : `: did you mean ${meant}?`;
  throw usage(
    `--service does not know ${name}${question}`,
    `--service ${POLICY_SERVICES.slice(0, 5).join("|")}|…, or --policy FILE    # docs/scope.md has them all`,
  );
}

function checkArns(arns: readonly string[]): void {
  if (arns.length > MAX_ARNS)
    throw usage(`${arns.length} managed policies are more than the ${MAX_ARNS} that STS takes`, "--policy FILE");
  const bad = arns.find((arn) => !ARN.test(arn));
  if (bad !== undefined)
    throw usage(
      `--policy-arn takes the ARN of a managed policy, not '${bad}'`,
      "--policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess",
    );
}

function checkSeconds(seconds: number | undefined): void {
  if (seconds === undefined || (seconds >= SHORTEST_SECONDS && seconds <= LONGEST_SECONDS)) return;
  throw usage("--session-for must be 1m to 12h", "--session-for 15m");
}

function minified(text: string): string {
  const rendered = renderSessionPolicy({ policy: text, policyArns: undefined });
  if ("problem" in rendered)
    throw usage(
      `the policy of --policy ${rendered.problem}`,
      "--policy FILE    # JSON, at most 2,048 characters without its white space",
    );
  return rendered.policy ?? "";
}

function usage(message: string, hint: string): BrokerError {
  return new BrokerError("UsageInvalid", message, { hint });
}
