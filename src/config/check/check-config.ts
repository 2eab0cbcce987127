import { DURATION_RULE, LONGEST_DURATION_SECONDS, secondsOfDuration } from "../../core/duration.js";
import type { Config } from "../config.js";
import { valueAt } from "../field-positions.js";
import { deepFreeze, frozenMap } from "../freeze.js";
import { programsOf } from "../programs-of.js";
import { readYaml, type YamlReading } from "../read-yaml.js";
import { type ResolvedConfig, resolveRoles } from "../resolve-roles.js";
import { roleSchema } from "../schema/role-schema.js";
import { type ConfigFile, configSchema } from "../schema/schema.js";
import { sourceSchema } from "../schema/source-schema.js";
import { checkLambdaVia } from "./check-lambda-via.js";
import type { ConfigProblem } from "./config-problem.js";
import { explainIssues } from "./explain-issues.js";
import type { Entries } from "./link-roles.js";

const DEFAULT_PORT = 9171;
const DEFAULT_IDLE_AFTER = "8h";

/** A config's text and what its session names are made of. */
export interface ConfigText {
  readonly text: string;
  /** Where the text is from: for messages only. */
  readonly path: string;
  /** {user} and {host} of role_session_name. */
  readonly user: string;
  readonly host: string;
}

/** Either `config`, or at least one problem. */
export interface CheckedConfig {
  readonly config?: Config;
  readonly problems: readonly ConfigProblem[];
  readonly reading: YamlReading;
}

/** Reads, validates and cross-checks a config; what is wrong comes back, all of it. */
export function checkConfig(source: ConfigText): CheckedConfig {
  const reading = readYaml(source.text);
  const { root, positions } = reading;
  if (!root) return { problems: reading.problems, reading };

  const parsed = configSchema.safeParse(root);
  const issues = parsed.success ? [] : explainIssues(parsed.error.issues, { root, positions });
  const entries = {
    sources: entriesOf(root["sources"], sourceSchema),
    roles: entriesOf(root["roles"], roleSchema),
  };
  const resolved = resolveRoles({
    ...entries,
    defaultRegion: textAt(root, ["defaults", "region"]),
    user: source.user,
    host: source.host,
  });
  const file = parsed.data;
  const via = checkLambdaVia(textAt(root, ["lambda", "via"]), { ...entries, resolved: resolved.sources });
  const problems = [...issues, ...(file ? checkTop(file) : []), ...resolved.problems, ...via];
  const all = [...reading.problems, ...withoutRepeats(problems, reading.problems)];
  if (!file || all.length > 0) return { problems: all, reading };
  return { config: buildConfig(file, resolved), problems: [], reading };
}

interface EntrySchema<Entry> {
  safeParse(value: unknown): { readonly data?: Entry | undefined };
}

/** The entries of a section one by one: a broken one does not keep the others from being checked. */
function entriesOf<Entry>(section: unknown, schema: EntrySchema<Entry>): Entries<Entry> {
  if (typeof section !== "object" || section === null || Array.isArray(section)) return new Map();
  return new Map(Object.entries(section).map(([name, entry]) => [name, schema.safeParse(entry).data]));
}

function textAt(root: unknown, path: readonly string[]): string | undefined {
  const value = valueAt(root, path);
  return typeof value === "string" ? value : undefined;
}

function checkTop(file: ConfigFile): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const { secret_store: store, data_key_command: command, refresh } = file;
  if (store === "command" && command === undefined) {
    problems.push({ path: ["data_key_command"], message: "is required with secret_store: command" });
  }
  if (store !== "command" && command !== undefined) {
    const message = `has no effect with secret_store: ${store}; remove it, or set secret_store: command`;
    problems.push({ path: ["data_key_command"], message, at: "key" });
  }
  const idleAfter = refresh?.idle_after;
  if (idleAfter !== undefined && (secondsOfDuration(idleAfter) ?? 0) > LONGEST_DURATION_SECONDS) {
    problems.push({ path: ["refresh", "idle_after"], message: `${DURATION_RULE}, not ${idleAfter}` });
  }
  return problems;
}

/** What the YAML reader has said of a field, the schema need not say again. */
function withoutRepeats(problems: readonly ConfigProblem[], said: readonly ConfigProblem[]): ConfigProblem[] {
  const key = ({ path }: ConfigProblem): string => JSON.stringify(path);
  const paths = new Set(said.map(key));
  return problems.filter((problem) => !paths.has(key(problem)));
}

function buildConfig(file: ConfigFile, { sources, roles }: ResolvedConfig): Config {
  const { endpoint, refresh } = file;
  return deepFreeze({
    secretStore: file.secret_store,
    ...optionalFields(file),
    endpointPort: endpoint?.port ?? DEFAULT_PORT,
    sources: frozenMap(sources),
    roles: frozenMap(roles),
    programs: programsOf(sources.values(), file.data_key_command),
    idleAfterMs: (secondsOfDuration(refresh?.idle_after ?? DEFAULT_IDLE_AFTER) ?? 0) * 1000,
  });
}

function optionalFields({ data_key_command: command, defaults, lambda }: ConfigFile): Partial<Config> {
  return {
    ...(command === undefined ? {} : { dataKeyCommand: command }),
    ...(defaults?.region === undefined ? {} : { defaultRegion: defaults.region }),
    ...(lambda?.via === undefined ? {} : { lambdaVia: lambda.via }),
  };
}
