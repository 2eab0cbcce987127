import { type IniSection, nameInHeading, readAwsIni } from "../../core/aws-ini.js";
import { BrokerError } from "../../core/errors.js";
import { readAwsFilesIfThere } from "../aws-files/read-aws-files.js";
import type { CliContext } from "../context.js";
import { cannotAsk } from "../terminal/prompts.js";

/** Where a person logs in: the profiles that say it, or the portal itself. */
export type Portal =
  | { readonly profiles: readonly string[] }
  | { readonly name: string; readonly startUrl: string; readonly region: string };

interface PortalFlags {
  readonly startUrl: string | undefined;
  readonly ssoRegion: string | undefined;
}

/** The one that flags name, else those of `~/.aws/config`, else one that is asked for. Nothing is written. */
export async function findPortal({ startUrl, ssoRegion }: PortalFlags, context: CliContext): Promise<Portal> {
  const found = startUrl === undefined ? await portalsOfAws(context) : NO_PORTALS;
  if (found.profiles.length > 0) return { profiles: found.profiles };
  const url = startUrl ?? found.startUrl ?? (await asked(START_URL, "--sso-start-url", context));
  const region = ssoRegion ?? found.region ?? (await asked("Its region, e.g. eu-west-1", "--sso-region", context));
  return { name: /^https?:\/\/([a-z0-9-]+)/i.exec(url)?.[1] ?? "sso", startUrl: url, region };
}

const START_URL = "Start URL of Identity Center (https://….awsapps.com/start)";

interface PortalsOfAws {
  /** Those that name a permission set. */
  readonly profiles: readonly string[];
  /** Of the first `[sso-session]`. */
  readonly startUrl?: string | undefined;
  readonly region?: string | undefined;
}

const NO_PORTALS: PortalsOfAws = { profiles: [] };

/** Keys that lie beside them are not what was asked for. */
async function portalsOfAws(context: CliContext): Promise<PortalsOfAws> {
  const { config } = await readAwsFilesIfThere(context);
  const { sections } = readAwsIni(config?.text ?? "");
  const has = (section: IniSection, name: string): boolean => section.settings.some((setting) => setting.name === name);
  const profiles = sections.filter((section) =>
    ["sso_account_id", "granted_sso_account_id"].some((name) => has(section, name)),
  );
  const session = sections.find(({ name }) => nameInHeading(name, "sso-session") !== undefined);
  const valueOf = (name: string): string | undefined =>
    session?.settings.find((setting) => setting.name === name)?.value;
  return {
    profiles: profiles
      .map(({ name }) => (name === "default" ? name : nameInHeading(name, "profile")))
      .filter((name) => name !== undefined),
    ...{ startUrl: valueOf("sso_start_url"), region: valueOf("sso_region") },
  };
}

async function asked(question: string, flag: string, context: CliContext): Promise<string> {
  if (!context.interactive) throw cannotAsk(question, `brokerctl setup --from sso ${flag} VALUE`);
  const answer = await context.prompts.line(question);
  if (answer !== "") return answer;
  throw new BrokerError("UsageInvalid", `${flag} is needed`, { hint: `brokerctl setup --from sso ${flag} VALUE` });
}
