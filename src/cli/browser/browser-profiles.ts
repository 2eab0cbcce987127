import { join } from "node:path";
import { readAwsIni } from "../../core/aws-ini.js";
import { BrokerError } from "../../core/errors.js";
import { readSmallFile } from "../../files/read-small-file.js";
import { type BrowserKind, CHROMIUMS, commandOf, FIREFOX, type Machine, profileDirectoriesOf } from "./browsers.js";
import type { BrowserCommand } from "./open-url.js";

/** A person or window of a browser, with cookies and logins of its own. */
export interface BrowserProfile {
  readonly kind: BrowserKind;
  /** As the browser shows it. */
  readonly name: string;
  /** Chromium's name of its directory; Firefox's whole path. */
  readonly directory: string;
  /** The one that Firefox starts with. */
  readonly isDefault: boolean;
}

/** `Local State` holds much else; some hundred KB are usual. */
const MAX_BYTES = 32 * 1024 * 1024;

/** The command that opens a URL in the profile that the user names: `Work`, `Profile 1`, `edge:Work`. */
export async function profileCommand(wanted: string, machine: Machine): Promise<BrowserCommand> {
  const profiles = [...(await chromiumProfiles(machine)), ...(await firefoxProfiles(machine))];
  const { kind, name, directory } = theOneCalled(wanted, profiles);
  const args = kind === FIREFOX ? ["-P", name] : [`--profile-directory=${directory}`];
  const command = commandOf(kind, args, machine);
  if (command) return command;
  throw new BrokerError("UsageInvalid", `profile ${name} is one of ${kind.app}, which is not installed here`, {
    hint: "brokerctl console ROLE --print",
  });
}

/** Of every Chromium on this machine: the file in which it keeps who uses it. */
async function chromiumProfiles(machine: Machine): Promise<readonly BrowserProfile[]> {
  const found: BrowserProfile[] = [];
  for (const kind of CHROMIUMS) {
    for (const root of profileDirectoriesOf(kind, machine)) {
      for (const [directory, name] of namesIn(await textOf(join(root, "Local State")))) {
        found.push({ kind, name, directory, isDefault: directory === "Default" });
      }
    }
  }
  return found;
}

/** Directory and shown name of each; what another program wrote may be anything. */
function namesIn(localState: string): readonly (readonly [string, string])[] {
  try {
    const { profile } = JSON.parse(localState) as { profile?: { info_cache?: Record<string, { name?: unknown }> } };
    return Object.entries(profile?.info_cache ?? {})
      .filter(([directory]) => /^[^/\0]{1,255}$/.test(directory))
      .map(([directory, { name }]) => [directory, typeof name === "string" ? name : directory]);
  } catch {
    return [];
  }
}

/** Of `profiles.ini`. */
export async function firefoxProfiles(machine: Machine): Promise<readonly BrowserProfile[]> {
  const found: BrowserProfile[] = [];
  for (const root of profileDirectoriesOf(FIREFOX, machine)) {
    const { sections } = readAwsIni(await textOf(join(root, "profiles.ini")));
    const values = sections.map(({ name, settings }) => ({
      heading: name,
      of: new Map(settings.map((setting) => [setting.name, setting.value])),
    }));
    // What each installation starts with goes before the mark of older versions.
    const chosen = values.filter(({ heading }) => heading.startsWith("Install")).map(({ of }) => of.get("default"));
    for (const { heading, of } of values) {
      const [name, path] = [of.get("name"), of.get("path")];
      if (!/^Profile\d+$/.test(heading) || name === undefined || path === undefined) continue;
      const directory = of.get("isrelative") === "0" ? path : join(root, path);
      const isDefault = chosen.length > 0 ? chosen.includes(path) : of.get("default") === "1";
      found.push({ kind: FIREFOX, name, directory, isDefault });
    }
  }
  return found;
}

function theOneCalled(wanted: string, profiles: readonly BrowserProfile[]): BrowserProfile {
  const [, id, rest = ""] = /^([a-z]+):(.+)$/.exec(wanted) ?? [];
  const named = (name: string, among: readonly BrowserProfile[]): readonly BrowserProfile[] => {
    const exact = among.filter((one) => one.name === name || (one.kind !== FIREFOX && one.directory === name));
    return exact.length > 0 ? exact : among.filter((one) => one.name.toLowerCase() === name.toLowerCase());
  };
  const whole = named(wanted, profiles);
  const found =
    whole.length > 0
      ? whole
      : named(
          rest,
          profiles.filter(({ kind }) => kind.id === id),
        );
  const [profile, ...others] = found;
  if (profile && others.length === 0) return profile;
  if (profile) {
    throw new BrokerError("UsageInvalid", `${found.length} profiles are called '${wanted}'`, {
      hint: found.map(optionOf).join(" or "),
    });
  }
  const hint =
    profiles.length === 0 ? "brokerctl console ROLE" : profiles.map(optionOf).slice(0, MAX_SHOWN).join(" or ");
  throw new BrokerError("UsageInvalid", `no browser here has a profile called '${wanted}'`, { hint });
}

const MAX_SHOWN = 8;

/** Where two of one browser have one name, their directories differ. */
function optionOf({ kind, name, directory }: BrowserProfile, _: number, all: readonly BrowserProfile[]): string {
  const isOnly = all.filter((one) => one.kind === kind && one.name === name).length === 1;
  return `--browser-profile '${kind.id}:${isOnly || kind === FIREFOX ? name : directory}'`;
}

async function textOf(path: string): Promise<string> {
  const file = await readSmallFile(path, MAX_BYTES);
  return file.found === "text" ? file.text.reveal() : "";
}
