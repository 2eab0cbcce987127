import type { ControlResponse } from "../../control-api/contract.js";
import { type Denial, findDenial } from "../../core/denial.js";
import { BrokerError } from "../../core/errors.js";
import { SCOPE_OPTIONS, scopeOfFlags } from "../access/scope-options.js";
import { readInput } from "../arguments/read-input.js";
import { defineCommand, JSON_OPTION, type OptionSpecs } from "../command.js";
import type { CliContext } from "../context.js";
import { confirmRole } from "../guard/confirm-role.js";
import { FUNCTION_POSITIONAL, ROLE_OPTIONS, sayVia } from "../lambda/lambda-options.js";
import { askedFunction } from "../lambda/named-function.js";
import { withLogin } from "../login/login.js";

const OPTIONS = {
  message: { type: "string", value: "TEXT|-", help: "what AWS said, also within log lines; - reads stdin" },
  action: { type: "string", value: "ACTION", help: "in place of a message: dynamodb:PutItem" },
  resource: { type: "string", value: "ARN", help: "beside --action, or where the message names none" },
  ...ROLE_OPTIONS,
  mode: { ...ROLE_OPTIONS.mode, help: "as the run had it; default assume" },
  ...SCOPE_OPTIONS,
  json: JSON_OPTION,
} as const satisfies OptionSpecs;

/** A log that is piped here whole. */
const MAX_BYTES = 8 * 1024 * 1024;

export const lambdaWhyCommand = defineCommand({
  name: "lambda why",
  summary: "Which policy refused a call of a function's code, and what would have to be added",
  details: `Without --message and --action: the last refusal that a run of FUNCTION by \`lambda invoke\` or \`lambda serve\` met (brokerd has it in
memory, until it ends). The role's policies and boundary are read with --via, IAM's simulator is asked where --via may; what cannot be
looked at is named. The flags that narrow are those that the run had. Nothing is changed.`,
  positionals: [FUNCTION_POSITIONAL],
  options: OPTIONS,
  examples: [
    "brokerctl lambda why orders-api",
    "pbpaste | brokerctl lambda why orders-api --via dev --message -",
    "brokerctl lambda why orders-api --action s3:GetObject --resource arn:aws:s3:::uploads/a.png",
  ],
  exitCodes: ["0 it is explained, also where the policies that can be seen allow it"],
  async run({ options, positionals: [name = ""] }, context) {
    const { mode, reason, json } = options;
    const denial = await denialOf(options, name, context);
    const scope = await scopeOfFlags(options, context);
    const request = await askedFunction({ ...options, name, command: `brokerctl lambda why ${name}` }, context);
    const { via } = request;
    const yes = await confirmRole({ role: via, target: { by: "new" }, reason }, context);
    const report = await withLogin(context, via ?? undefined, () =>
      context.client.call("lambda-why", {
        ...request,
        ...(denial && { denial }),
        ...(mode !== undefined && { mode }),
        ...(scope && { scope }),
        ...yes,
      }),
    );
    sayVia(name, report, context);
    if (json) context.output.printJson(reportJson(report));
    else tell(report, context);
  },
});

interface Told {
  readonly message: string | undefined;
  readonly action: string | undefined;
  readonly resource: string | undefined;
}

/** undefined: the last one that is remembered. */
async function denialOf(
  { message, action, resource }: Told,
  name: string,
  context: CliContext,
): Promise<Denial | undefined> {
  const asked = action === undefined ? undefined : checkedAction(action);
  if (message === undefined && asked === undefined) {
    if (resource === undefined) return undefined;
    throw new BrokerError("UsageInvalid", "--resource goes with --action or --message", {
      hint: `brokerctl lambda why ${name} --action dynamodb:PutItem --resource ARN`,
    });
  }
  const denial = message === undefined ? {} : found(await textOf(message, context), name);
  return {
    ...{ action: null, resource: null, principal: null, kind: null, isExplicit: null },
    ...{ policyArn: null, authorizationId: null, encoded: null },
    ...denial,
    ...(asked !== undefined && { action: asked }),
    ...(resource !== undefined && { resource }),
  };
}

function checkedAction(text: string): string {
  if (/^[a-z0-9-]{1,64}:[A-Za-z0-9]{1,128}$/.test(text)) return text;
  throw new BrokerError("UsageInvalid", `--action takes an action as policies name it, not '${text}'`, {
    hint: "--action dynamodb:PutItem",
  });
}

async function textOf(message: string, context: CliContext): Promise<string> {
  if (message !== "-") return message;
  const stdinHint = "brokerctl lambda why FUNCTION --message - < log.txt";
  return (await readInput("-", { maxBytes: MAX_BYTES, stdinHint }, context)).bytes.toString("utf8");
}

function found(text: string, name: string): Denial {
  const denial = findDenial(text);
  if (denial) return denial;
  throw new BrokerError("UsageInvalid", "the message has nothing in it that AWS says where it refuses a call", {
    hint: `brokerctl lambda why ${name} --action ACTION --resource ARN    # what the code asked for`,
  });
}

type Report = ControlResponse<"lambda-why">;

function tell({ summary, findings, statement, hint, unseen }: Report, { output }: CliContext): void {
  output.print(summary);
  for (const finding of findings) output.print(`  - ${finding}`);
  if (statement) output.print(`add to ${statement.where}:\n  ${statement.json}`);
  for (const one of unseen) output.print(`not looked at: ${one}`);
  if (hint !== null) output.hint(hint);
}

function reportJson({ denial, functionName, functionRoleArn, ...report }: Report): unknown {
  const { action, resource, principal, kind, isExplicit, policyArn, authorizationId } = denial;
  const { summary, findings, statement, isOurs, hint, unseen } = report;
  return {
    function: functionName,
    role_arn: functionRoleArn,
    denial: {
      ...{ action, resource, principal, policy_type: kind, explicit: isExplicit },
      ...{ policy_arn: policyArn, authorization_id: authorizationId },
    },
    ...{ summary, findings, ours: isOurs, hint, not_looked_at: unseen },
    statement: statement && (JSON.parse(statement.json) as unknown),
    add_to: statement?.where ?? null,
  };
}
