import { BrokerError } from "../../../core/errors.js";
import { readInput } from "../../arguments/read-input.js";
import type { CliContext } from "../../context.js";
import { EXIT } from "../../exit-codes.js";
import { table } from "../../terminal/table.js";
import { readDeployed, type WantedFunction } from "../deployed-function.js";
import { regionOf } from "../lambda-options.js";
import { type AskedFunction, askedFunction, askedVia } from "../named-function.js";
import { type Around, functionDeployedAs, functionInTemplate } from "../template/function-in-template.js";
import { MAX_TEMPLATE_BYTES, parseTemplate, type Template } from "../template/read-template.js";
import type { TemplateFunction } from "../template/template-functions.js";
import { templateVariables } from "../template/template-variables.js";
import { compareVariables, type FileVariables, isDifferent, type VariablesDiff } from "./compare-variables.js";
import { parseEnvFile } from "./env-file.js";

export interface ComparedFunction extends WantedFunction {
  /** The file that its variables are compared with. */
  readonly diff: string;
}

/** Prints in what the deployed variables are others than those of the file: names, and no value. Exit code 1 where they are. */
export async function printDiff(named: ComparedFunction, context: CliContext): Promise<number> {
  const file = await readCompared(named.diff, context);
  const { request, variables } =
    "template" in file
      ? await inTemplate(file.template, named, context)
      : {
          request: await askedFunction(withCommand(named), context),
          variables: file.variables,
        };
  const { functionName, functionArn, variables: deployed } = (await readDeployed(request, named, context)).context;
  const diff = compareVariables(deployed, variables);
  tell({ diff, functionName, functionArn, file: file.name }, context);
  return isDifferent(diff) ? EXIT.failed : EXIT.done;
}

type Compared = { readonly name: string } & ({ readonly template: Template } | { readonly variables: FileVariables });

const TEMPLATE_NAME = /\.(?:ya?ml|json|template|[cm]?[jt]s)$/i;
/** Where the name does not tell, as with a pipe. No line of a `.env` file is such a one. */
const TEMPLATE_TEXT = /^\s*\{|^(?:AWSTemplateFormatVersion|Transform|Resources|service)[ \t]*:/m;

async function readCompared(path: string, context: CliContext): Promise<Compared> {
  const stdinHint = "brokerctl lambda env FUNCTION --diff - < .env";
  const { bytes, name } = await readInput(path, { maxBytes: MAX_TEMPLATE_BYTES, stdinHint }, context);
  // So ends `<(command)` where the command fails: to be told from a file without variables.
  if (bytes.length === 0) throw refused(name, "is empty");
  const text = textOf(bytes);
  if (text === undefined) throw refused(name, "is no text in UTF-8");
  return TEMPLATE_NAME.test(path) || TEMPLATE_TEXT.test(text)
    ? { name, template: await parseTemplate(text, { flag: "--diff", path, name }) }
    : { name, variables: parseEnvFile(text, name) };
}

/** Without its byte order mark. */
function textOf(bytes: Buffer): string | undefined {
  try {
    return bytes.includes(0) ? undefined : new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function refused(file: string, why: string): BrokerError {
  return new BrokerError("UsageInvalid", `--diff ${file} ${why}`, {
    hint: "a .env file, a serverless.yml, or a template of SAM, CloudFormation or CDK",
  });
}

interface InTemplate {
  readonly request: AskedFunction;
  readonly variables: FileVariables;
}

/** The template that is compared names the function, too, unless `--template` does. */
async function inTemplate(template: Template, named: ComparedFunction, context: CliContext): Promise<InTemplate> {
  const { name, stage, stack } = named;
  const around: Around = { stage, stack, ...{ region: undefined, ...regionOf(named.region) }, env: context.env };
  if (named.template !== undefined) {
    const request = await askedFunction(withCommand(named), context);
    const one = functionDeployedAs(template, { text: idOf(name), deployed: nameOf(request.function) }, around);
    return { request, variables: templateVariables(template, one, around) };
  }
  const one = functionDeployedAs(template, { text: idOf(name), deployed: nameOf(name) }, around);
  const via = await askedVia({ ...withCommand(named), template: template.file }, context);
  return {
    request: { ...asked(template, one, { name, around }), via },
    variables: templateVariables(template, one, around),
  };
}

interface Wanted {
  readonly name: string;
  readonly around: Around;
}

/** An ARN says more than the template. */
function asked(template: Template, { id }: TemplateFunction, { name, around }: Wanted): Omit<AskedFunction, "via"> {
  if (!name.includes(ARN_PART)) {
    return functionInTemplate(template, { ...around, name: [id, ...name.split(":").slice(1)].join(":") });
  }
  const { region, stack } = around;
  return { function: name, ...(region !== undefined && { region }), ...(stack !== undefined && { stack }) };
}

const ARN_PART = ":function:";

function idOf(name: string): string {
  return name.split(":")[0] ?? name;
}

/** Without its version or alias, and without what stands before it in an ARN. */
function nameOf(text: string): string {
  return idOf(text.split(ARN_PART).at(-1) ?? text);
}

function withCommand<Named extends ComparedFunction>(named: Named): Named {
  return { ...named, command: `${named.command} ${named.name}` };
}

interface Told {
  readonly diff: VariablesDiff;
  readonly functionName: string;
  readonly functionArn: string;
  readonly file: string;
}

function tell({ diff, functionName, functionArn, file }: Told, { output }: CliContext): void {
  const { onlyDeployed, onlyInFile, differs, notCompared, same, leftAside } = diff;
  if (output.json) {
    output.printJson({
      ...{ function: functionName, function_arn: functionArn, file },
      ...{ only_deployed: onlyDeployed, only_in_file: onlyInFile, differs, not_compared: notCompared },
      ...{ same: same.length, left_aside: leftAside },
    });
    return;
  }
  const rows = [
    ...onlyDeployed.map((name) => [name, "only deployed"]),
    ...onlyInFile.map((name) => [name, `only in ${file}`]),
    ...differs.map((name) => [name, "differs"]),
    ...notCompared.map(({ name, reason }) => [name, `not compared: ${reason}`]),
  ];
  if (rows.length > 0) output.print(table(["variable", "difference"], rows, output.screen));
  if (leftAside.length > 0) output.say(`left aside, as Lambda sets them itself: ${leftAside.join(" ")}`);
  output.say(`${functionName} and ${file}: ${counted(diff)}`);
}

function counted({ onlyDeployed, onlyInFile, differs, notCompared, same }: VariablesDiff): string {
  const counts = [
    [same.length, same.length === 1 ? "variable is the same" : "variables are the same"],
    [onlyDeployed.length, "only deployed"],
    [onlyInFile.length, "only in the file"],
    [differs.length, differs.length === 1 ? "differs" : "differ"],
    [notCompared.length, "not compared"],
  ] as const;
  return counts.flatMap(([count, what], at) => (count > 0 || at === 0 ? [`${count} ${what}`] : [])).join(", ");
}
