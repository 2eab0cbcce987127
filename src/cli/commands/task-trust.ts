import { defineCommand, type OptionSpecs } from "../command.js";
import { confirmRole } from "../guard/confirm-role.js";
import { REGION_OPTION, regionOf, sayVia } from "../lambda/lambda-options.js";
import { TRUST_DETAILS, TRUST_OPTIONS, tellTrust, wantedTrust } from "../lambda/tell-trust.js";
import { withLogin } from "../login/login.js";
import { TASK_POSITIONAL, TASK_VIA_OPTION } from "../task/task-options.js";

const OPTIONS = {
  via: {
    ...TASK_VIA_OPTION,
    help: "the role that is to be let in; default lambda.via of the config, else the current role",
  },
  region: REGION_OPTION,
  ...TRUST_OPTIONS,
} as const satisfies OptionSpecs;

export const taskTrustCommand = defineCommand({
  name: "task trust",
  summary: "Print what a task's role must say so that you may assume it; add or remove it",
  details: TRUST_DETAILS,
  positionals: [TASK_POSITIONAL],
  options: OPTIONS,
  examples: [
    "brokerctl task trust orders --via dev                        print the statement",
    "brokerctl task trust orders --via dev --apply --until 8h     add it, for today",
    "brokerctl task trust orders --via dev --undo                 remove it",
  ],
  async run({ options, positionals: [name = ""] }, context) {
    const { via = null, reason } = options;
    const region = regionOf(options.region);
    const wanted = wantedTrust(options);
    const yes = await confirmRole({ role: via, target: { by: "new" }, reason }, context);
    const trust = await withLogin(context, via ?? undefined, () =>
      context.client.call("task-trust", { task: name, via, ...wanted, ...region, ...yes }),
    );
    sayVia(name, trust, context);
    const flags = Object.entries({ via: options.via, ...region }).filter(([, value]) => value !== undefined);
    const again = ["brokerctl task trust", name, ...flags.map(([flag, value]) => `--${flag} ${value}`)].join(" ");
    tellTrust(trust, { options, again }, context);
  },
});
