import { existsSync } from "node:fs";
import { join } from "node:path";
import type { FileText, Vault, VaultSettings } from "../../core/aws-import.js";
import { BrokerError } from "../../core/errors.js";
import { type AwsFileTexts, readAwsFilesIfThere, readOwnText } from "../aws-files/read-aws-files.js";
import type { CliContext } from "../context.js";
import { keysOfAwsVault } from "./aws-vault-keys.js";

/** What an import is made from. */
export interface ImportedFiles {
  readonly aws: AwsFileTexts;
  readonly from?: VaultSettings;
}

/** Reads what the other program has, on the user's word: its file, and of aws-vault its keyring, by its own command. */
export async function readVault(vault: Vault, context: CliContext): Promise<ImportedFiles> {
  const { config } = await readAwsFilesIfThere(context);
  const aws = config && { config };
  if (vault === "aws-vault") {
    const credentials: FileText = { path: "aws-vault's keyring", text: await keysOfAwsVault(context) };
    return { aws: { ...aws, credentials }, from: { vault, settings: null } };
  }
  const path = settingsPath(vault, context);
  const text = await readOwnText(path);
  if (text === undefined && !config) throw nothingOf(vault, path);
  return { aws: { ...aws }, from: { vault, settings: text === undefined ? null : { path, text } } };
}

/** Where each looks itself: its old directory first, where that is there (aws-sso-cli 2, granted 0.39). */
function settingsPath(vault: Exclude<Vault, "aws-vault">, { env, homeDir }: CliContext): string {
  const xdgHome = env["XDG_CONFIG_HOME"] ?? "";
  const configHome = xdgHome === "" ? join(homeDir, ".config") : xdgHome;
  if (vault === "granted") {
    const own = join(homeDir, ".granted");
    return join(existsSync(own) || xdgHome === "" ? own : join(configHome, "granted"), "config");
  }
  const named = env["AWS_SSO_CONFIG"];
  if (named) return named.startsWith("~/") ? join(homeDir, named.slice(2)) : named;
  const own = join(homeDir, ".aws-sso");
  return join(existsSync(own) ? own : join(configHome, "aws-sso"), "config.yaml");
}

function nothingOf(vault: Vault, path: string): BrokerError {
  const hint = vault === "granted" ? "brokerctl import" : "AWS_SSO_CONFIG=FILE brokerctl import --from aws-sso-cli";
  return new BrokerError("UsageInvalid", `${vault} has left nothing here: there is neither ${path} nor ~/.aws/config`, {
    hint,
  });
}
