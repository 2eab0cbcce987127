import type { ControlRequest, ControlResponse } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import { withShellLease } from "../access/find-lease.js";
import { roleOfStage, STAGE_OPTION } from "../access/project.js";
import { parseDuration } from "../arguments/argument-values.js";
import type { ConsoleOpener } from "../browser/console-opener.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import type { CliContext } from "../context.js";
import { confirmRole, REASON_OPTION } from "../guard/confirm-role.js";
import { withLogin } from "../login/login.js";
import { isoInstant, until } from "../terminal/when.js";

type Console = ControlResponse<"console">;
type Wanted = Omit<Extract<ControlRequest<"console">, { readonly role: string }>, "role">;

export const consoleCommand = defineCommand({
  name: "console",
  summary: "Open the AWS console in a browser, as a role",
  details: `Without ROLE: the role that this shell's lease has, else the default one. A role of Identity Center is opened by a page of its
portal, without any credentials, in a browser that is signed in there; every other role, a guarded one, and all with --federate or --container, by a
URL that signs in. That URL goes into no command line, log or record; --print prints it: for 15 minutes it is worth the role.
AWS takes --for where a key, a web identity or Identity Center gives the role directly; elsewhere the session ends with the role's credentials.`,
  positionals: [{ name: "ROLE", help: "a role of the config, or SOURCE:ACCOUNT/ROLE" }],
  options: {
    service: { type: "string", value: "NAME", help: "the page of this service: s3, ec2, cloudformation, …" },
    region: { type: "string", value: "REGION", help: "default: the role's" },
    stage: STAGE_OPTION,
    print: { type: "boolean", help: "print the URL, open nothing" },
    "browser-profile": {
      type: "string",
      value: "NAME",
      help: "in this profile of Chrome, Chromium, Edge, Brave, Vivaldi or Firefox; edge:Work where two have the name",
    },
    container: { type: "boolean", help: "in a container of Firefox, one for each role, in its account's colour" },
    federate: { type: "boolean", help: "sign in by the URL, also for a role of Identity Center" },
    for: { type: "string", value: "DURATION", help: "how long the console session lasts, 15m to 12h" },
    reason: REASON_OPTION,
    json: { ...JSON_OPTION, help: "print the URL, and whose console it opens, as JSON" },
  },
  examples: [
    "brokerctl console",
    "brokerctl console dev --service s3",
    "brokerctl console prod-role --service cloudformation --region us-east-1 --for 30m",
    "brokerctl console dev --browser-profile Work",
    "brokerctl console dev --container",
    "brokerctl console dev --print",
  ],
  async run({ options, positionals }, context) {
    const { output } = context;
    const isPrinted = options.print || options.json;
    refuseTogether(options);
    // Before a person is asked for anything: whether there is a browser to show it.
    const opener = isPrinted ? undefined : await openerFor(options, context);
    const role = await roleOf({ typed: positionals[0], stage: options.stage }, context);
    const found = await ask({ role, options, isFederated: options.federate || options.container }, context);
    if (output.json) output.printJson(consoleJson(found));
    else if (!opener) print(found, context);
    else await opener.open(found);
  },
});

interface Options {
  readonly print: boolean;
  readonly json: boolean;
  readonly container: boolean;
  readonly "browser-profile": string | undefined;
}

function refuseTogether(options: Options): void {
  const places = [
    ...(options.print || options.json ? ["--print"] : []),
    ...(options.container ? ["--container"] : []),
    ...(options["browser-profile"] === undefined ? [] : ["--browser-profile"]),
  ];
  if (places.length < 2) return;
  throw new BrokerError("UsageInvalid", `${places.join(" and ")} exclude each other`, {
    hint: "brokerctl console ROLE --print",
  });
}

async function openerFor(options: Options, context: CliContext): Promise<ConsoleOpener> {
  const { consoleOpener } = await import("../browser/console-opener.js");
  return consoleOpener({ profile: options["browser-profile"], container: options.container }, context);
}

async function roleOf(
  { typed, stage }: { readonly typed: string | undefined; readonly stage: string | undefined },
  context: CliContext,
): Promise<string | undefined> {
  return stage === undefined ? typed : roleOfStage({ stage, role: typed, command: "brokerctl console" }, context);
}

interface Asking {
  readonly role: string | undefined;
  readonly isFederated: boolean;
  readonly options: {
    readonly service: string | undefined;
    readonly region: string | undefined;
    readonly for: string | undefined;
    readonly reason: string | undefined;
  };
}

async function ask({ role, isFederated, options }: Asking, context: CliContext): Promise<Console> {
  const { client } = context;
  const { service, region, reason } = options;
  const forSeconds = options.for === undefined ? undefined : parseDuration(options.for, "--for");
  const wanted: Wanted = {
    ...(service !== undefined && { service: service.toLowerCase() }),
    ...(region !== undefined && { region }),
    ...(forSeconds !== undefined && { forSeconds }),
    ...(isFederated && { federate: true }),
  };
  if (role !== undefined) {
    const yes = await confirmRole({ role, target: { by: "new" }, forSeconds, reason }, context);
    return withLogin(context, role, () => client.call("console", { role, ...wanted, ...yes }));
  }
  return withLogin(context, undefined, () =>
    withShellLease(context, (lease) => client.call("console", { lease, ...wanted })),
  );
}

function print({ way, url, role, until: end }: Console, { output, clock }: CliContext): void {
  output.print(url);
  if (way !== "federated") return;
  output.say(`who opens it within 15 minutes is ${role} until ${until(end, clock.now())}`);
}

function consoleJson(found: Console): Readonly<Record<string, unknown>> {
  return {
    url: found.url,
    way: found.way.replaceAll("-", "_"),
    role: found.role,
    account_id: found.accountId,
    region: found.region,
    until: isoInstant(found.until),
  };
}
