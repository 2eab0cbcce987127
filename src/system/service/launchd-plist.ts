import { readFileSync } from "node:fs";
import { BrokerError } from "../../core/errors.js";

/** What differs from one installation to another; the rest stands in the template. */
export interface LaunchAgent {
  /** Absolute program and its arguments. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly standardErrorPath: string;
}

export const LAUNCHD_LABEL = "credbroker.brokerd";

/** The first words of the file's comment: with them it is one that we wrote. */
const OUR_MARK = "Written by `brokerctl service install`";
const TEMPLATE = new URL(`../../../launchd/${LAUNCHD_LABEL}.plist`, import.meta.url);

/** The text of the property list, launchd.plist(5). `UsageInvalid`: a value that XML cannot hold. */
export function renderLaunchAgent({ command, environment, standardErrorPath }: LaunchAgent): string {
  const parts: Readonly<Record<string, string>> = {
    PROGRAM_ARGUMENTS: command.map((word) => `\t\t${string(word, "the command")}`).join("\n"),
    ENVIRONMENT_VARIABLES: Object.entries(environment)
      .map(([name, value]) => `\t\t<key>${escaped(name, name)}</key>\n\t\t${string(value, name)}`)
      .join("\n"),
    STANDARD_ERROR_PATH: escaped(standardErrorPath, "the path of the state directory"),
  };
  // By a function: in a replacement text `$&` would mean something.
  return readFileSync(TEMPLATE, "utf8").replace(/@([A-Z_]+)@/g, (_, name: string) => parts[name] ?? "");
}

/**
 * Reads back what `renderLaunchAgent` wrote. undefined: not ours, or rewritten by another program since (Xcode, plutil);
 * no property list in general is read here.
 */
export function readLaunchAgent(text: string): LaunchAgent | undefined {
  if (!text.includes(OUR_MARK)) return undefined;
  const programArguments = /<key>ProgramArguments<\/key>\s*<array>(.*?)<\/array>/s.exec(text)?.[1];
  const variables = /<key>EnvironmentVariables<\/key>\s*<dict>(.*?)<\/dict>/s.exec(text)?.[1];
  const standardErrorPath = /<key>StandardErrorPath<\/key>\s*<string>(.*?)<\/string>/s.exec(text)?.[1];
  if (programArguments === undefined || variables === undefined || standardErrorPath === undefined) return undefined;
  const command = [...programArguments.matchAll(/<string>(.*?)<\/string>/gs)].map(([, word = ""]) => unescaped(word));
  const pairs = [...variables.matchAll(/<key>(.*?)<\/key>\s*<string>(.*?)<\/string>/gs)];
  return {
    command,
    environment: Object.fromEntries(pairs.map(([, name = "", value = ""]) => [unescaped(name), unescaped(value)])),
    standardErrorPath: unescaped(standardErrorPath),
  };
}

function string(value: string, what: string): string {
  return `<string>${escaped(value, what)}</string>`;
}

/** XML 1.0 §2.2: most control characters cannot stand in a document, not even as a reference. */
// eslint-disable-next-line no-control-regex -- control characters are exactly what is looked for
const NOT_IN_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

function escaped(text: string, what: string): string {
  if (NOT_IN_XML.test(text)) {
    throw new BrokerError("UsageInvalid", `${what} holds a character that a property list cannot hold`, {
      hint: "brokerctl start works without launchd",
    });
  }
  // A bare carriage return would be read back as a newline.
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\r", "&#13;");
}

function unescaped(text: string): string {
  return text.replaceAll("&#13;", "\r").replaceAll("&gt;", ">").replaceAll("&lt;", "<").replaceAll("&amp;", "&");
}
