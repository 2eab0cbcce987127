import type { Config, LeftOutEntry } from "../config/config.js";
import type { AwsImport } from "../config/import/aws-config-import.js";
import { readConfigFile } from "../config/load-config.js";
import type { ConfigEdit, ImportTexts, RunningConfig } from "../control/control-services.js";
import type { ControlRequest } from "../control-api/contract.js";
import type { EditPlan, EntryShown, SsoRolesPlan } from "../core/config-edit.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import { type Role, ssoRoleParts } from "../core/role.js";
import { Mutex } from "../core/serial.js";
import { readRegularFile } from "../files/read-small-file.js";

export interface ConfigFileOptions {
  readonly path: string;
  readonly user: string;
  readonly host: string;
  /** A role that no entry of this config names. */
  readonly unnamedRole: (name: string, config: Config) => Role | undefined;
  /** The role that a function's role is chained from (`via`); undefined: no function's role has this name. */
  readonly viaOf: (functionRole: string) => string | undefined;
  /** The daemon has no terminal to say what is wrong: bad entries do not keep the others from being served. */
  readonly supervised: boolean;
  /** Called with every config that comes into force, and the one before; says what needs a restart. */
  readonly onChange: (config: Config, former: Config | undefined) => Promise<readonly string[]>;
}

/**
 * The config file and what of it is in force: an invalid file never replaces a running config. What parses and edits it is
 * loaded when it is first needed.
 */
export class RunningConfigFile implements RunningConfig {
  readonly path: string;
  readonly #options: ConfigFileOptions;
  #config: Config | undefined;
  #problem: BrokerError | undefined;
  #loadedText: string | undefined;
  /** Of the file as it is, where that is not in force. */
  #editProblem: BrokerError | undefined;
  #refusedText: string | undefined;
  readonly #reloads = new Mutex();

  constructor(options: ConfigFileOptions) {
    this.path = options.path;
    this.#options = options;
  }

  current(): Config | undefined {
    return this.#config;
  }

  problem(): BrokerError | undefined {
    return this.#config ? undefined : this.#problem;
  }

  async changedOnDisk(): Promise<boolean> {
    return this.#loadedText !== undefined && (await this.#read()) !== this.#loadedText;
  }

  /**
   * An edit of the file by hand comes into force with the next request, if it is valid. Resolves with whether it did; never
   * rejects. What was refused once is not parsed again until it is another text.
   */
  takeUpEdit(): Promise<boolean> {
    const taken = this.#reloads.run(async () => {
      const text = await this.#read();
      if (text === this.#loadedText && this.#config) this.#editProblem = undefined;
      if (text === this.#loadedText || (text !== undefined && text === this.#refusedText)) return false;
      await this.#reload();
      return true;
    });
    return taken.catch(() => false);
  }

  editProblem(): BrokerError | undefined {
    return this.#editProblem;
  }

  /** One after the other: two at once would bind the port and open the secret store twice. */
  reload(): Promise<{ readonly config: Config; readonly notes: readonly string[] }> {
    return this.#reloads.run(() => this.#reload());
  }

  async #reload(): Promise<{ readonly config: Config; readonly notes: readonly string[] }> {
    const former = this.#config;
    let text: string | undefined;
    try {
      text = await readConfigFile({ path: this.path });
      const config = await this.#parse(text, former);
      this.#config = config;
      this.#loadedText = text;
      this.#editProblem = this.#refusedText = undefined;
      return { config, notes: await this.#options.onChange(config, former) };
    } catch (error) {
      this.#problem = toBrokerError(error);
      if (text !== this.#loadedText || text === undefined) {
        this.#editProblem = this.#problem;
        this.#refusedText = text;
      }
      throw this.#problem;
    }
  }

  /** What an edit breaks is not taken up; what is left out already may stay so, or the rest of the file could not change. */
  async #parse(text: string, former: Config | undefined): Promise<Config> {
    if (!this.#options.supervised) return this.check(text, this.path);
    const { parseAround } = await import("../config/parse-around.js");
    const config = parseAround({ text, path: this.path, ...this.#identity() });
    return former && leavesOutMore(config, former) ? this.check(text, this.path) : config;
  }

  whyLeftOut(kind: LeftOutEntry["kind"], name: string): BrokerError | undefined {
    const entry = this.#leftOut(kind, name);
    if (!entry) return undefined;
    const { path } = this;
    const since = this.#editProblem && `; ${path} changed since and is not in force: ${this.#editProblem.message}`;
    return new BrokerError("ConfigInvalid", `${entry.message}${since ?? ""}`, { hint: "brokerctl config edit" });
  }

  /** A role without an entry is left out with what it builds on. */
  #leftOut(kind: LeftOutEntry["kind"], name: string): LeftOutEntry | undefined {
    const entry = this.#config?.leftOut?.find((each) => each.kind === kind && each.name === name);
    if (entry || kind !== "role" || !this.#config?.leftOut) return entry;
    const via = this.#options.viaOf(name);
    if (via !== undefined) return this.#leftOut("role", via);
    const source = ssoRoleParts(name)?.source;
    return source === undefined ? undefined : this.#leftOut("source", source);
  }

  async inFile(): Promise<Config> {
    return this.check(await readConfigFile({ path: this.path }), this.path);
  }

  async check(text: string, path: string): Promise<Config> {
    const { parseConfig } = await import("../config/parse-config.js");
    return parseConfig({ text, path, ...this.#identity() });
  }

  async planSource(edit: ConfigEdit): Promise<EditPlan> {
    const { planSourceAdd } = await import("../config/edit/edit-config.js");
    return planSourceAdd({ ...edit, ...this.#identity() });
  }

  async planRole(edit: ConfigEdit): Promise<EditPlan> {
    const { planRoleAdd } = await import("../config/edit/edit-config.js");
    return planRoleAdd({ ...edit, ...this.#identity() });
  }

  async showEntry(request: ControlRequest<"entry-show">): Promise<EntryShown> {
    const { showEntry } = await import("../config/edit/show-entry.js");
    return showEntry({ ...request, ...this.#identity() });
  }

  async planRename(request: ControlRequest<"entry-rename">): Promise<EditPlan> {
    const { planRename } = await import("../config/edit/rename-entry.js");
    return planRename({ ...request, ...this.#identity() });
  }

  async planRemove(request: ControlRequest<"entry-remove">): Promise<EditPlan> {
    const { planRemove } = await import("../config/edit/remove-entry.js");
    return planRemove({ ...request, ...this.#identity() });
  }

  async planSsoRoles(request: ControlRequest<"sso-roles-plan">): Promise<SsoRolesPlan> {
    const { planSsoRoles } = await import("../config/edit/plan-sso-roles.js");
    return planSsoRoles({ ...request, ...this.#identity() });
  }

  unnamedRole(name: string): Role | undefined {
    return this.#config && this.#options.unnamedRole(name, this.#config);
  }

  async planImport(request: ImportTexts): Promise<AwsImport> {
    const { planAwsImport } = await import("../config/import/aws-config-import.js");
    return planAwsImport({ ...request, ...this.#identity() });
  }

  async jsonSchema(): Promise<Readonly<Record<string, unknown>>> {
    return (await import("../config/schema/schema.js")).configJsonSchema();
  }

  #identity(): { readonly user: string; readonly host: string } {
    const { user, host } = this.#options;
    return { user, host };
  }

  async #read(): Promise<string | undefined> {
    return readRegularFile(this.path).catch(() => undefined);
  }
}

function leavesOutMore({ leftOut = [] }: Config, former: Config): boolean {
  const keyOf = ({ kind, name }: LeftOutEntry): string => `${kind} ${name}`;
  const before = new Set(former.leftOut?.map(keyOf));
  return leftOut.some((entry) => !before.has(keyOf(entry)));
}
