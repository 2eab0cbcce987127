import { existsSync } from "node:fs";
import type { ControlResponse } from "../../control-api/contract.js";
import { defineCommand, type OptionSpecs, type OptionValues } from "../command.js";
import { INIT_OPTIONS, initialize } from "../config/initialize.js";
import type { CliContext } from "../context.js";
import { withLogin } from "../login/login.js";
import { defaultRegion } from "../setup/default-region.js";
import { firstRole } from "../setup/first-role.js";
import { likeliest, STARTING_POINTS, type StartingPoint, startingPointChoices } from "../setup/starting-points.js";
import { settle, takeUp } from "../setup/take-up.js";
import { fields } from "../terminal/table.js";

const OPTIONS = {
  from: { type: "string", choices: STARTING_POINTS, help: "what you have; default: what is found here" },
  profile: {
    type: "string",
    repeat: true,
    value: "NAME",
    help: "keys, aws-login: a profile of ~/.aws; default default",
  },
  replace: {
    type: "boolean",
    help: "keys: have the profile ask brokerctl in place of its key; a copy of the file stays",
  },
  "sso-start-url": {
    type: "string",
    value: "URL",
    help: "sso: https://….awsapps.com/start; default: those of ~/.aws/config",
  },
  "sso-region": { type: "string", value: "REGION", help: "sso: where Identity Center is" },
  role: { type: "string", value: "ROLE", help: "the role to begin with; default: the first" },
  function: { type: "string", value: "FUNCTION", help: "a deployed Lambda function to look at with that role" },
  ...INIT_OPTIONS,
  yes: { type: "boolean", help: "ask nothing, take the defaults" },
} as const satisfies OptionSpecs;

export const setupCommand = defineCommand({
  name: "setup",
  summary: "A first run, guided: from what you have to a role that AWS has confirmed",
  details: `Makes config and secret store (\`init\`), takes up what you have (\`import\`, \`source add\`, \`keys add\`), logs in, chooses a role
for the default lease, and asks AWS who it is. Nothing is read before you have said what; what is to be written is shown first. Ctrl-C
leaves what is finished; run it again and it goes on.
\`brokerctl setup deploy-role\` makes a role of AWS for deploying.`,
  options: OPTIONS,
  examples: [
    "brokerctl setup",
    "brokerctl setup --from keys --replace",
    "brokerctl setup --from sso --sso-start-url https://corp.awsapps.com/start --sso-region eu-west-1",
    "brokerctl setup --from aws-vault --role prod --yes",
    "brokerctl setup --function orders-api          a Lambda developer's",
  ],
  async run({ options }, context) {
    const { output } = context;
    const choices = {
      ...{
        profiles: options.profile.length > 0 ? options.profile : ["default"],
        replace: options.replace,
        yes: options.yes,
      },
      ...{ startUrl: options["sso-start-url"], ssoRegion: options["sso-region"] },
    };
    const start = await settle(await startingPoint(options, context), choices, context);
    if (!(await isInitialized(context))) {
      const isNew = !existsSync(context.paths().configFile);
      const region = options.region ?? (isNew ? await defaultRegion(start.portal, options.yes, context) : undefined);
      await initialize({ ...options, region }, context);
    }
    await takeUp(start, choices, context);
    const role = await firstRole({ named: options.role, yes: options.yes }, context);
    const identity = await withLogin(context, role, () => context.client.call("whoami", { role }));
    await moveDefault(role, context);
    output.print(
      fields([`role     ${role}`, `account  ${identity.account}`, `arn      ${identity.arn}`], output.screen),
    );
    output.say("AWS has confirmed it (sts get-caller-identity).");
    if (options.function !== undefined) await lookAtFunction(options.function, role, context);
    tellNext(options.function, role, context);
  },
});

type Options = OptionValues<typeof OPTIONS>;

/** Asked first: after it nothing has happened yet. */
async function startingPoint({ from, yes, ...options }: Options, context: CliContext): Promise<StartingPoint> {
  if (from !== undefined) return from;
  if (options["sso-start-url"] !== undefined) return "sso";
  if (yes || !context.interactive) return likeliest(context);
  const picked = await context.prompts.pick("What do you have?", startingPointChoices(context));
  return STARTING_POINTS.find((point) => point === picked) ?? likeliest(context);
}

async function isInitialized(context: CliContext): Promise<boolean> {
  if (!existsSync(context.paths().configFile)) return false;
  const { daemon } = await context.client.call("status", {});
  return daemon.problem === null;
}

/** One that was chosen before stays: shells follow it. */
async function moveDefault(role: string, context: CliContext): Promise<void> {
  const { client, output } = context;
  const { defaultRole } = await client.call("status", {});
  if (defaultRole === role) return;
  if (defaultRole !== null) {
    output.hint(`brokerctl use ${role}, in place of ${defaultRole}`);
    return;
  }
  await client.call("use", { lease: { by: "default" }, role });
}

async function lookAtFunction(name: string, role: string, context: CliContext): Promise<void> {
  const trust: ControlResponse<"lambda-trust"> = await context.client.call("lambda-trust", {
    ...{ function: name, via: role, action: "show" },
  });
  context.output.say(
    trust.isPresent
      ? `${name} runs as ${trust.roleArn}, and its trust policy lets you in.`
      : `${name} runs as ${trust.roleArn}, whose trust policy does not have the statement that lets you in.`,
  );
  if (!trust.isPresent) context.output.hint(`brokerctl lambda trust ${name} --via ${role}, which prints it`);
}

function tellNext(functionName: string | undefined, role: string, { output }: CliContext): void {
  output.say(`Next:
  eval "$(brokerctl env)" && aws sts get-caller-identity      this shell asks the broker
  brokerctl hook bash --install-line >> ~/.bashrc             every new one, each with a lease of its own
  brokerctl doctor                                            what programs of this shell take, and why`);
  if (functionName !== undefined) output.say(`  brokerctl lambda exec ${functionName} --via ${role} -- npm start`);
}
