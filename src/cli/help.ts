import type { Command, CommandEntry, CommandGroup, OptionSpec } from "./command.js";
import { widthOf, wrapped } from "./terminal/table.js";

/** Columns: a longer line is hard to read, a narrower page breaks where it must. */
const WIDEST = 120;
const NARROWEST = 40;
/** Where the width of the page is unknown: a file, a pager. */
const USUAL = 100;
/** Of the left column; below USUAL a share of the page. */
const LEFT = 30;
const LEFT_SHARE = 0.3;
const GAP = "  ";

export const HELP_OPTION: OptionSpec = { type: "boolean", short: "h", help: "print this text" };

export const ENVIRONMENT: readonly (readonly [name: string, does: string])[] = [
  ["CREDBROKER_HOME=DIR", "keep everything under DIR"],
  ["CREDBROKER_NO_AUTOSTART=1", "never start brokerd by itself"],
  ["CREDBROKER_PASSPHRASE_FILE", "where brokerd finds the passphrase of its secret store"],
  ["NO_COLOR=1", "no colours; FORCE_COLOR=1: colours on a terminal that is said to have none"],
];

export const FIRST_STEPS: readonly string[] = [
  "brokerctl init                          config, secret store, daemon",
  "brokerctl keys add ops                  a long-term key, typed without echo",
  "brokerctl role add dev --source ops --role-arn arn:aws:iam::111111111111:role/dev",
  'eval "$(brokerctl env)"                 this shell asks the broker',
  "brokerctl use dev                       … for the role dev",
];

export const EXIT_CODES =
  "0 done · 1 failed · 2 usage or config · 3 brokerd not reachable · 4 login, MFA or unlock needed · 5 refused";

/** `brokerctl` alone. `columns`: of the terminal. */
export function overview(commands: Readonly<Record<string, CommandEntry>>, columns?: number): string {
  const page = new Page(columns);
  const groups = new Map<string, string[]>();
  for (const [name, entry] of Object.entries(commands)) {
    groups.set(entry.group, [...(groups.get(entry.group) ?? []), page.row(name, entry.summary)]);
  }
  return [
    page.text("brokerctl: AWS credentials for every SDK and CLI from one local broker"),
    page.text("Usage: brokerctl COMMAND [ARGUMENTS]"),
    ...[...groups].map(([group, lines]) => `${group}:\n${lines.join("\n")}`),
    `First steps:\n${FIRST_STEPS.map((step) => page.example(step)).join("\n")}`,
    `Environment:\n${ENVIRONMENT.map(([name, does]) => page.row(name, does)).join("\n")}`,
    `Exit codes:\n${page.text(EXIT_CODES, GAP)}`,
    page.text("`brokerctl COMMAND --help` says more; `brokerctl --version` names the version."),
  ].join("\n\n");
}

/** `brokerctl keys --help`. */
export function groupHelp(name: string, group: CommandGroup, columns?: number): string {
  const page = new Page(columns);
  const lines = Object.entries(group.subcommands).map(([verb, { summary }]) => page.row(`${name} ${verb}`, summary));
  return [
    page.text(group.summary),
    page.text(`Usage: brokerctl ${name} COMMAND [ARGUMENTS]`),
    `Commands:\n${lines.join("\n")}`,
    page.text(`\`brokerctl ${name} COMMAND --help\` says more.`),
  ].join("\n\n");
}

/** `brokerctl keys add --help`. */
export function commandHelp(command: Command, columns?: number): string {
  const page = new Page(columns);
  const positionals = (command.positionals ?? []).map(({ name, help }) => page.row(name, help));
  const options = Object.entries({ ...command.options, help: HELP_OPTION }).map(([name, spec]) =>
    page.row(flagOf(name, spec), describe(spec)),
  );
  return [
    page.text(command.summary),
    page.text(`Usage: brokerctl ${usageOf(command)}`),
    ...(command.details === undefined ? [] : [page.paragraphs(command.details)]),
    ...(positionals.length > 0 ? [`Arguments:\n${positionals.join("\n")}`] : []),
    `Flags:\n${options.join("\n")}`,
    `Examples:\n${command.examples.map((example) => page.example(example)).join("\n")}`,
    ["Exit codes:", ...[EXIT_CODES, ...(command.exitCodes ?? [])].map((codes) => page.text(codes, GAP))].join("\n"),
  ].join("\n\n");
}

export function usageOf({ name, positionals = [], rest }: Command): string {
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

export function flagOf(name: string, spec: OptionSpec): string {
  const shown = spec.choices?.join("|") ?? spec.value ?? "VALUE";
  const value = spec.type === "boolean" ? "" : spec.bare === undefined ? ` ${shown}` : `[=${shown}]`;
  return `${spec.short === undefined ? "" : `-${spec.short}, `}--${name}${value}${spec.repeat ? " …" : ""}`;
}

export function describe(spec: OptionSpec): string {
  return spec.repeat ? `${spec.help} (may be repeated)` : spec.help;
}

/** Text of at most so many columns. */
class Page {
  readonly #width: number;
  readonly #left: number;

  constructor(columns = USUAL) {
    this.#width = Math.min(Math.max(columns, NARROWEST), WIDEST);
    this.#left = this.#width < USUAL ? Math.floor(this.#width * LEFT_SHARE) : LEFT;
  }

  text(text: string, indent = ""): string {
    return wrapped(text, this.#width - indent.length)
      .map((line) => indent + line)
      .join("\n");
  }

  /** Lines are filled anew; those that begin with a blank stay lines of their own. */
  paragraphs(text: string): string {
    const lines = text.replaceAll(/(?<=\S)\n(?=\S)/g, " ").split("\n");
    return lines.map((line) => this.text(line.trimStart(), /^ */.exec(line)?.[0] ?? "")).join("\n");
  }

  /** What is named on the left is explained on the right, or below where it is too long. */
  row(name: string, text: string): string {
    const left = GAP + name;
    const indent = " ".repeat(this.#left + GAP.length);
    const lines = wrapped(text, this.#width - indent.length);
    if (widthOf(left) < this.#left) return left.padEnd(this.#left) + GAP + lines.join(`\n${indent}`);
    return [this.text(name, GAP), ...lines.map((line) => indent + line)].join("\n");
  }

  /** `COMMAND      what it does`: on a line, or the one below the other; a long command goes on behind a backslash. */
  example(example: string): string {
    if (widthOf(GAP + example) <= this.#width) return GAP + example;
    const [command = "", remark] = example.split(/ {3,}/, 2);
    const below = remark === undefined ? [] : [this.text(remark, GAP.repeat(3))];
    return [this.#command(command), ...below].join("\n");
  }

  #command(command: string): string {
    const goesOn = " \\";
    const lines: string[] = [];
    for (const word of command.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? []) {
      const last = lines.at(-1);
      if (last === undefined) lines.push(GAP + word);
      else if (widthOf(last) + 1 + widthOf(word) + goesOn.length <= this.#width)
        lines[lines.length - 1] = `${last} ${word}`;
      else lines.push(GAP.repeat(2) + word);
    }
    return lines.join(`${goesOn}\n`);
  }
}
