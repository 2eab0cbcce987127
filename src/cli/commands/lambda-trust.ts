import { shellQuote } from "../../core/shell-quote.js";
import { defineCommand, type OptionSpecs, type OptionValues } from "../command.js";
import { confirmRole } from "../guard/confirm-role.js";
import { FUNCTION_OPTIONS, FUNCTION_POSITIONAL, sayVia, VIA_OPTION } from "../lambda/lambda-options.js";
import { askedFunction } from "../lambda/named-function.js";
import { TRUST_DETAILS, TRUST_OPTIONS, tellTrust, wantedTrust } from "../lambda/tell-trust.js";
import { withLogin } from "../login/login.js";

const OPTIONS = {
  ...FUNCTION_OPTIONS,
  via: {
    ...VIA_OPTION,
    help: "the role that is to be let in; default lambda.via of the config, else the current role",
  },
  ...TRUST_OPTIONS,
} as const satisfies OptionSpecs;

export const lambdaTrustCommand = defineCommand({
  name: "lambda trust",
  summary: "Print what a function's role must say so that you may assume it; add or remove it",
  details: TRUST_DETAILS,
  positionals: [FUNCTION_POSITIONAL],
  options: OPTIONS,
  examples: [
    "brokerctl lambda trust orders-api --via dev                        print the statement",
    "brokerctl lambda trust orders-api --via dev --apply --until 8h     add it, for today",
    "brokerctl lambda trust orders-api --via dev --undo                 remove it",
  ],
  async run({ options, positionals: [name = ""] }, context) {
    const wanted = wantedTrust(options);
    const request = await askedFunction({ ...options, name, command: `brokerctl lambda trust ${name}` }, context);
    const { via } = request;
    const yes = await confirmRole({ role: via, target: { by: "new" }, reason: options.reason }, context);
    const trust = await withLogin(context, via ?? undefined, () =>
      context.client.call("lambda-trust", { ...request, ...wanted, ...yes }),
    );
    sayVia(name, trust, context);
    const again = againOf(name, options);
    tellTrust(trust, { options, again }, context);
  },
});

const NAMING = ["via", "stage", "region", "template", "stack"] as const;

/** This command without its action. */
function againOf(name: string, options: Pick<OptionValues<typeof OPTIONS>, (typeof NAMING)[number]>): string {
  const flags = NAMING.flatMap((flag) =>
    options[flag] === undefined ? [] : [`--${flag} ${shellQuote(options[flag])}`],
  );
  return ["brokerctl lambda trust", name, ...flags].join(" ");
}
