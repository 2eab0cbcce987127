import { existsSync } from "node:fs";
import { BrokerError } from "../../core/errors.js";
import { usualAwsFiles } from "../aws-files/read-aws-files.js";
import { addEntry } from "../config/config-entry.js";
import type { CliContext } from "../context.js";
import { logInAtTerminal, loginChoices } from "../login/login.js";
import { cannotAsk, type Prompts } from "../terminal/prompts.js";
import { findPortal, type Portal } from "./portal.js";
import type { StartingPoint } from "./starting-points.js";

/** What the flags say beforehand. */
export interface SetupChoices {
  /** Of ~/.aws, for keys and aws login. */
  readonly profiles: readonly string[];
  readonly replace: boolean;
  readonly startUrl: string | undefined;
  readonly ssoRegion: string | undefined;
  readonly yes: boolean;
}

/** A starting point, and what had to be asked for it. */
export interface Start {
  readonly point: StartingPoint;
  /** For `sso`. */
  readonly portal?: Portal;
}

/** Asks what is missing, or names the flag for it: before anything is written. */
export async function settle(point: StartingPoint, choices: SetupChoices, context: CliContext): Promise<Start> {
  if (point === "sso") return { point, portal: await findPortal(choices, context) };
  if (point === "keys" && !hasAwsFiles(context) && !context.interactive) {
    throw cannotAsk("an access key", "brokerctl init, then brokerctl keys add me --csv FILE --role me");
  }
  return { point };
}

/** Brings what the person has into the config and the secret store, by the commands that they can run themselves; then logs in. */
export async function takeUp({ point, portal }: Start, choices: SetupChoices, context: CliContext): Promise<void> {
  if (portal) await takeUpPortal(portal, choices, context);
  else if (point === "keys") await takeUpKeys(choices, context);
  else if (point === "aws-login") await runImport({ profiles: choices.profiles }, choices, context);
  else if (point !== "sso") await runImport({ from: point }, choices, context);
  await logInWhereNeeded(point, context);
}

async function takeUpKeys(choices: SetupChoices, context: CliContext): Promise<void> {
  if (hasAwsFiles(context)) {
    await runImport({ profiles: choices.profiles, replace: choices.replace }, choices, context);
    return;
  }
  const { keysAddCommand } = await import("../commands/keys-add.js");
  const options = { "access-key-id": undefined, "secret-stdin": false, csv: undefined, replace: false };
  const role = { role: "me", "role-arn": undefined, json: false };
  await keysAddCommand.run({ options: { ...options, ...role }, positionals: ["me"], rest: [] }, context);
}

async function takeUpPortal(portal: Portal, choices: SetupChoices, context: CliContext): Promise<void> {
  if ("profiles" in portal) {
    await runImport({ profiles: portal.profiles }, choices, context);
    return;
  }
  const { name, startUrl, region } = portal;
  const { sources } = await context.client.call("status", {});
  if (sources.some((source) => source.name === name)) return;
  const fields = { type: "sso", sso_start_url: startUrl, sso_region: region };
  for (const line of await addEntry({ kind: "source", name, fields }, context)) context.output.say(line);
}

interface Wanted {
  readonly profiles?: readonly string[];
  readonly from?: Exclude<StartingPoint, "keys" | "sso" | "aws-login">;
  readonly replace?: boolean;
}

/** It shows what it would do, and asks. */
async function runImport(
  { profiles = [], from, replace = false }: Wanted,
  { yes }: Pick<SetupChoices, "yes">,
  context: CliContext,
): Promise<void> {
  const { importCommand } = await import("../commands/import.js");
  const options = { "dry-run": false, "remove-keys": false, json: false, from, replace, yes };
  const outcome = await importCommand.run({ options, positionals: profiles, rest: [] }, goingOn(context));
  if (outcome === 0 || outcome === undefined) return;
  const why = `${profiles.length === 0 ? "not all" : profiles.join(", ")} could not be taken: see above`;
  throw new BrokerError("UsageInvalid", why, { hint: "brokerctl setup --profile NAME, or another --from" });
}

/** Who is guided has said what they want: Enter at what was shown goes on. */
function goingOn(context: CliContext): CliContext {
  const { prompts } = context;
  const confirm: Prompts["confirm"] = (question, fallback) =>
    prompts.confirm(question, fallback || question.startsWith("Import: "));
  return { ...context, prompts: { ...prompts, confirm } };
}

function hasAwsFiles(context: CliContext): boolean {
  const { config, credentials } = usualAwsFiles(context);
  return [config, credentials].some((path) => existsSync(path));
}

/** Before a role is chosen: only a login can say which there are. */
async function logInWhereNeeded(point: StartingPoint, context: CliContext): Promise<void> {
  const needing = (await loginChoices(context)).filter(
    ({ needs, type }) => needs !== null && (point !== "sso" || type === "sso"),
  );
  // A code is for the user to type; a browser opens also where there is no terminal to ask at.
  const able = needing.filter(({ needs, mfaProcess }) => needs !== "mfa_code" || mfaProcess || context.interactive);
  for (const choice of able) await logInAtTerminal(context, choice);
}
