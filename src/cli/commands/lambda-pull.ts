import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import { absolutePath } from "../arguments/argument-values.js";
import { defineCommand, JSON_OPTION, type OptionSpecs } from "../command.js";
import type { CliContext } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { confirmRole } from "../guard/confirm-role.js";
import { FUNCTION_OPTIONS, FUNCTION_POSITIONAL, sayVia, VIA_OPTION } from "../lambda/lambda-options.js";
import { layerName } from "../lambda/layers.js";
import { askedFunction } from "../lambda/named-function.js";
import { type PulledCode, prepareDirectory, pullCode } from "../lambda/pull-code.js";
import { untilInterrupted } from "../lambda/run-locally.js";
import { withLogin } from "../login/login.js";

const OPTIONS = {
  to: { type: "string", value: "DIR", help: "where code/ and layers/ are made; needed" },
  ...FUNCTION_OPTIONS,
  force: { type: "boolean", help: "DIR may hold something: its code/ and layers/ are replaced" },
  via: {
    ...VIA_OPTION,
    help: "the role that reads the function; default lambda.via of the config, else the current role",
  },
  json: JSON_OPTION,
} as const satisfies OptionSpecs;

export const lambdaPullCommand = defineCommand({
  name: "lambda pull",
  summary: "Fetch a deployed function's code and layers into a directory",
  details: `DIR/code is the code as deployed, DIR/layers what its layers make of /opt. Archives are checked against CodeSha256 and
unpacked so that nothing gets out of DIR. The role needs lambda:GetFunction, and lambda:GetLayerVersion for layers.`,
  positionals: [FUNCTION_POSITIONAL],
  options: OPTIONS,
  examples: [
    "brokerctl lambda pull orders-api --to ./deployed",
    "brokerctl lambda invoke orders-api --task-root ./deployed/code --layers ./deployed/layers",
    "brokerctl lambda invoke orders-api --layers ./deployed/layers          the code that is here, with its layers",
  ],
  exitCodes: ["1 also where a layer could not be fetched; the rest is there"],
  async run({ options, positionals: [name = ""] }, context) {
    const { to, force, reason } = options;
    if (to === undefined) {
      throw new BrokerError("UsageInvalid", "lambda pull needs the directory that is to hold the code", {
        hint: `brokerctl lambda pull ${name} --to DIR`,
      });
    }
    const request = await askedFunction({ ...options, name, command: `brokerctl lambda pull ${name}` }, context);
    const { via } = request;
    const directory = absolutePath(to, context);
    await prepareDirectory(directory, force);
    const yes = await confirmRole({ role: via, target: { by: "new" }, reason }, context);
    const found = await withLogin(context, via ?? undefined, () =>
      context.client.call("lambda-code", { ...request, ...yes }),
    );
    sayVia(name, found, context);
    for (const { arn, problem } of found.layers) {
      if (problem !== undefined) context.output.warn(`layer ${layerName(arn)} is not fetched: ${problem}`);
    }
    return untilInterrupted(async (signal) => {
      const pulled = await pullCode({ found, directory, signal }, context);
      tell({ name, version: found.version, pulled }, context);
      return pulled.missing.length === 0 ? EXIT.done : EXIT.failed;
    });
  },
});

interface Told {
  readonly name: string;
  readonly version: string;
  readonly pulled: PulledCode;
}

function tell({ name, version, pulled: { code, layers, missing } }: Told, { output }: CliContext): void {
  if (output.json) {
    output.printJson({ function: name, version, code, layers: layers ?? null, missing_layers: missing });
    return;
  }
  output.print(code);
  if (layers !== undefined) output.print(layers);
  const flags = [
    `--task-root ${shellQuote(code)}`,
    ...(layers === undefined ? [] : [`--layers ${shellQuote(layers)}`]),
  ];
  output.hint(`brokerctl lambda invoke ${name} ${flags.join(" ")}`);
}
