import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { canarySecretKey } from "../support/canaries.js";
import { seededRandom } from "../support/random.js";
import { tempDir } from "../support/temp-dir.js";

/** A user's files and variables, made of what people and tools leave, in any combination. */
export interface GeneratedHome {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  /** Below the home. */
  readonly files: Readonly<Record<string, string>>;
}

/** The key that a `credential_process` of these homes gives. */
export const PROCESS_KEY = "AKIAPROCESS00000PROC";
const ROLE = "arn:aws:iam::999999999999:role/theirs";
/** One that gives none. */
export const FAILING_PROCESS = "/bin/false";

/** Homes that are the same for the same seed. `HOME` in texts stands for the directory that is not made yet. */
export function generateHomes(count: number, seed: number): readonly GeneratedHome[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, index) =>
    generateHome(`generated ${seed}/${index}`, new Dice(random, index)),
  );
}

/** Writes it; answers the directory and the variables, with `HOME` filled in. */
export function makeGeneratedHome({ env, files }: GeneratedHome): {
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
} {
  const directory = tempDir("user", "input");
  const filled = (text: string): string => text.replaceAll("HOME/", `${directory}/`);
  for (const [name, text] of Object.entries({ ...files, "creds.sh": PROCESS, token: "eyJ.a.b" })) {
    mkdirSync(join(directory, name, ".."), { recursive: true, mode: 0o700 });
    writeFileSync(join(directory, name), filled(text), { mode: 0o600 });
  }
  chmodSync(join(directory, "creds.sh"), 0o700);
  const variables = Object.entries(env).map(([name, value]) => [name, filled(value)] as const);
  return { directory, env: { ...Object.fromEntries(variables), HOME: directory } };
}

/** With a session token: the SDK for Kotlin takes no key without one from a program. */
const PROCESS = `#!/bin/sh
printf '{"Version":1,"AccessKeyId":"${PROCESS_KEY}","SecretAccessKey":"${canarySecretKey("proc")}","SessionToken":"t"}'
`;

class Dice {
  readonly #random: () => number;
  readonly #home: number;
  #keys = 0;

  constructor(random: () => number, home: number) {
    this.#random = random;
    this.#home = home;
  }

  happens(probability: number): boolean {
    return this.#random() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)]!;
  }

  /** Told from all others of the home by its last four characters. */
  key(): readonly [id: string, secret: string] {
    const number = String(++this.#keys).padStart(2, "0");
    return [`AKIAGENERATED0${String(this.#home).padStart(3, "0")}K${number}`, canarySecretKey(`g${number}`)];
  }
}

function generateHome(name: string, dice: Dice): GeneratedHome {
  const files: Record<string, string> = {};
  const isElsewhere = dice.happens(0.15);
  const place = isElsewhere ? "elsewhere" : ".aws";
  if (dice.happens(0.75)) files[`${place}/config`] = fileText(dice, "config");
  if (dice.happens(0.55)) files[`${place}/credentials`] = fileText(dice, "credentials");
  if (dice.happens(0.06)) files[".boto"] = `[Credentials]\n${keyLines(dice).join("\n")}\n`;
  const moved = {
    AWS_CONFIG_FILE: "HOME/elsewhere/config",
    AWS_SHARED_CREDENTIALS_FILE: "HOME/elsewhere/credentials",
  };
  return { name, files, env: { ...(isElsewhere && moved), ...variables(dice) } };
}

const PROFILES = ["default", "team", "k", "r", "missing"];

function variables(dice: Dice): Record<string, string> {
  const env: Record<string, string> = {};
  const keys = (names: readonly [string, string]): void =>
    void names.forEach((name, at) => (env[name] = dice.key()[at]!));
  if (dice.happens(0.12)) keys(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]);
  else if (dice.happens(0.05)) env["AWS_ACCESS_KEY_ID"] = dice.key()[0];
  else if (dice.happens(0.08)) Object.assign(env, { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" });
  if (dice.happens(0.06)) keys(["AMAZON_ACCESS_KEY_ID", "AMAZON_SECRET_ACCESS_KEY"]);
  if (dice.happens(0.06)) keys(["AWS_ACCESS_KEY", "AWS_SECRET_KEY"]);
  if (dice.happens(0.06)) keys(["AWS_DEV_ACCESS_KEY_ID", "AWS_DEV_SECRET_ACCESS_KEY"]);
  if (dice.happens(0.35)) env["AWS_PROFILE"] = dice.pick([...PROFILES, "k", "team"]);
  if (dice.happens(0.1)) env["AWS_DEFAULT_PROFILE"] = dice.pick(PROFILES);
  if (dice.happens(0.35)) env["AWS_SDK_LOAD_CONFIG"] = "1";
  if (dice.happens(0.1)) env["AWS_WEB_IDENTITY_TOKEN_FILE"] = dice.pick(["HOME/token", "HOME/no-token"]);
  if (dice.happens(0.1)) env["AWS_ROLE_ARN"] = ROLE;
  if (dice.happens(0.03)) env["AWS_CREDENTIAL_FILE"] = "HOME/no-such-file";
  return env;
}

type Lines = (dice: Dice) => readonly string[];

const keyLines: Lines = (dice) => {
  const [id, secret] = dice.key();
  return [`aws_access_key_id = ${id}`, `aws_secret_access_key = ${secret}`];
};
const SSO = ["sso_account_id = 999999999999", "sso_role_name = Theirs"];
const SSO_URL = ["sso_start_url = https://their.awsapps.com/start", "sso_region = us-west-2"];

/** What a profile may hold. */
const CONTENTS: readonly Lines[] = [
  () => [],
  () => [],
  keyLines,
  keyLines,
  (dice) => keyLines(dice).slice(0, 1),
  () => ["sso_session = corp", ...SSO],
  () => ["sso_session = corp"],
  () => [...SSO_URL, ...SSO],
  () => ["sso_session = nowhere", "sso_role_name = Theirs"],
  () => ["login_session = arn:aws:iam::999999999999:user/u"],
  () => ["credential_process = HOME/creds.sh"],
  () => [`credential_process = ${FAILING_PROCESS}`],
  () => [`role_arn = ${ROLE}`, "source_profile = k"],
  () => [`role_arn = ${ROLE}`, "source_profile = missing"],
  () => [`role_arn = ${ROLE}`],
  () => [`role_arn = ${ROLE}`, "credential_source = EcsContainer"],
  () => [`role_arn = ${ROLE}`, "credential_source = Environment"],
  () => [`role_arn = ${ROLE}`, "web_identity_token_file = HOME/token"],
  () => [`role_arn = ${ROLE}`, "web_identity_token_file = HOME/no-token"],
  (dice) => [...keyLines(dice), `credential_process = ${FAILING_PROCESS}`],
  (dice) => [...keyLines(dice), `role_arn = ${ROLE}`, "source_profile = r"],
];

function fileText(dice: Dice, file: "config" | "credentials"): string {
  const names = ["default", "team", "k", "r"].filter(() => dice.happens(0.6));
  const sections = names.map((name) => sectionText(dice, heading(dice, name, file), contentOf(name, dice)));
  const session = dice.happens(0.7) && file === "config" ? [`[sso-session corp]\n${SSO_URL.join("\n")}\n`] : [];
  const stray = dice.happens(0.04) ? "region = us-west-2\n" : "";
  const text = stray + [...sections, ...session].join(dice.pick(["", "\n", "# a remark\n"]));
  return (dice.happens(0.04) ? "\uFEFF" : "") + (dice.happens(0.1) ? text.replaceAll("\n", "\r\n") : text);
}

/** `team` has a region only, `k` is most often a key. */
function contentOf(name: string, dice: Dice): readonly string[] {
  if (name === "team") return [];
  return name === "k" && dice.happens(0.8) ? keyLines(dice) : dice.pick(CONTENTS)(dice);
}

function heading(dice: Dice, name: string, file: "config" | "credentials"): string {
  if (file === "credentials") return name;
  if (name !== "default")
    return dice.pick([`profile ${name}`, `profile ${name}`, `profile "${name}"`, `profile  ${name}`, name]);
  return dice.pick(["default", "default", "default", "profile default", '"default"']);
}

function sectionText(dice: Dice, name: string, content: readonly string[]): string {
  const indent = dice.happens(0.12) ? "  " : "";
  const delimiter = dice.happens(0.08) ? ":" : "=";
  const all = dice.happens(0.5) ? ["region = us-west-2", ...content] : [...content, "region = us-west-2"];
  const block = dice.happens(0.1) ? ["s3 =", "  max_concurrent_requests = 20"] : [];
  const lines = [...block, ...all.map((line) => indent + line.replace("=", delimiter))];
  return `[${name}]\n${lines.join("\n")}\n`;
}
