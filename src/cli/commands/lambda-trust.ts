import type { ControlResponse } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import { defineCommand, JSON_OPTION, type OptionSpecs } from "../command.js";
import type { CliContext } from "../context.js";
import { confirmRole, REASON_OPTION } from "../guard/confirm-role.js";
import { FUNCTION_POSITIONAL, VIA_OPTION } from "../lambda/lambda-options.js";
import { withLogin } from "../login/login.js";

const OPTIONS = {
  via: { ...VIA_OPTION, help: "the role that is to be let in; default lambda.via of the config" },
  apply: { type: "boolean", help: "add the statement to the role's trust policy" },
  undo: { type: "boolean", help: "remove just that statement" },
  reason: REASON_OPTION,
  json: JSON_OPTION,
} as const satisfies OptionSpecs;

export const lambdaTrustCommand = defineCommand({
  name: "lambda trust",
  summary: "Print what a function's role must say so that you may assume it; add or remove it",
  details: `stdout holds exactly the statement for the role's trust policy. Without --apply and --undo nothing is changed.
Every principal that can assume the role has its permissions: let in only principals that may have them.`,
  positionals: [FUNCTION_POSITIONAL],
  options: OPTIONS,
  examples: [
    "brokerctl lambda trust orders-api --via dev           print the statement",
    "brokerctl lambda trust orders-api --via dev --apply   add it",
    "brokerctl lambda trust orders-api --via dev --undo    remove it",
  ],
  async run({ options: { via = null, apply, undo, json, reason }, positionals: [name = ""] }, context) {
    if (apply && undo) {
      throw new BrokerError("UsageInvalid", "--apply adds the statement and --undo removes it: choose", {
        hint: `brokerctl lambda trust ${name} --apply`,
      });
    }
    const action = apply ? "apply" : undo ? "undo" : "show";
    const yes = await confirmRole({ role: via, target: { by: "new" }, reason }, context);
    const trust = await withLogin(context, via ?? undefined, () =>
      context.client.call("lambda-trust", { function: name, via, action, ...yes }),
    );
    if (json) context.output.printJson(trustJson(trust));
    else
      tell(trust, { action, again: `brokerctl lambda trust ${name}${via === null ? "" : ` --via ${via}`}` }, context);
  },
});

type Trust = ControlResponse<"lambda-trust">;

function trustJson({ roleArn, principal, statement, isPresent, changed, notes }: Trust): unknown {
  return {
    role_arn: roleArn,
    principal,
    statement: JSON.parse(statement) as unknown,
    is_present: isPresent,
    changed,
    notes,
  };
}

interface Told {
  readonly action: "show" | "apply" | "undo";
  /** This command without its action. */
  readonly again: string;
}

function tell(trust: Trust, { action, again }: Told, { output }: CliContext): void {
  const { roleArn, principal, statement, isPresent, notes } = trust;
  output.print(statement);
  output.say(`${SENTENCES[action](trust)}: ${roleArn}`);
  if (action === "show" && !isPresent) {
    output.say(`It lets in ${principal}, with all that the role may do.`);
    output.hint(`${again} --apply    # or have it added to the Statement list by the role's administrator`);
  }
  if (action === "apply") output.hint(`${again} --undo    # removes it again`);
  for (const note of notes) output.warn(note);
}

const SENTENCES: Readonly<Record<Told["action"], (trust: Trust) => string>> = {
  show: ({ isPresent }) =>
    isPresent ? "this statement stands in the trust policy" : "this statement is missing in the trust policy",
  apply: ({ changed }) => (changed ? "added to the trust policy" : "stood in the trust policy already"),
  undo: ({ changed }) => (changed ? "removed from the trust policy" : "was not in the trust policy, nothing removed"),
};
