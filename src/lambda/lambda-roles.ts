import type { LambdaMode } from "../core/deployed-function.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import {
  count,
  fieldsOf,
  listOf,
  matching,
  oneOf,
  optional,
  required,
  text,
  versionedJson,
} from "../core/json-fields.js";
import type { Role } from "../core/role.js";
import { Mutex } from "../core/serial.js";
import { StateFile, type WriteAtomic } from "../files/state-file.js";
import type { Clock } from "../system/clock.js";
import { type LambdaRoleDefinition, lambdaRole, type Workload } from "./lambda-role.js";

export interface LambdaRolesOptions {
  /** `lambda-roles.json` in the state directory. */
  readonly path: string;
  readonly writeAtomic: WriteAtomic;
  readonly clock: Clock;
}

/** A definition and when it was last made. */
interface LambdaRoleRecord {
  readonly definition: LambdaRoleDefinition;
  /** Epoch milliseconds. */
  readonly madeAt: number;
}

/** Between the making of a role and the lease on it: a definition that no lease names yet is kept so long. */
const KEEP_MS = 60 * 60_000;

const VERSION = 2;
/** A task's family and ARN stood in the fields of a function. */
const FORMER_VERSION = 1;
const MODES: readonly LambdaMode[] = ["assume", "session-policy"];
const roleArn = matching(/^arn:[\w-]+:iam::\d{12}:role\/.+$/);
const arns = (value: unknown): readonly string[] | undefined =>
  Array.isArray(value) && value.every((arn): arn is string => text(arn) !== undefined) ? value : undefined;

/**
 * The roles of functions and tasks, which no entry of the config names: kept on disk, so that a lease on one outlives the daemon. A file
 * that cannot be read does not keep the daemon from starting: its roles are then not known, and none can be made until
 * it is fixed, because writing would replace it. It is read again before each try.
 */
export class LambdaRoles {
  readonly #file: StateFile;
  readonly #clock: Clock;
  #records: ReadonlyMap<string, LambdaRoleRecord> = new Map();
  #problem: BrokerError | undefined;
  readonly #writes = new Mutex();

  constructor({ path, writeAtomic, clock }: LambdaRolesOptions) {
    this.#file = new StateFile({ path, writeAtomic, what: "roles of functions and tasks" });
    this.#clock = clock;
  }

  /** Once, before all else; resolves with what is wrong with the file, if anything. */
  async load(): Promise<BrokerError | undefined> {
    try {
      const records = (await this.#file.read(parseLambdaRoles)) ?? [];
      this.#records = new Map(records.map((record) => [record.definition.name, record]));
      this.#problem = undefined;
    } catch (error) {
      this.#problem = toBrokerError(error);
    }
    return this.#problem;
  }

  /** Keeps a definition, in place of the one of its name; durable once it resolves. */
  put(definition: LambdaRoleDefinition): Promise<void> {
    return this.#change((records) => new Map(records).set(definition.name, { definition, madeAt: this.#clock.now() }));
  }

  get(name: string): LambdaRoleDefinition | undefined {
    return this.#records.get(name)?.definition;
  }

  /** The role of that name; undefined: it is not known, or the config no longer has its `via`. Never throws. */
  role(name: string, resolveVia: (via: string) => Role | undefined): Role | undefined {
    const definition = this.get(name);
    const via = definition && resolveVia(definition.via);
    if (!definition || !via) return undefined;
    try {
      return lambdaRole(definition, via);
    } catch (error) {
      // The config changed: via cannot be narrowed any more, and what cannot be narrowed is not served.
      if (error instanceof BrokerError && error.code === "PolicyUnfit") return undefined;
      throw error;
    }
  }

  /** Lets go of what no lease names (any more), an hour after it was made. */
  async keepOnly(names: ReadonlySet<string>): Promise<void> {
    const before = this.#clock.now() - KEEP_MS;
    const mayGo = ({ definition, madeAt }: LambdaRoleRecord): boolean => !names.has(definition.name) && madeAt < before;
    if (this.#problem || ![...this.#records.values()].some(mayGo)) return;
    await this.#change((records) => new Map([...records].filter(([, record]) => !mayGo(record))));
  }

  /** One after the other: in memory once it is on disk. */
  #change(
    next: (records: ReadonlyMap<string, LambdaRoleRecord>) => ReadonlyMap<string, LambdaRoleRecord>,
  ): Promise<void> {
    return this.#writes.run(async () => {
      if (this.#problem && (await this.load())) throw this.#problem;
      const records = next(this.#records);
      await this.#file.write(renderLambdaRoles(records.values()));
      this.#records = records;
    });
  }
}

/** What `lambda-roles.json` holds. */
function renderLambdaRoles(records: Iterable<LambdaRoleRecord>): string {
  const roles = [...records].map(({ definition, madeAt }) => ({ ...definition, madeAt }));
  return `${JSON.stringify({ version: VERSION, roles }, null, 2)}\n`;
}

/** Strict: what is unknown, missing, doubled or out of range throws an Error that says where. */
function parseLambdaRoles(json: string): readonly LambdaRoleRecord[] {
  const root = fieldsOf(versionedJson(json, VERSION, [FORMER_VERSION]), "the file", ["version", "roles"]);
  const isFormer = root.values.get("version") === FORMER_VERSION;
  const records = listOf(root, "roles", isFormer ? parseFormerRecord : parseRecord);
  const names = new Set(records.map(({ definition }) => definition.name));
  if (names.size < records.length) throw new Error("a role stands there twice");
  return records;
}

const FIELDS = ["name", "workload", "roleArn", "via", "mode", "region", "policy", "policyArns", "madeAt"];
const KINDS: readonly Workload["kind"][] = ["function", "task"];

function parseRecord(value: unknown, at: string): LambdaRoleRecord {
  const fields = fieldsOf(value, at, FIELDS);
  const definition = {
    name: required(fields, "name", text),
    workload: parseWorkload(fields.values.get("workload"), `${at}.workload`),
    roleArn: required(fields, "roleArn", roleArn),
    via: required(fields, "via", text),
    mode: required(fields, "mode", oneOf(MODES)),
    region: required(fields, "region", text),
    ...optional(fields, "policy", text),
    ...optional(fields, "policyArns", arns),
  };
  return { definition, madeAt: required(fields, "madeAt", count) };
}

function parseWorkload(value: unknown, at: string): Workload {
  const fields = fieldsOf(value, at, ["kind", "name", "arn"]);
  return {
    kind: required(fields, "kind", oneOf(KINDS)),
    name: required(fields, "name", text),
    arn: required(fields, "arn", text),
  };
}

function parseFormerRecord(value: unknown, at: string): LambdaRoleRecord {
  const former = ["functionName", "functionArn", "functionRoleArn"];
  const { values } = fieldsOf(value, at, [
    ...former,
    ...FIELDS.filter((name) => name !== "workload" && name !== "roleArn"),
  ]);
  const arn = values.get("functionArn");
  const kind = typeof arn === "string" && /^arn:[\w-]+:ecs:/.test(arn) ? "task" : "function";
  const kept = [...values].filter(([name]) => !former.includes(name));
  const workload = { kind, name: values.get("functionName"), arn };
  return parseRecord({ ...Object.fromEntries(kept), workload, roleArn: values.get("functionRoleArn") }, at);
}
