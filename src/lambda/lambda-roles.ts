import { BrokerError, toBrokerError } from "../core/errors.js";
import type { Role } from "../core/role.js";
import { Mutex } from "../core/serial.js";
import { StateFile, type WriteAtomic } from "../files/state-file.js";
import type { Clock } from "../system/clock.js";
import { type LambdaRoleDefinition, lambdaRole } from "./lambda-role.js";
import { type LambdaRoleRecord, parseLambdaRoles, renderLambdaRoles } from "./lambda-role-records.js";

export interface LambdaRolesOptions {
  /** `lambda-roles.json` in the state directory. */
  readonly path: string;
  readonly writeAtomic: WriteAtomic;
  readonly clock: Clock;
}

/** Between the making of a role and the lease on it: a definition that no lease names yet is kept so long. */
const KEEP_MS = 60 * 60_000;

/**
 * The roles of functions, which no entry of the config names: kept on disk, so that a lease on one outlives the daemon. A file
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
    this.#file = new StateFile({ path, writeAtomic, what: "roles of Lambda functions" });
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
