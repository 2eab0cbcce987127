import type { Command, OptionSpec } from "./command.js";
import type { CommandEntry, CommandGroup } from "./command-entry.js";

const LEFT = 30;
/** Columns; where a help text is broken. */
const WIDTH = 120;
const HELP_OPTION: OptionSpec = { type: "boolean", short: "h", help: "print this text" };

const ENVIRONMENT = `Environment:
  CREDBROKER_HOME=DIR           keep everything under DIR
  CREDBROKER_NO_AUTOSTART=1     never start brokerd by itself
  CREDBROKER_PASSPHRASE_FILE    where brokerd finds the passphrase of its secret store
  NO_COLOR=1                    no colours`;

const EXIT_CODES = `Exit codes:
  0 done · 1 failed · 2 usage or config · 3 brokerd not reachable · 4 login, MFA or unlock needed · 5 refused`;

/** `brokerctl` alone. */
export function overview(commands: Readonly<Record<string, CommandEntry>>): string {
  const groups = new Map<string, string[]>();
  for (const [name, entry] of Object.entries(commands)) {
    groups.set(entry.group, [...(groups.get(entry.group) ?? []), line(`  ${name}`, entry.summary)]);
  }
  const sections = [...groups].map(([group, lines]) => `${group}:\n${lines.join("\n")}`);
  return [
    "brokerctl: AWS credentials for every SDK and CLI from one local broker",
    "Usage: brokerctl COMMAND [ARGUMENTS]",
    ...sections,
    `First steps:
  brokerctl init                          config, secret store, daemon
  brokerctl keys add ops                  a long-term key, typed without echo
  brokerctl role add dev --source ops --role-arn arn:aws:iam::111111111111:role/dev
  eval "$(brokerctl env)"                 this shell asks the broker
  brokerctl use dev                       … for the role dev`,
    ENVIRONMENT,
    EXIT_CODES,
    "`brokerctl COMMAND --help` says more; `brokerctl --version` names the version.",
  ].join("\n\n");
}

/** `brokerctl keys --help`. */
export function groupHelp(name: string, group: CommandGroup): string {
  const lines = Object.entries(group.subcommands).map(([verb, { summary }]) => line(`  ${name} ${verb}`, summary));
  return [
    group.summary,
    `Usage: brokerctl ${name} COMMAND [ARGUMENTS]`,
    `Commands:\n${lines.join("\n")}`,
    `\`brokerctl ${name} COMMAND --help\` says more.`,
  ].join("\n\n");
}

/** `brokerctl keys add --help`. */
export function commandHelp(command: Command): string {
  const positionals = (command.positionals ?? []).map(({ name, help }) => line(`  ${name}`, help));
  const options = Object.entries({ ...command.options, help: HELP_OPTION }).map(([name, spec]) =>
    line(`  ${flagOf(name, spec)}`, describe(spec)),
  );
  return [
    command.summary,
    `Usage: brokerctl ${usageOf(command)}`,
    ...(command.details === undefined ? [] : [command.details]),
    ...(positionals.length > 0 ? [`Arguments:\n${positionals.join("\n")}`] : []),
    `Flags:\n${options.join("\n")}`,
    `Examples:\n${command.examples.map((example) => `  ${example}`).join("\n")}`,
    [EXIT_CODES, ...(command.exitCodes ?? []).map((code) => `  ${code}`)].join("\n"),
  ].join("\n\n");
}

function usageOf({ name, positionals = [], rest }: Command): string {
  return [
    name,
    ...positionals.map(({ name: what, required, repeat }) => {
      const shown = `${what}${repeat ? "…" : ""}`;
      return required ? shown : `[${shown}]`;
    }),
    "[FLAGS]",
    ...(rest === undefined ? [] : [`[-- ${rest}]`]),
  ].join(" ");
}

function flagOf(name: string, spec: OptionSpec): string {
  const value = spec.type === "string" ? ` ${spec.choices?.join("|") ?? spec.value ?? "VALUE"}` : "";
  return `${spec.short === undefined ? "" : `-${spec.short}, `}--${name}${value}${spec.repeat ? " …" : ""}`;
}

function describe(spec: OptionSpec): string {
  return spec.repeat ? `${spec.help} (may be repeated)` : spec.help;
}

function line(left: string, right: string): string {
  const indent = " ".repeat(LEFT + 2);
  const text = wrapped(right).join(`\n${indent}`);
  return left.length < LEFT ? `${left.padEnd(LEFT)}  ${text}` : `${left}\n${indent}${text}`;
}

function wrapped(text: string): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > WIDTH - LEFT) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
