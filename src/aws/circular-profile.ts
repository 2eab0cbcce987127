import { dirname, join } from "node:path";
import { nameInHeading, readAwsIni } from "../core/aws-ini.js";
import { BrokerError } from "../core/errors.js";
import { isOwnProcess } from "../core/own-process.js";
import { readRegularFile } from "../files/read-small-file.js";

/**
 * Throws `ConfigInvalid` for a profile that gets its credentials from us, itself or by what signs for it: the SDK would start brokerctl, which waits
 * for us, until both give up. Of the rest of the files nothing is judged here.
 */
export async function refuseCircularProfile(credentialsFile: string, profile: string): Promise<void> {
  const files = [credentialsFile, join(dirname(credentialsFile), "config")];
  const texts = await Promise.all(files.map((path) => readRegularFile(path).catch(() => "")));
  const sections = texts.flatMap((text) => readAwsIni(text).sections);
  const settingOf = (name: string, wanted: string): string | undefined =>
    sections
      .filter((section) => section.name === name || nameInHeading(section.name, "profile") === name)
      .flatMap(({ settings }) => settings.filter((setting) => setting.name === wanted && setting.value !== ""))[0]
      ?.value;
  const seen = new Set<string>();
  for (let name: string | undefined = profile; name !== undefined && !seen.has(name); ) {
    seen.add(name);
    if (isOwnProcess(settingOf(name, "credential_process") ?? "")) throw circular(profile, name);
    name = settingOf(name, "source_profile");
  }
}

function circular(profile: string, asking: string): BrokerError {
  const who = asking === profile ? "it" : `profile ${asking}, which signs for it,`;
  const message = `${who} gets its credentials from this broker, a circle: chain the role with source_role instead`;
  return new BrokerError("ConfigInvalid", message);
}
