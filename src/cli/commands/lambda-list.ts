import type { ControlResponse } from "../../control-api/contract.js";
import { defineCommand, JSON_OPTION, type OptionSpecs } from "../command.js";
import { confirmRole, REASON_OPTION } from "../guard/confirm-role.js";
import { REGION_OPTION, regionOf, STACK_OPTION, STAGE_FOR_VIA, sayVia, VIA_OPTION } from "../lambda/lambda-options.js";
import { askedVia } from "../lambda/named-function.js";
import { withLogin } from "../login/login.js";
import type { Screen } from "../terminal/screen.js";
import { table } from "../terminal/table.js";
import { isoInstant, when } from "../terminal/when.js";

const OPTIONS = {
  stack: { ...STACK_OPTION, help: "only what this CloudFormation stack has, with its logical ids" },
  via: { ...VIA_OPTION, help: "the role that lists them; default lambda.via of the config, else the current role" },
  stage: STAGE_FOR_VIA,
  region: { ...REGION_OPTION, help: "default the region of --via" },
  reason: REASON_OPTION,
  json: JSON_OPTION,
} as const satisfies OptionSpecs;

export const lambdaListCommand = defineCommand({
  name: "lambda list",
  summary: "List the deployed functions of an account and region, or of a CloudFormation stack",
  details: `Their variables are not shown. It takes lambda:ListFunctions, and with --stack cloudformation:ListStackResources.`,
  options: OPTIONS,
  examples: [
    "brokerctl lambda list --via dev",
    "brokerctl lambda list --stack orders --region eu-central-1",
    "brokerctl lambda list --json | jq -r '.functions[] | select(.runtime == \"nodejs18.x\").name'",
  ],
  async run({ options }, context) {
    const { stack, reason } = options;
    const { client, output, clock } = context;
    const region = regionOf(options.region);
    const via = await askedVia({ ...options, command: "brokerctl lambda list" }, context);
    const yes = await confirmRole({ role: via, target: { by: "new" }, reason }, context);
    const list = await withLogin(context, via ?? undefined, () =>
      client.call("lambda-list", { via, ...region, ...(stack !== undefined && { stack }), ...yes }),
    );
    sayVia(`functions in ${list.region}`, list, context);
    if (output.json) output.printJson(listJson(list));
    else if (list.functions.length > 0) output.print(listTable(list, clock.now(), output.screen));
    else output.say(`there are no functions in ${stack === undefined ? list.region : `stack ${stack}`}`);
  },
});

type List = ControlResponse<"lambda-list">;
type Listed = List["functions"][number];

function listTable({ functions }: List, now: number, screen: Screen): string {
  const inStack = functions.some(({ logicalId }) => logicalId !== undefined);
  const row = ({
    functionName,
    logicalId = "-",
    runtime,
    isImage,
    handler,
    roleArn,
    lastModified,
  }: Listed): string[] => [
    ...(inStack ? [logicalId] : []),
    ...[
      functionName,
      isImage ? "(image)" : (runtime ?? "-"),
      handler ?? "-",
      roleName(roleArn),
      when(lastModified, now),
    ],
  ];
  const headings = [...(inStack ? ["logical id"] : []), "name", "runtime", "handler", "role", "modified"];
  return table(headings, functions.map(row), screen);
}

/** Without path and account, which all or nearly all have in common. */
function roleName(roleArn: string): string {
  return roleArn.split("/").at(-1) ?? roleArn;
}

function listJson({ via, region, functions }: List): unknown {
  return {
    ...{ via, region },
    functions: functions.map((listed) => ({
      name: listed.functionName,
      arn: listed.functionArn,
      ...(listed.logicalId !== undefined && { logical_id: listed.logicalId }),
      runtime: listed.runtime,
      handler: listed.handler,
      is_image: listed.isImage,
      role_arn: listed.roleArn,
      memory_size: listed.memorySize,
      timeout: listed.timeout,
      last_modified: isoInstant(listed.lastModified),
    })),
  };
}
