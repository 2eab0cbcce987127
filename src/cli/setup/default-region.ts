import { readAwsIni } from "../../core/aws-ini.js";
import { readAwsFilesIfThere } from "../aws-files/read-aws-files.js";
import type { CliContext } from "../context.js";
import type { Portal } from "./portal.js";

/** Where nothing says another one: AWS's own first. */
const FIRST = "us-east-1";

/**
 * `AWS_REGION` of roles that name none, without which the AWS CLI asks nothing at all: what this shell has, `[default]` of
 * `~/.aws/config`, the portal's, or the user's word. Told, since it decides where programs work.
 */
export async function defaultRegion(portal: Portal | undefined, yes: boolean, context: CliContext): Promise<string> {
  const { env, interactive, output, prompts } = context;
  const ofPortal = portal && "region" in portal ? portal.region : undefined;
  const found = [env["AWS_REGION"], env["AWS_DEFAULT_REGION"], await ofDefaultProfile(context), ofPortal].find(Boolean);
  const asked = found ?? (interactive && !yes ? await prompts.line(`Region of programs (Enter: ${FIRST})`) : "");
  const region = asked === "" ? FIRST : asked;
  output.say(`roles that name no region get ${region} (defaults.region)`);
  return region;
}

async function ofDefaultProfile(context: CliContext): Promise<string | undefined> {
  const { config } = await readAwsFilesIfThere(context);
  const own = readAwsIni(config?.text ?? "").sections.find(
    ({ name }) => name === "default" || name === "profile default",
  );
  return own?.settings.find(({ name }) => name === "region")?.value;
}
