import type { RoleOwner, TrustAction, TrustReport } from "../../core/deployed-function.js";
import { BrokerError } from "../../core/errors.js";
import { parseDuration } from "../arguments/argument-values.js";
import { JSON_OPTION, type OptionSpecs, type OptionValues } from "../command.js";
import type { CliContext } from "../context.js";
import { REASON_OPTION } from "../guard/confirm-role.js";
import { isoInstant, until } from "../terminal/when.js";
import { TRUST_FORMS, type TrustForm, trustForm } from "./trust-forms.js";

/** Of `lambda trust` and `task trust`. */
export const TRUST_OPTIONS = {
  apply: { type: "boolean", help: "add the statement to the role's trust policy" },
  undo: { type: "boolean", help: "remove just that statement, whatever its terms" },
  until: { type: "string", value: "DURATION", help: "it lets in for so long, e.g. 8h; default until it is removed" },
  "own-session": { type: "boolean", help: "it lets in only sessions that are called as those of credbroker are" },
  format: {
    type: "string",
    choices: TRUST_FORMS,
    help: "of the statement: json (default); yaml, as CloudFormation's templates take it; terraform",
  },
  reason: REASON_OPTION,
  json: JSON_OPTION,
} as const satisfies OptionSpecs;

export const TRUST_DETAILS = `stdout holds exactly the statement for the role's trust policy. Without --apply and --undo nothing is changed.
Every principal that can assume the role has its permissions: let in only principals that may have them. What --apply adds to a
role that a template makes is drift: its next deployment may take it away; --format prints what to put into the template.`;

type TrustOptions = OptionValues<typeof TRUST_OPTIONS>;

/** What the operation takes, beside what it is about. */
export interface WantedTrust {
  readonly action: TrustAction;
  readonly seconds?: number;
  readonly ownSession?: boolean;
}

export function wantedTrust({ apply, undo, until: duration, "own-session": ownSession }: TrustOptions): WantedTrust {
  if (apply && undo) {
    throw new BrokerError("UsageInvalid", "--apply adds the statement and --undo removes it: choose", {
      hint: "--apply, or --undo",
    });
  }
  if (undo && (duration !== undefined || ownSession)) {
    throw new BrokerError("UsageInvalid", "--undo removes the statement whatever its terms", { hint: "--undo alone" });
  }
  return {
    action: apply ? "apply" : undo ? "undo" : "show",
    ...(duration !== undefined && { seconds: parseDuration(duration, "--until") }),
    ...(ownSession && { ownSession }),
  };
}

interface Told {
  readonly options: TrustOptions;
  /** This command without its action. */
  readonly again: string;
}

export function tellTrust(trust: TrustReport, { options, again }: Told, context: CliContext): void {
  const { output, clock } = context;
  if (options.json) {
    output.printJson(trustJson(trust));
    return;
  }
  const { action } = wantedTrust(options);
  const { roleArn, principal, statement, isPresent, notes, until: end } = trust;
  const form = options.format ?? "json";
  output.print(trustForm(statement, form));
  output.say(`${SENTENCES[action](trust)}: ${roleArn}`);
  if (isPresent && end !== undefined) output.say(`It lets in until ${until(end, clock.now())}.`);
  if (action === "show" && !isPresent) {
    output.say(`It lets in ${principal}, with all that the role may do.`);
    output.hint(
      `${again}${termsText(options)} --apply    # or have it added to the Statement list by the role's administrator`,
    );
  }
  if (action === "apply") output.hint(`${again} --undo    # removes it again`);
  if (action !== "undo") tellDrift(trust, form, context);
  for (const note of notes) output.warn(note);
}

function termsText({ until: duration, "own-session": ownSession }: TrustOptions): string {
  return `${duration === undefined ? "" : ` --until ${duration}`}${ownSession ? " --own-session" : ""}`;
}

const SENTENCES: Readonly<Record<TrustAction, (trust: TrustReport) => string>> = {
  show: ({ isPresent }) =>
    isPresent ? "this statement stands in the trust policy" : "this statement is missing in the trust policy",
  apply: ({ changed }) => (changed ? "added to the trust policy" : "stood in the trust policy already"),
  undo: ({ changed }) => (changed ? "removed from the trust policy" : "was not in the trust policy, nothing removed"),
};

/** A role that a template makes is another one than its template says once IAM was told. */
function tellDrift({ owner, statement }: TrustReport, form: TrustForm, { output }: CliContext): void {
  if (!owner) {
    output.hint(
      "if CloudFormation, SAM, CDK, Serverless or Terraform makes the role, --apply is drift, and its next deployment may undo it: --format yaml or terraform is for the template",
    );
    return;
  }
  const wanted: TrustForm = owner.tool === "Terraform" ? "terraform" : "yaml";
  output.say(`The role is made by ${nameOf(owner)}: --apply is drift there, and its next deployment may undo it.`);
  if (form !== wanted) output.say(`In the template, ${PLACES[wanted]}:\n${trustForm(statement, wanted)}`);
}

const PLACES = {
  yaml: "under the role's AssumeRolePolicyDocument.Statement",
  terraform: 'in the data "aws_iam_policy_document" of its assume_role_policy',
} as const;

function nameOf({ tool, stack, logicalId }: RoleOwner): string {
  if (stack === undefined) return tool;
  return `${tool}, stack ${stack}${logicalId === undefined ? "" : `, resource ${logicalId}`}`;
}

function trustJson({
  roleArn,
  principal,
  statement,
  isPresent,
  changed,
  until: end,
  owner,
  notes,
}: TrustReport): unknown {
  return {
    ...{ role_arn: roleArn, principal, statement: JSON.parse(statement) as unknown, is_present: isPresent, changed },
    until: isoInstant(end ?? null),
    owner: owner ? { tool: owner.tool, stack: owner.stack ?? null, logical_id: owner.logicalId ?? null } : null,
    notes,
  };
}
