import type { Command, CommandEntry, CommandGroup } from "../src/cli/command.js";
import { COMMANDS } from "../src/cli/command-table.js";
import { describe, ENVIRONMENT, EXIT_CODES, FIRST_STEPS, flagOf, HELP_OPTION, usageOf } from "../src/cli/help.js";
import { bold, entry, head, paragraphs, prose, section, subsection, verbatim } from "./roff.js";

/** What `npm run build` writes into `dist/man`, and npm links at a global install: each program's page, by the file's name. */
export async function manPages(version: string): Promise<Readonly<Record<string, string>>> {
  return { "brokerctl.1": await brokerctlPage(version), "brokerd.8": brokerdPage(version) };
}

async function brokerctlPage(version: string): Promise<string> {
  const entries = Object.entries(COMMANDS);
  const headings = [...new Set(entries.map(([, { group }]) => group))];
  const sections = headings.map(async (heading) => {
    const texts = entries.filter(([, { group }]) => group === heading).map(([name, one]) => entryText(name, one));
    return [section(heading), ...(await Promise.all(texts))].join("\n");
  });
  return page([
    head({ name: "brokerctl", section: "1", version }),
    section("Name"),
    prose("brokerctl - AWS credentials for every SDK and CLI from one local broker"),
    section("Synopsis"),
    `${bold("brokerctl")} ${prose("COMMAND [ARGUMENTS]")}`,
    section("Description"),
    prose(
      "brokerctl controls brokerd(8), which holds logins and long-term keys in a sealed store, assumes the roles that you",
    ),
    prose(
      "configured, and serves their temporary credentials to AWS SDKs on a loopback endpoint. It starts brokerd where it is needed.",
    ),
    prose(
      "stdout is for machines, stderr for people; `--json` works on all that lists or shows. Every command has `--help`.",
    ),
    section("First steps"),
    verbatim(FIRST_STEPS),
    ...(await Promise.all(sections)),
    section("Environment"),
    ...ENVIRONMENT.map(([name, does]) => entry(name, does)),
    section("Exit status"),
    ...exitCodes([EXIT_CODES]),
    prose("A command's own codes stand with it."),
    section("See also"),
    `${bold("brokerd")}(8), ${bold("aws")}(1)`,
  ]);
}

async function entryText(name: string, one: CommandEntry): Promise<string> {
  if (!("subcommands" in one)) return commandText(await one.load());
  return groupText(name, one);
}

async function groupText(name: string, group: CommandGroup): Promise<string> {
  const heading = [subsection(`brokerctl ${name}`), prose(`${group.summary}.`)];
  const first = group.load === undefined ? heading : [commandText(await group.load())];
  const loaders = Object.values(group.subcommands).map(({ load }) => load);
  const commands = await Promise.all(loaders.map(async (load) => commandText(await load())));
  return [...first, ...commands].join("\n");
}

function commandText(command: Command): string {
  const { name, summary, details, positionals = [], options, examples, exitCodes: codes = [] } = command;
  const flags = Object.entries({ ...options, help: HELP_OPTION });
  return [
    subsection(`brokerctl ${usageOf(command)}`),
    prose(`${summary}.`),
    ...(details === undefined ? [] : [paragraphs(details)]),
    ...positionals.map((one) => entry(one.name, one.help)),
    ...flags.map(([flag, spec]) => entry(flagOf(flag, spec), describe(spec))),
    `.PP\nExamples of ${bold(name)}:`,
    verbatim(examples),
    ...(codes.length === 0 ? [] : [`.PP\nExit codes of its own:`, ...codes.map((line) => `.br\n${prose(line)}`)]),
  ].join("\n");
}

/** `0 done · 1 failed`, a code a line. */
function exitCodes(lines: readonly string[]): readonly string[] {
  const codes = lines.flatMap((line) => line.split(" · "));
  return codes.map((line) => {
    const [code = "", ...words] = line.split(" ");
    return entry(code, words.join(" "));
  });
}

/** brokerd has no table of commands; a test holds this page to its flags and to its own `--help`. */
function brokerdPage(version: string): string {
  return page([
    head({ name: "brokerd", section: "8", version }),
    section("Name"),
    prose("brokerd - the credbroker daemon"),
    section("Synopsis"),
    `${bold("brokerd")} ${prose("[--supervised] [--log-file FILE]")}`,
    `.br\n${bold("brokerd --check-config")}`,
    `.br\n${bold("brokerd --forget-data-key")} ${prose("[--dry-run] [--prompt]")}`,
    `.br\n${bold("brokerd")} ${prose("--version | --help")}`,
    section("Description"),
    prose(
      "brokerd holds Identity Center logins and long-term keys in a sealed store, assumes the configured roles, renews their",
    ),
    prose(
      "credentials before they run out, and serves them on a loopback endpoint. It runs in the foreground and logs on stderr.",
    ),
    prose("brokerctl(1) starts it where it is needed, and `brokerctl service install` gives it to systemd or launchd."),
    section("Options"),
    ...Object.entries(BROKERD_FLAGS).map(([flag, does]) => entry(flag, does)),
    section("Environment"),
    ...Object.entries(BROKERD_ENVIRONMENT).map(([name, does]) => entry(name, does)),
    section("Files"),
    entry(
      "$XDG_CONFIG_HOME/credbroker/config.yaml",
      "the config; macOS: ~/Library/Application Support/credbroker/config.yaml",
    ),
    entry(
      "$XDG_STATE_HOME/credbroker/",
      "state: the secret store, leases, cached credentials (sealed), the record, the log",
    ),
    entry("$XDG_RUNTIME_DIR/credbroker/control.sock", "the control socket, which brokerctl asks"),
    section("Signals"),
    entry("SIGTERM, SIGINT", "stop; a second one ends brokerd at once"),
    entry("SIGHUP", "read the config again"),
    section("Exit status"),
    ...exitCodes(["0 ended as asked · 1 failed · 2 usage or config"]),
    section("Examples"),
    verbatim(["brokerd --check-config", "CREDBROKER_HOME=/srv/broker CREDBROKER_LOG_LEVEL=debug brokerd"]),
    section("See also"),
    `${bold("brokerctl")}(1)`,
  ]);
}

const BROKERD_FLAGS: Readonly<Record<string, string>> = {
  "--supervised":
    "stay up, degraded, when config.yaml is missing or not valid, and serve the roles that are, where only single entries are bad",
  "--log-file FILE": "log to FILE, rotated, instead of stderr; implies --supervised",
  "--check-config": "check config.yaml and end",
  "--forget-data-key": "remove the data key from the OS keychain and end",
  "--dry-run": "with --forget-data-key: say whether the data key is there, remove nothing",
  "--prompt": "with --forget-data-key: the keychain may ask for its password",
  "--unless-stopped-since MS":
    "end at once where `brokerctl stop` ran after that time (epoch milliseconds); brokerctl gives it",
  "--version": "print the version",
  "-h, --help": "print a short help",
};

const BROKERD_ENVIRONMENT: Readonly<Record<string, string>> = {
  "CREDBROKER_HOME=DIR": "keep everything under DIR",
  CREDBROKER_LOG_LEVEL: "debug, info (the default), warn or error",
  CREDBROKER_PASSPHRASE_FILE: "a file with the passphrase of the secret store",
};

function page(parts: readonly string[]): string {
  return `${parts.join("\n")}\n`;
}
