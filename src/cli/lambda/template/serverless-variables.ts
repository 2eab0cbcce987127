import { BrokerError } from "../../../core/errors.js";

/** What the variables of a serverless.yml are resolved from: itself, flags and this shell; nothing is fetched, no other file is read. */
export interface VariableSources {
  /** The file's contents. */
  readonly root: Readonly<Record<string, unknown>>;
  /** As errors name it. */
  readonly file: string;
  /** `--stage` and `--region`. */
  readonly options: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** UsageInvalid, with the variable that cannot be resolved; `why` is what may be said beside a secret: it quotes nothing of the file. */
export class UnresolvedVariable extends BrokerError {
  readonly why: string;

  constructor(message: string, why: string) {
    super("UsageInvalid", message, { hint: "name the function as it is deployed: brokerctl lambda list" });
    this.why = why;
  }
}

/** A variable inside a variable inside …: one that means itself has no end. */
const MAX_DEPTH = 32;
/** Of all variables that are looked at: one that names two that name two has too many ends. */
const MAX_VARIABLES = 1000;
/** Of a text with variables, and of what it becomes: names are far shorter. */
const MAX_TEXT = 8192;
/** What a source has that is neither the file, nor a flag, nor this shell. */
const ELSEWHERE = Symbol("elsewhere");

/** `${…}` of Serverless Framework, as its documentation ("Variables") has them: sources with fallbacks, inside each other. */
export class ServerlessVariables {
  readonly #sources: VariableSources;
  #left = MAX_VARIABLES;

  constructor(sources: VariableSources) {
    this.#sources = sources;
  }

  /** The stage that is deployed to: `--stage`, else that of the provider, else `dev`. Throws UnresolvedVariable, as all here. */
  stage(depth = 0): string {
    return this.#sources.options["stage"] ?? this.textAt(["provider", "stage"], depth) ?? "dev";
  }

  /** `--region`, else that of the provider. */
  region(depth = 0): string | undefined {
    return this.#sources.options["region"] ?? this.textAt(["provider", "region"], depth);
  }

  /** The text at a path, its variables resolved; undefined: there is none. */
  textAt(path: readonly string[], depth = 0): string | undefined {
    return scalarText(this.valueAt(path, depth));
  }

  /** What stands at a path: a variable is resolved, those inside a map or a list are not. */
  valueAt(path: readonly string[], depth = 0): unknown {
    return this.#resolved(this.#valueAt(path, depth), path.join("."), depth);
  }

  /** Maps on the way may be variables themselves. */
  #valueAt(path: readonly string[], depth: number): unknown {
    return path.reduce<unknown>((value, key, at) => {
      return childOf(this.#resolved(value, path.slice(0, at).join("."), depth), key);
    }, this.#sources.root);
  }

  #resolved(value: unknown, at: string, depth: number): unknown {
    if (typeof value !== "string" || !value.includes("${")) return value;
    if (depth > MAX_DEPTH || this.#left-- <= 0) throw this.#unresolvable(value, at, "it leads back to itself");
    if (value.length > MAX_TEXT) throw this.#unresolvable("a text", at, "it is too long");
    const parts = partsOf(value);
    if (parts === undefined) throw this.#unresolvable(value, at, "a } is missing");
    const values = parts.map((part) => ("text" in part ? part.text : this.#variable(part.variable, at, depth + 1)));
    if (values.length === 1) return values[0];
    const texts = values.map(scalarText);
    if (texts.includes(undefined)) throw this.#unresolvable(value, at, "a part of it is no text");
    if (texts.reduce((sum, text = "") => sum + text.length, 0) > MAX_TEXT) {
      throw this.#unresolvable(value, at, "it becomes too long");
    }
    return texts.join("");
  }

  /** The first of its sources that has a value; those after it are not looked at. */
  #variable(inner: string, at: string, depth: number): unknown {
    const choices = choicesOf(inner);
    for (const choice of choices) {
      const value = this.#valueOf(choice, at, depth);
      if (value !== undefined && value !== null) return value;
    }
    throw this.#unresolvable(`\${${inner}}`, at, choices.map(whyNot).join(", "));
  }

  #valueOf(choice: string, at: string, depth: number): unknown {
    const [only, ...others] = partsOf(choice) ?? [];
    // A variable in place of a source is a value; as a part of one it is a part of an address.
    if (only && "variable" in only && others.length === 0) return this.#resolved(choice, at, depth + 1);
    const address = scalarText(this.#resolved(choice, at, depth + 1)) ?? "";
    const value = literalOf(address) ?? this.#sourceValue(address, depth + 1);
    if (value !== ELSEWHERE) return value;
    // Not passed over for what stands behind it: Serverless would have asked.
    const why = "only Serverless itself or AWS can tell it: nothing is asked, and no other file is read";
    throw this.#unresolvable(`\${${choice}}`, at, why);
  }

  /** undefined: it has no value, and the next one counts. */
  #sourceValue(choice: string, depth: number): unknown {
    const [, source = "", address = ""] = /^([\w-]+):([^]*)$/.exec(choice) ?? [];
    const { options, env } = this.#sources;
    if (source === "self") return this.#resolved(this.#valueAt(pathOf(address), depth), address, depth);
    if (source === "opt") return options[address];
    if (source === "env") return env[address];
    if (source === "param") return this.#parameter(address, depth);
    if (choice === "sls:stage") return this.stage(depth);
    if (choice === "aws:region") return this.region(depth);
    return ELSEWHERE;
  }

  #parameter(name: string, depth: number): unknown {
    const places = [this.stage(depth), "default"].flatMap((stage) => [
      ["stages", stage, "params", name],
      ["params", stage, name],
    ]);
    const values = places.map((path) => this.#resolved(this.#valueAt(path, depth), path.join("."), depth));
    return values.find((value) => value !== undefined);
  }

  #unresolvable(variable: string, at: string, why: string): UnresolvedVariable {
    return new UnresolvedVariable(`${this.#sources.file}: ${at}: ${variable} cannot be resolved: ${why}`, why);
  }
}

function pathOf(address: string): readonly string[] {
  return address === "" ? [] : address.split(".");
}

type Part = { readonly text: string } | { readonly variable: string };

/** Text and variables in turn, outermost ones; undefined: a brace is missing. */
function partsOf(text: string): readonly Part[] | undefined {
  const parts: Part[] = [];
  let rest = text;
  for (let start = rest.indexOf("${"); start >= 0; start = rest.indexOf("${")) {
    const end = closing(rest, start + 2);
    if (end < 0) return undefined;
    if (start > 0) parts.push({ text: rest.slice(0, start) });
    parts.push({ variable: rest.slice(start + 2, end).trim() });
    rest = rest.slice(end + 1);
  }
  return rest === "" && parts.length > 0 ? parts : [...parts, { text: rest }];
}

function closing(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text.startsWith("${", at)) depth++;
    else if (text[at] === "}" && --depth === 0) return at;
  }
  return -1;
}

/** Split at commas that no quotes, parentheses or inner variables hold. */
function choicesOf(text: string): readonly string[] {
  const choices: string[] = [];
  let closers = "";
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text.charAt(at);
    if (letter === "," && closers === "") {
      choices.push(text.slice(start, at));
      start = at + 1;
    } else if (closers !== "" && closers.endsWith(letter)) closers = closers.slice(0, -1);
    else if (!/["']$/.test(closers)) closers += closerOf(letter, text.charAt(at - 1));
  }
  return [...choices, text.slice(start)].map((choice) => choice.trim());
}

function closerOf(letter: string, before: string): string {
  if (letter === "'" || letter === '"') return letter;
  if (letter === "(") return ")";
  return letter === "{" && before === "$" ? "}" : "";
}

function literalOf(choice: string): string | undefined {
  const quoted = /^(?:'([^']*)'|"([^"]*)")$/.exec(choice);
  if (quoted) return quoted[1] ?? quoted[2];
  return /^(?:\d+(?:\.\d+)?|true|false)$/.test(choice) ? choice : undefined;
}

/** Values are not shown, of the shell or of the file: one may be secret. */
function whyNot(text: string): string {
  const choice = text.replaceAll(/'[^']*'|"[^"]*"/g, "'…'");
  if (choice.startsWith("opt:")) return `--${choice.slice(4)} is not given`;
  if (choice.startsWith("env:")) return `${choice.slice(4)} is not set in this shell (no .env file is read)`;
  return `${choice} has no value`;
}

/** An element of a list is at its index. */
function childOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;
}

function scalarText(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined;
}
