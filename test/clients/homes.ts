import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { canarySecretKey } from "../support/canaries.js";
import { tempDir } from "../support/temp-dir.js";

/** What a user may already have, and what of it competes with the broker. */
export const HOME_KINDS = ["empty", "[default] with keys", "[default] with only a region", "AWS_PROFILE set"] as const;
export type HomeKind = (typeof HOME_KINDS)[number];

/** The user's own long-term key: a program that signs with it has not asked the broker. */
export const SHADOWING_KEY_ID = "AKIASHADOWING0000000";
/** A profile that names a region and nothing that gives credentials. */
export const REGION_ONLY_PROFILE = "team";

const KEYS = `aws_access_key_id = ${SHADOWING_KEY_ID}\naws_secret_access_key = ${canarySecretKey("home")}\n`;
const SSO = "sso_account_id = 999999999999\nsso_role_name = Theirs\nregion = us-west-2\n";
const SSO_URL = "sso_start_url = https://their.awsapps.com/start\nsso_region = us-west-2\n";

/** `~/.aws/config` and `credentials` as tools and people leave them, in each of which some client once missed the broker. */
export const COMPETING_HOMES: readonly {
  readonly name: string;
  readonly config?: string;
  readonly credentials?: string;
}[] = [
  { name: "nothing" },
  { name: "keys", credentials: `[default]\n${KEYS}`, config: "[default]\nregion = us-west-2\n" },
  { name: "keys, indented, in the config", config: `[default]\nregion = us-west-2\n  ${KEYS.replace("\n", "\n  ")}` },
  { name: "a region", config: "[default]\nregion = us-west-2\n" },
  { name: "SSO", config: `[default]\nsso_session = corp\n${SSO}[sso-session corp]\n${SSO_URL}` },
  { name: "SSO of the older form", config: `[default]\n${SSO_URL}${SSO}` },
  { name: "half of SSO", config: "[default]\nsso_session = corp\nsso_role_name = Theirs\nregion = us-west-2\n" },
  { name: "`aws login`", config: "[default]\nlogin_session = arn:aws:iam::999999999999:user/u\nregion = us-west-2\n" },
  { name: "a process", config: "[default]\ncredential_process = /bin/false\nregion = us-west-2\n" },
  {
    name: "a role, and a session of the default's name",
    config: `[default]\nrole_arn = arn:aws:iam::999999999999:role/r\nsource_profile = k\n[profile k]\n${KEYS}[sso-session default]\n${SSO_URL}`,
  },
];

/** The directory of a user with these files. */
export function competingHome({ config, credentials }: (typeof COMPETING_HOMES)[number]): string {
  const directory = tempDir("user", "input");
  if (config !== undefined) writeAwsFile(directory, "config", config);
  if (credentials !== undefined) writeAwsFile(directory, "credentials", credentials);
  return directory;
}

export interface Home {
  readonly kind: HomeKind;
  readonly directory: string;
  /** What a shell of this user has in its environment. */
  readonly env: Readonly<Record<string, string>>;
}

export function makeHome(kind: HomeKind): Home {
  // `input`: a user's own clear text, which the search for leaks leaves out.
  const directory = tempDir("user", "input");
  if (kind === "[default] with keys") writeDefaultKeys(directory);
  if (kind === "[default] with only a region") writeAwsFile(directory, "config", "[default]\nregion = us-west-2\n");
  if (kind !== "AWS_PROFILE set") return { kind, directory, env: { HOME: directory } };
  writeAwsFile(directory, "config", `[profile ${REGION_ONLY_PROFILE}]\nregion = us-west-2\n`);
  return { kind, directory, env: { HOME: directory, AWS_PROFILE: REGION_ONLY_PROFILE } };
}

/** What `aws configure` leaves. */
export function writeDefaultKeys(directory: string): void {
  const secret = canarySecretKey("home");
  const keys = `aws_access_key_id = ${SHADOWING_KEY_ID}\naws_secret_access_key = ${secret}\n`;
  writeAwsFile(directory, "credentials", `[default]\n${keys}`);
}

function writeAwsFile(home: string, name: string, text: string): void {
  mkdirSync(join(home, ".aws"), { recursive: true, mode: 0o700 });
  writeFileSync(join(home, ".aws", name), text, { mode: 0o600 });
}
