import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { BrokerError } from "../../core/errors.js";
import { SECRET_STORE_KINDS, type SecretStoreKind } from "../../core/secret-store-kind.js";
import { NodeFileSystem } from "../../system/atomic-file.js";
import { replaceFileIfUnchanged } from "../../system/replace-file.js";
import { hasErrno, reasonOf } from "../../system/system-error.js";
import type { CliContext } from "../context.js";
import { readTemplate, renderTemplate, type TemplateValues } from "./config-template.js";
import { checkPortFree, findFreePort } from "./free-port.js";

/** What the flags say; undefined: not said. */
export interface InitChoices {
  readonly secretStore: SecretStoreKind | undefined;
  readonly dataKeyCommand: readonly string[] | undefined;
  readonly port: number | undefined;
}

export interface InitialConfig {
  readonly isNew: boolean;
  /** A daemon that runs already must be started anew to follow it. */
  readonly hasChanged: boolean;
}

/** Writes the template, or takes the config that is there: a failed `init` left it, or the user brought it along. */
export async function writeInitialConfig(
  choices: InitChoices,
  yes: boolean,
  context: CliContext,
): Promise<InitialConfig> {
  const { configFile } = context.paths();
  const text = await textIfThere(configFile);
  if (text !== undefined) return adjust({ path: configFile, text }, choices);
  const secretStore = choices.secretStore ?? (await chooseStore(yes, context));
  if (choices.port !== undefined) await checkPortFree(choices.port);
  const port = choices.port ?? (await findFreePort());
  await createPrivately(configFile, renderTemplate({ ...choices, secretStore, port }));
  return { isNew: true, hasChanged: true };
}

/** Only a template that nobody has touched is written anew, and only where the flags ask for it. */
async function adjust({ path, text }: { path: string; text: string }, choices: InitChoices): Promise<InitialConfig> {
  const { secretStore, port, dataKeyCommand } = choices;
  if (secretStore === undefined && port === undefined) return { isNew: false, hasChanged: false };
  const values = readTemplate(text);
  if (!values) {
    throw new BrokerError(
      "UsageInvalid",
      `${path} exists already and is not overwritten: --secret-store and --port are set there`,
      {
        hint: "brokerctl config edit",
      },
    );
  }
  const wanted: TemplateValues = {
    secretStore: secretStore ?? values.secretStore,
    port: port ?? values.port,
    dataKeyCommand: secretStore === undefined ? values.dataKeyCommand : dataKeyCommand,
  };
  const next = renderTemplate(wanted);
  if (next === text) return { isNew: false, hasChanged: false };
  if (wanted.port !== values.port) await checkPortFree(wanted.port);
  await replaceFileIfUnchanged({ path, expected: text, next });
  return { isNew: false, hasChanged: true };
}

const STORE_HINTS: Readonly<Record<SecretStoreKind, string>> = {
  keychain: "the system's keychain: opens with your login",
  passphrase: "you type it after each start",
  command: "a password manager's CLI; needs --data-key-command",
  key_file: "weak: a file beside the secrets, for demos and CI",
};

async function chooseStore(yes: boolean, { interactive, prompts }: CliContext): Promise<SecretStoreKind> {
  if (yes || !interactive) return "keychain";
  const kinds = SECRET_STORE_KINDS.filter((kind) => kind !== "command");
  const choices = kinds.map((kind) => ({ value: kind, label: kind, hint: STORE_HINTS[kind] }));
  const picked = await prompts.pick("Who keeps the key of the secret store?", choices);
  return kinds.find((kind) => kind === picked) ?? "keychain";
}

async function textIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw new BrokerError("FileRefused", `cannot read ${path}: ${reasonOf(error)}`, {
      hint: `ls -l ${path}`,
      cause: error,
    });
  }
}

/** Two `init` at once: the second finds that the name is taken. */
async function createPrivately(path: string, text: string): Promise<void> {
  const { ensurePrivateDirectory } = await import("../../system/private-directory.js");
  await ensurePrivateDirectory(dirname(path));
  const fs = new NodeFileSystem();
  await fs.createDurable(path, Buffer.from(text), 0o600);
  await fs.syncDirectory(dirname(path));
}
