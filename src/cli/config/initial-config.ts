import { readdir } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { hasErrno, reasonOf } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import type { SecretStoreKind } from "../../core/secret-store-kind.js";
import { shellQuote } from "../../core/shell-quote.js";
import { NodeFileSystem } from "../../files/atomic-file.js";
import { readRegularFile } from "../../files/read-small-file.js";
import { replaceFileIfUnchanged } from "../../files/replace-file.js";
import type { CliContext } from "../context.js";
import { chooseStore } from "./choose-store.js";
import { readTemplate, renderTemplate, type TemplateValues } from "./config-template.js";

/** What the flags say; undefined: not said. */
export interface InitChoices {
  readonly secretStore: SecretStoreKind | undefined;
  readonly dataKeyCommand: readonly string[] | undefined;
  readonly port: number | undefined;
  readonly region: string | undefined;
}

export interface InitialConfig {
  readonly isNew: boolean;
  /** A daemon that runs already must be started anew to follow it. */
  readonly hasChanged: boolean;
  /** The port that was written, held until brokerd starts. */
  readonly held?: HeldPort;
  /** The user said which port. */
  readonly isPortFixed: boolean;
}

/**
 * Writes the template, or takes the config that is there: a failed `init` left it, or the user brought it along. Rejects
 * with StoreUnavailable, and writes nothing, where no store is named and the machine has no usable keychain.
 */
export async function writeInitialConfig(
  choices: InitChoices,
  yes: boolean,
  context: CliContext,
): Promise<InitialConfig> {
  const { configFile } = context.paths();
  const text = await textIfThere(configFile);
  if (text !== undefined) {
    const secretStore = choices.secretStore ?? (yes ? undefined : await storeChosenAnew(text, context));
    return adjust({ path: configFile, text }, { ...choices, secretStore });
  }
  const secretStore = choices.secretStore ?? (await chooseStore({ yes, former: undefined }, context));
  const held = await (choices.port === undefined ? holdFreePort(uid()) : holdPort(choices.port));
  await createPrivately(configFile, renderTemplate({ ...choices, secretStore, port: held.port }));
  return { isNew: true, hasChanged: true, held, isPortFixed: choices.port !== undefined };
}

/**
 * Another process has the port that the config names, as happens when two users run `init` at once. False: that config is
 * the user's by now (edited, or in use: programs know its port), and theirs to change.
 */
export async function takeAnotherPort(context: CliContext): Promise<boolean> {
  const path = context.paths().configFile;
  const text = (await textIfThere(path)) ?? "";
  const values = readTemplate(text);
  if (values === undefined || (await isSealed(context))) return false;
  const held = await holdFreePort(uid());
  await replaceFileIfUnchanged({ path, expected: text, next: renderTemplate({ ...values, port: held.port }) });
  await held.release();
  context.output.say(`port ${values.port} is another process's by now: took ${held.port}`);
  return true;
}

/** The config is as `init` wrote it, and nothing was sealed with its data key. */
export async function isUntouched(context: CliContext): Promise<boolean> {
  const text = await textIfThere(context.paths().configFile);
  return text !== undefined && readTemplate(text) !== undefined && !(await isSealed(context));
}

function uid(): number {
  return process.getuid?.() ?? 0;
}

/** Only a template that is as it was written is written anew, and only where the flags ask for it. */
async function adjust({ path, text }: { path: string; text: string }, choices: InitChoices): Promise<InitialConfig> {
  const { secretStore, port, region } = choices;
  const isPortFixed = port !== undefined;
  if (secretStore === undefined && port === undefined && region === undefined)
    return { isNew: false, hasChanged: false, isPortFixed };
  const values = readTemplate(text);
  if (!values) {
    throw new BrokerError(
      "UsageInvalid",
      `${path} exists already and is not overwritten: --secret-store, --port and --region are set there`,
      {
        hint: "brokerctl config edit",
      },
    );
  }
  const wanted = withChoices(values, choices);
  const next = renderTemplate(wanted);
  if (next === text) return { isNew: false, hasChanged: false, isPortFixed };
  const held = wanted.port === values.port ? undefined : await holdPort(wanted.port);
  await replaceFileIfUnchanged({ path, expected: text, next });
  return { isNew: false, hasChanged: true, isPortFixed, ...(held && { held }) };
}

function withChoices(values: TemplateValues, choices: InitChoices): TemplateValues {
  const { secretStore, port, region, dataKeyCommand } = choices;
  return {
    secretStore: secretStore ?? values.secretStore,
    port: port ?? values.port,
    region: region ?? values.region,
    dataKeyCommand: secretStore === undefined ? values.dataKeyCommand : dataKeyCommand,
  };
}

/** An `init` that failed before anything was sealed has decided nothing: the user may choose another store. */
async function storeChosenAnew(text: string, context: CliContext): Promise<SecretStoreKind | undefined> {
  const former = readTemplate(text)?.secretStore;
  const isDecided = former === undefined || former === "command" || !context.interactive || (await isSealed(context));
  return isDecided ? undefined : chooseStore({ yes: false, former }, context);
}

async function isSealed({ paths }: CliContext): Promise<boolean> {
  return (await readdir(paths().stateDir).catch(() => [])).some((name) => name.startsWith("secrets.sealed"));
}

async function textIfThere(path: string): Promise<string | undefined> {
  try {
    return await readRegularFile(path);
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw new BrokerError("FileRefused", `cannot read ${path}: ${reasonOf(error)}`, {
      hint: `ls -l ${shellQuote(path)}`,
      cause: error,
    });
  }
}

/** Two `init` at once: the second finds that the name is taken. */
async function createPrivately(path: string, text: string): Promise<void> {
  const { ensurePrivateDirectory } = await import("../../files/private-directory.js");
  await ensurePrivateDirectory(dirname(path));
  const fs = new NodeFileSystem();
  await fs.createDurable(path, Buffer.from(text), 0o600);
  await fs.syncDirectory(dirname(path));
}

/** Tried first; the next ones where it is taken, e.g. by another installation. */
const FIRST_PORT = 9171;
const PORTS_TRIED = 100;

/** A port that is ours until it is released: no other `init` finds it free meanwhile. */
interface HeldPort {
  readonly port: number;
  /** Resolves when brokerd can have it; harmless when called twice. */
  readonly release: () => Promise<void>;
}

/**
 * The first port that no process listens on, held. The users of a machine begin at different ones; between the release and
 * brokerd's own bind another process can take it all the same, and then brokerd says by whom.
 */
export async function holdFreePort(uid: number): Promise<HeldPort> {
  for (let index = 0; index < PORTS_TRIED; index++) {
    const held = await hold(FIRST_PORT + ((Math.max(uid, 0) + index) % PORTS_TRIED));
    if (held) return held;
  }
  throw new BrokerError("Conflict", `none of the ports ${FIRST_PORT} to ${FIRST_PORT + PORTS_TRIED - 1} is free`, {
    hint: "brokerctl init --port N",
  });
}

/** The port that was asked for, held. */
export async function holdPort(port: number): Promise<HeldPort> {
  const held = await hold(port);
  if (held) return held;
  throw new BrokerError("UsageInvalid", `--port ${port}: another process listens on 127.0.0.1:${port}`, {
    hint: "brokerctl init, which looks for a free one",
  });
}

/** Undefined: it is taken. */
function hold(port: number): Promise<HeldPort | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((connection) => connection.destroy());
    server.once("error", (error) => {
      if (hasErrno(error, "EADDRINUSE", "EACCES")) resolve(undefined);
      else reject(error);
    });
    const release = (): Promise<void> => new Promise((released) => server.close(() => released()));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => resolve({ port, release }));
    server.unref();
  });
}
