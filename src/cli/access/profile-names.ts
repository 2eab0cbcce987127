import { nameInHeading, readAwsIni } from "../../core/aws-ini.js";
import { BrokerError } from "../../core/errors.js";
import { isOwnProcess } from "../../core/own-process.js";
import { splitCommand } from "../../core/split-command.js";
import { readAwsFilesIfThere } from "../aws-files/read-aws-files.js";
import type { CliContext } from "../context.js";

/** Of `exec --as profile`. */
export const PROFILE_OPTION = {
  type: "string",
  repeat: true,
  value: "NAME[=ROLE]",
  help: "with --as profile: a profile NAME with keys of ROLE too; without ROLE, of the role of that name",
} as const;

/** A profile that was asked for beside those of the command's own role. */
export interface NamedProfile {
  readonly name: string;
  readonly role: string;
}

/** All SDKs read such a name. */
const NAME = /^[A-Za-z0-9_\-/.%@:+]+$/;

/** `--profile NAME[=ROLE]`, as often as it is given. */
export function parseProfiles(given: readonly string[]): readonly NamedProfile[] {
  const profiles = given.map((text) => {
    const [, name = "", role = name] = /^([^=]*)(?:=(.+))?$/s.exec(text) ?? [];
    if (NAME.test(name) && name !== "default" && name !== "__proto__") return { name, role };
    throw new BrokerError(
      "UsageInvalid",
      `--profile takes NAME or NAME=ROLE, a NAME that every SDK reads and that is not default, not '${text}'`,
      { hint: "brokerctl exec ROLE --as profile --profile shared=shared-role -- CMD" },
    );
  });
  const repeated = profiles.find(({ name }, index) => profiles.findIndex((one) => one.name === name) < index);
  if (!repeated) return profiles;
  throw new BrokerError("UsageInvalid", `--profile ${repeated.name} is given twice, and has one role`, {
    hint: `brokerctl exec ROLE --as profile --profile ${repeated.name}=${repeated.role} -- CMD`,
  });
}

/**
 * The names by which the user's own files ask us for a role: of `profiles sync`, `import --replace`, or written by hand. A file that
 * cannot be read names none: it stops no command.
 */
export async function profilesAskingFor(role: string, context: CliContext): Promise<readonly string[]> {
  const { config, credentials } = await readAwsFilesIfThere(context).catch(() => ({
    config: undefined,
    credentials: undefined,
  }));
  const sections = [config, credentials].flatMap((file) => (file ? readAwsIni(file.text).sections : []));
  const asking = sections.filter(({ settings }) =>
    settings.some(({ name, value }) => name === "credential_process" && isOwnProcess(value) && asksFor(value, role)),
  );
  const names = asking.map(({ name }) => nameInHeading(name, "profile") ?? name);
  return [...new Set(names)].filter((name) => NAME.test(name));
}

function asksFor(command: string, role: string): boolean {
  const split = splitCommand(command);
  return !("problem" in split) && split.argv.at(-1) === role;
}
