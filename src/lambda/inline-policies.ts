import type { InlinePolicy } from "../aws/iam-roles.js";
import { BrokerError } from "../core/errors.js";
import { parsePolicy } from "./policy-json.js";

const VERSION = "2012-10-17";
const FORMER_VERSION = "2008-10-17";
/** STS (API AssumeRole): `[\u0009\u000A\u000D\u0020-\u00FF]+`. */
const FOREIGN = /[^\t\n\r\x20-\xFF]/u;

type Statement = Readonly<Record<string, unknown>>;

/**
 * The statements of all of them as one minified document; undefined: there is none. Sids go: they must be unique in a
 * document, and decide nothing. PolicyUnfit by name for one that would mean something else there.
 */
export function mergeInlinePolicies(policies: readonly InlinePolicy[]): string | undefined {
  const statements = policies.flatMap(statementsOf);
  return statements.length === 0 ? undefined : JSON.stringify({ Version: VERSION, Statement: statements });
}

function statementsOf({ policyName, document }: InlinePolicy): readonly Statement[] {
  const policy = parsePolicy(document);
  if (!isRecord(policy)) {
    throw unfit(policyName, "is not a policy document, or one that names a key twice");
  }
  const { Version: version = FORMER_VERSION, Statement: statements } = policy;
  if (version !== VERSION && version !== FORMER_VERSION) throw unfit(policyName, "has a Version that is not known");
  const list: readonly unknown[] = Array.isArray(statements) ? statements : [statements];
  const kept = list.map((statement) => {
    if (!isRecord(statement)) throw unfit(policyName, "has a statement that is none");
    return Object.fromEntries(Object.entries(statement).filter(([key]) => key !== "Sid"));
  });
  refuseOtherMeaning(policyName, { version, text: JSON.stringify(kept) });
  return kept;
}

/** `text`: as it will be sent, where no character is written as an escape. */
function refuseOtherMeaning(
  policyName: string,
  { version, text }: { readonly version: string; readonly text: string },
): void {
  // Plain text in the former version, a variable in this one.
  if (version === FORMER_VERSION && text.includes("${")) {
    throw unfit(policyName, `has \${…} and is of Version ${FORMER_VERSION}, which knows no variables`);
  }
  const foreign = FOREIGN.exec(text)?.[0];
  if (foreign !== undefined) throw unfit(policyName, `has the character ${foreign}, which STS does not take`);
}

function isRecord(value: unknown): value is Statement {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unfit(policyName: string, what: string): BrokerError {
  return new BrokerError("PolicyUnfit", `the inline policy ${policyName} of the function's role ${what}`, {
    hint: "--mode assume: `brokerctl lambda trust FUNCTION` says what it takes",
  });
}
