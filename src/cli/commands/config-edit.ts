import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { reasonOf } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import { ensurePrivateDirectory } from "../../files/private-directory.js";
import { readRegularFile } from "../../files/read-small-file.js";
import { directoryForChild } from "../access/run-child.js";
import { defineCommand } from "../command.js";
import { type ConfigText, readConfig, replaceConfig } from "../config/config-file.js";
import type { CliContext } from "../context.js";

export const configEditCommand = defineCommand({
  name: "config edit",
  summary: "Edit the config with $VISUAL or $EDITOR; it is checked before it is taken",
  details: `A copy is edited. It replaces the config only when it is valid and the config has not changed meanwhile. What you wrote is
never lost: where it is not taken, also after Ctrl-C, the copy stays and its place is named.`,
  options: {},
  examples: ["brokerctl config edit", "EDITOR='code --wait' brokerctl config edit"],
  async run(_, context) {
    const config = await readConfig(context);
    const editor = editorOf(context);
    const copy = await privateCopy(config, context.paths().stateDir);
    const next = await editUntilValid({ config, copy, editor }, context);
    if (next !== config.text) await keepingCopy(copy, () => replaceConfig(config, next, context));
    await removeCopy(copy);
    context.output.say(next === config.text ? "nothing was changed" : `${config.path} is changed and loaded`);
  },
});

function editorOf({ env, interactive }: CliContext): string {
  const editor = [env["VISUAL"], env["EDITOR"], interactive ? "vi" : undefined].find(Boolean);
  if (editor !== undefined) return editor;
  throw new BrokerError("UsageInvalid", "neither VISUAL nor EDITOR is set, and there is no terminal for vi", {
    hint: "EDITOR=vi brokerctl config edit",
  });
}

async function privateCopy({ text }: ConfigText, stateDir: string): Promise<string> {
  await ensurePrivateDirectory(stateDir);
  const copy = join(await mkdtemp(join(stateDir, "edit-")), "config.yaml");
  await writeFile(copy, text, { mode: 0o600, flag: "wx" });
  return copy;
}

function removeCopy(copy: string): Promise<void> {
  return rm(dirname(copy), { recursive: true });
}

interface Edit {
  readonly config: ConfigText;
  readonly copy: string;
  readonly editor: string;
}

/** Goes on while the user wants to fix what is wrong; resolves with a text that the daemon finds valid. */
async function editUntilValid({ config, copy, editor }: Edit, context: CliContext): Promise<string> {
  for (;;) {
    const text = await editedText({ config, copy, editor }, context);
    const problem = text === config.text ? undefined : await problemOf({ path: config.path, text }, context);
    if (!problem) return text;
    if (context.interactive) context.output.error(problem);
    if (!context.interactive || !(await wantsToGoOn(copy, context))) throw copyStays(problem, copy);
  }
}

async function wantsToGoOn(copy: string, context: CliContext): Promise<boolean> {
  try {
    return await context.prompts.confirm("Edit again?", true);
  } catch (error) {
    context.output.say(`the config is unchanged, your edit is kept in ${copy}`);
    throw error;
  }
}

/** An editor that fails (`:cq`) says that nothing is to be changed. */
async function editedText({ config, copy, editor }: Edit, context: CliContext): Promise<string> {
  const failure = await runEditor(editor, copy, context);
  const text = await readRegularFile(copy);
  if (!failure) return text;
  if (text !== config.text) throw copyStays(failure, copy);
  await removeCopy(copy);
  throw failure;
}

async function problemOf(config: ConfigText, { client }: CliContext): Promise<BrokerError | undefined> {
  try {
    await client.call("config-check", config);
    return undefined;
  } catch (error) {
    if (error instanceof BrokerError && error.code === "ConfigInvalid") return error;
    throw error;
  }
}

async function keepingCopy(copy: string, replace: () => Promise<void>): Promise<void> {
  try {
    await replace();
  } catch (error) {
    throw error instanceof BrokerError ? copyStays(error, copy) : error;
  }
}

function copyStays(error: BrokerError, copy: string): BrokerError {
  return new BrokerError(error.code, `${error.message}\nthe config is unchanged, your edit is kept in ${copy}`, {
    hint: error.hint ?? `brokerctl config check ${shellQuote(copy)}`,
    cause: error,
  });
}

const FROM_TERMINAL: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT"];

/** As git does: the variable is a piece of shell, so that it may hold arguments. Resolves with what went wrong. */
function runEditor(editor: string, file: string, context: CliContext): Promise<BrokerError | undefined> {
  const inherited = { env: context.env, cwd: directoryForChild(context) };
  // The terminal sends them to the editor as well, and what they mean is its to say: to many it is a key like others. Before it
  // runs: it may be quicker than we are.
  const survive = (): void => undefined;
  for (const signal of FROM_TERMINAL) process.on(signal, survive);
  const child = spawn("/bin/sh", ["-c", `${editor} "$1"`, editor, file], { stdio: "inherit", ...inherited });
  return new Promise<BrokerError | undefined>((resolve) => {
    const fail = (end: string): void => {
      const hint = "EDITOR=vi brokerctl config edit";
      resolve(new BrokerError("UsageInvalid", `the editor '${editor}' ended with ${end}`, { hint }));
    };
    child.once("error", (error) => fail(reasonOf(error)));
    child.once("exit", (code, signal) =>
      code === 0 ? resolve(undefined) : fail(signal ?? `exit code ${code ?? "unknown"}`),
    );
  }).finally(() => {
    for (const signal of FROM_TERMINAL) process.off(signal, survive);
  });
}
