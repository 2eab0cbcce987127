import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { readAwsIni } from "../../core/aws-ini.js";
import { profileDirectory } from "../../core/profile-directory.js";
import { NodeFileSystem, writeFileAtomic } from "../../files/atomic-file.js";
import { ensurePrivateDirectory } from "../../files/private-directory.js";
import { textOf } from "../aws-files/aws-files.js";
import { isCredentialSetting } from "../aws-files/aws-settings.js";
import type { NeutralAwsFiles } from "../aws-files/copies-stamp.js";
import type { EndpointCredentials } from "./fetch-credentials.js";

/** Profiles of one role, as they stand in the two files. */
export interface KeysOfProfiles {
  /** `default` among them: of programs that name no profile. */
  readonly names: readonly string[];
  /** undefined: none that work any more. */
  readonly keys: EndpointCredentials | undefined;
  readonly region: string | null;
}

/** The two files that a command reads in place of `~/.aws`, for as long as it runs. */
export interface ProfileFiles {
  readonly variables: Readonly<Record<string, string>>;
  /** Replaces the file of keys: a reader has the old ones or the new ones. */
  readonly writeKeys: (profiles: readonly KeysOfProfiles[]) => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** Makes them in a directory of our own (0700) that is named by the lease: brokerd's sweep removes it when that has ended. */
export async function makeProfileFiles(
  { leaseId, runtimeDir, neutral }: { leaseId: string; runtimeDir: string; neutral: NeutralAwsFiles },
  profiles: readonly KeysOfProfiles[],
): Promise<ProfileFiles> {
  await ensurePrivateDirectory(profileDirectory(runtimeDir));
  const directory = join(profileDirectory(runtimeDir), leaseId);
  await mkdir(directory, { mode: 0o700 });
  const [config, credentials] = [join(directory, "config"), join(directory, "credentials")];
  const write = (path: string, text: string): Promise<void> =>
    writeFileAtomic(new NodeFileSystem(), path, Buffer.from(HEADER + text));
  const files: ProfileFiles = {
    variables: {
      ...{ ...neutral.files, AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials },
      AWS_CREDENTIAL_PROFILES_FILE: credentials,
    },
    writeKeys: (all) => write(credentials, credentialsText(all)),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
  try {
    await write(config, configText(await textOf(neutral.files["AWS_CONFIG_FILE"] ?? ""), profiles));
    await files.writeKeys(profiles);
  } catch (error) {
    await files.remove();
    throw error;
  }
  return files;
}

const HEADER = "# Written by `brokerctl exec --as profile` for the command that it runs, and removed with it.\n";

function credentialsText(profiles: readonly KeysOfProfiles[]): string {
  return profiles.flatMap(({ names, keys }) => names.map((name) => keySection(name, keys))).join("");
}

/** The last place where the keys are in clear: the file that the user asked for. */
function keySection(name: string, keys: EndpointCredentials | undefined): string {
  if (!keys) return `# ${name}: its keys have ended\n`;
  const lines = [
    `aws_access_key_id = ${keys.accessKeyId}`,
    `aws_secret_access_key = ${keys.secretAccessKey.reveal()}`,
    `aws_session_token = ${keys.sessionToken.reveal()}`,
  ];
  return `[${name}]\n${lines.join("\n")}\n`;
}

/**
 * `neutral` with each of our profiles in place of the one of that name: its harmless settings, the role's region, and nothing
 * that would go before the keys. `neutral` is a text of ours: each section begins a line, and stands once.
 */
function configText(neutral: string, profiles: readonly KeysOfProfiles[]): string {
  const ours = new Map(
    profiles.flatMap(({ names, region }) => names.map((name) => [headingOf(name), region] as const)),
  );
  const sections = neutral.split(/^(?=\[)/m).filter((text) => text.startsWith("["));
  const others = sections.filter((text) => !ours.has(headingIn(text)));
  const own = [...ours].map(([heading, region]) => {
    const kept = harmlessLines(sections.find((text) => headingIn(text) === heading) ?? "", region !== null);
    return `[${heading}]\n${kept}${region === null ? "" : `region = ${region}\n`}`;
  });
  return [...others, ...own].join("");
}

function headingOf(name: string): string {
  return name === "default" ? name : `profile ${name}`;
}

function headingIn(section: string): string {
  return readAwsIni(section).sections[0]?.name ?? "";
}

function harmlessLines(section: string, hasRegion: boolean): string {
  const settings = readAwsIni(section).sections[0]?.settings ?? [];
  const kept = settings.filter(({ name }) => !isCredentialSetting(name) && !(hasRegion && name === "region"));
  return kept.map(({ start, end }) => section.slice(start, end)).join("");
}
