import { DURATION_RULE, LONGEST_DURATION_SECONDS, secondsOfDuration } from "../../core/duration.js";
import type { Source } from "../../core/role.js";
import type { Schedule } from "../../core/schedule.js";
import type { Config, LeftOutEntry } from "../config.js";
import { valueAt } from "../field-positions.js";
import { guardsOfLeftOut, type LeftOutGuard } from "../left-out-guards.js";
import { checkProjects, projectsOf } from "../projects.js";
import { readYaml, type YamlReading } from "../read-yaml.js";
import { readRules } from "../request-rules.js";
import { type ResolvedConfig, resolveRoles } from "../resolve-roles.js";
import { readSchedules } from "../schedules.js";
import { type ProjectEntry, projectSchema } from "../schema/project-schema.js";
import type { RoleEntry } from "../schema/role-schema.js";
import { roleSchema } from "../schema/role-schema.js";
import { type ConfigFile, configSchema } from "../schema/schema.js";
import { sourceSchema } from "../schema/source-schema.js";
import { checkRoleReference } from "./check-role-reference.js";
import type { ConfigProblem } from "./config-problem.js";
import { explainIssues } from "./explain-issues.js";
import type { Entries } from "./link-roles.js";
import { unguardedAliases } from "./unguarded-aliases.js";

const DEFAULT_PORT = 9171;
const DEFAULT_IDLE_AFTER = "8h";
/** A setting that names an entry, and which nothing else builds on. */
export const LAMBDA_VIA = "lambda.via";
/** All of them: who meant one of them may have meant the others otherwise, too. */
export const SCHEDULES = "schedules";

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
  /** Absent where the file's top has problems: entries one by one say nothing then. */
  readonly parts?: ConfigParts;
}

/** The entries as far as they could be read, and the config that is left without some of them. */
export interface ConfigParts {
  readonly roles: Entries<RoleEntry>;
  readonly sources: Entries<unknown>;
  readonly lambdaVia: string | undefined;
  without(leftOut: readonly LeftOutEntry[]): Config;
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
    secretStore: textAt(root, ["secret_store"]),
    defaultRegion: textAt(root, ["defaults", "region"]),
    user: source.user,
    host: source.host,
  });
  const lambdaVia = textAt(root, ["lambda", "via"]);
  const known = { ...entries, resolved: resolved.sources };
  const via = lambdaVia === undefined ? [] : checkRoleReference({ path: ["lambda", "via"], name: lambdaVia }, known);
  const projects = entriesOf(root["projects"], projectSchema);
  const top = topOf(root);
  const timed = readSchedules(root["schedules"], { ...known, notices: top?.notices ?? "on" });
  const problems = [
    ...issues,
    ...timed.problems,
    ...(top ? [...checkTop(top), ...readRules(top.requests).problems] : []),
    ...resolved.problems,
    ...via,
    ...checkProjects(projects, known),
  ];
  const all = [...reading.problems, ...withoutRepeats(problems, reading.problems)];
  if (!top) return { problems: all, reading };
  const build = (leftOut: readonly LeftOutEntry[]): Config =>
    buildConfig(top, { ...resolved, ...timed, lambdaVia, projects, leftOut, rawRoles: root["roles"] });
  if (all.length === 0) return { config: build([]), problems: [], reading };
  return { problems: all, reading, parts: { ...entries, lambdaVia, without: build } };
}

/** All but the entries; undefined where that breaks the schema itself. */
function topOf(root: Readonly<Record<string, unknown>>): ConfigTop | undefined {
  return configSchema.safeParse({ ...root, sources: null, roles: null, projects: null, lambda: null, schedules: null })
    .data;
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

type ConfigTop = Omit<ConfigFile, "sources" | "roles" | "projects" | "lambda" | "schedules">;

function checkTop(file: ConfigTop): ConfigProblem[] {
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

interface InForce extends Pick<ResolvedConfig, "sources" | "roles"> {
  readonly schedules: readonly Schedule[];
  readonly lambdaVia: string | undefined;
  readonly projects: Entries<ProjectEntry>;
  readonly leftOut: readonly LeftOutEntry[];
  readonly rawRoles: unknown;
}

function buildConfig(file: ConfigTop, found: InForce): Config {
  const { endpoint, refresh } = file;
  const { leftOut } = found;
  const isLeftOut = (kind: LeftOutEntry["kind"], name: string): boolean => names.has(`${kind} ${name}`);
  const names = new Set(leftOut.map(({ kind, name }) => `${kind} ${name}`));
  const sources = new Map([...found.sources].filter(([name]) => !isLeftOut("source", name)));
  const roles = new Map([...found.roles].filter(([name]) => !isLeftOut("role", name)));
  const lambdaVia = isLeftOut("setting", LAMBDA_VIA) ? undefined : found.lambdaVia;
  const notes = unguardedAliases(roles);
  return deepFreeze({
    secretStore: file.secret_store,
    ...optionalFields(file),
    ...(lambdaVia === undefined ? {} : { lambdaVia }),
    ...(leftOut.length === 0 ? {} : { leftOut, leftOutGuards: leftOutGuards(file, found) }),
    ...(notes.length === 0 ? {} : { notes }),
    endpointPort: endpoint?.port ?? DEFAULT_PORT,
    sources: frozenMap(sources),
    roles: frozenMap(roles),
    projects: projectsOf(found.projects).filter(({ name }) => !isLeftOut("project", name)),
    requestRules: readRules(file.requests).rules,
    ...unaskedOf(file, found),
    programs: programsOf(sources.values(), file.data_key_command),
    idleAfterMs: (secondsOfDuration(refresh?.idle_after ?? DEFAULT_IDLE_AFTER) ?? 0) * 1000,
  });
}

/** What is told and done by itself. */
function unaskedOf(
  { notices = "on" }: ConfigTop,
  { schedules, leftOut }: InForce,
): Pick<Config, "notices" | "schedules"> {
  const areLeftOut = leftOut.some(({ kind, name }) => kind === "setting" && name === SCHEDULES);
  return { notices, schedules: areLeftOut ? [] : schedules };
}

function leftOutGuards(
  { secret_store: secretStore }: ConfigTop,
  { leftOut, rawRoles }: InForce,
): readonly LeftOutGuard[] {
  const names = leftOut.filter(({ kind }) => kind === "role").map(({ name }) => name);
  return guardsOfLeftOut(names, { roles: rawRoles, secretStore });
}

function optionalFields({ data_key_command: command, defaults, askpass }: ConfigTop): Partial<Config> {
  return {
    ...(command === undefined ? {} : { dataKeyCommand: command }),
    ...(defaults?.region === undefined ? {} : { defaultRegion: defaults.region }),
    ...(askpass === undefined ? {} : { askpass }),
  };
}

/** What in the config runs the user's programs: a service that starts brokerd must let them do what they need. */
function programsOf(sources: Iterable<Source>, dataKeyCommand: readonly string[] | undefined): readonly string[] {
  return [...(dataKeyCommand ? ["data_key_command"] : []), ...[...sources].flatMap(programOf)];
}

/** `profile`: the profile may have a credential_process, today or tomorrow. */
function programOf(source: Source): readonly string[] {
  if (source.type === "process" || source.type === "profile") return [`source ${source.name}`];
  return source.type === "keys" && source.mfaProcess !== undefined ? [`mfa_process of ${source.name}`] : [];
}

/** Freezes plain data all the way down, and returns it. */
function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}

/** A map that cannot be changed: `Object.freeze` alone leaves a Map's entries open. */
function frozenMap<Key, Value>(entries: Iterable<readonly [Key, Value]>): ReadonlyMap<Key, Value> {
  const map = new Map<Key, Value>();
  for (const [key, value] of entries) map.set(key, deepFreeze(value));
  const refuse = (): never => {
    throw new TypeError("the config is frozen");
  };
  for (const method of ["set", "delete", "clear"]) Object.defineProperty(map, method, { value: refuse });
  return Object.freeze(map);
}
