import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import { type StablePath, stablePath } from "../../system/service/stable-path.js";
import type { CliContext } from "../context.js";

/** How other programs start brokerctl, months from now and from any environment. */
export interface OwnCommand {
  readonly words: readonly string[];
  /** For `credential-process`: by the launcher, where the package has one. An SDK waits for this one each time. */
  readonly process: readonly string[];
  /** What may take Node or brokerctl away, one sentence each. */
  readonly notes: readonly string[];
}

/** An IDE or a cron job has neither our PATH nor our variables: Node, script and home are named in full. */
export function ownCommand({ files, paths }: Pick<CliContext, "files" | "paths">): OwnCommand {
  const [node, script] = [stablePath(files.node), stablePath(files.brokerctl)];
  const { home } = paths();
  const inHome = home === undefined ? [] : ["/usr/bin/env", `CREDBROKER_HOME=${home}`];
  const endings = [...new Set([node, script].map(endingOf).filter((text) => text !== undefined))];
  const words = [...inHome, node.path, script.path];
  const launcher = launcherBeside(script.path);
  const process = ["/usr/bin/env", `CREDBROKER_NODE=${node.path}`, ...inHome.slice(1), launcher ?? ""];
  return { words, process: launcher === undefined ? words : process, notes: endings };
}

/** It chooses the program for the machine, and Node where there is none: a home may be shared between machines. */
function launcherBeside(script: string): string | undefined {
  const bin = join(dirname(script), "../bin");
  return existsSync(join(bin, "native")) ? join(bin, "brokerctl") : undefined;
}

function endingOf({ path, endsWith }: StablePath): string | undefined {
  return endsWith === undefined ? undefined : `${path} ends with ${endsWith}: run this again then`;
}

/**
 * `credential_process = …` for a role. Python's shlex splits it for the AWS CLI and boto3, a shell for most other SDKs, after all of them have cut off what
 * follows ` #` or ` ;`: it means the same to each. Throws `NotSupported` for a path that no such line can hold.
 */
export function processLine({ process }: Pick<OwnCommand, "process">, role: string): string {
  return `credential_process = ${[...process, "credential-process", role].map(settingWord).join(" ")}`;
}

function settingWord(word: string): string {
  if (/\p{Cc}/u.test(word)) {
    const message = `no AWS file can name ${JSON.stringify(word)}: there is a control character in it`;
    throw new BrokerError("NotSupported", message, { hint: "install credbroker, or put its home, elsewhere" });
  }
  // A backslash in the place of the blank before it: no SDK takes that for the beginning of a remark.
  return shellQuote(word).replaceAll(/(\s)([#;])/g, "$1'\\$2'");
}
