import { once } from "node:events";
import { join } from "node:path";
import { type Form, type LeaseForm, leaseVariables } from "../../src/cli/access/lease-variables.js";
import type { VerdictJson } from "../../src/cli/doctor/print.js";
import type { LeaseAccess } from "../../src/control-api/lease-contract.js";
import type { Bench } from "../clients/bench.js";
import { endGroup, start } from "../support/processes.js";
import { ROLE_OF } from "./bench.js";
import type { HomeName, Way } from "./columns.js";
import { matrixHome } from "./homes.js";

type Environment = Readonly<Record<string, string>>;

/** A user's shell, in which any number of programs are started. */
export interface ReadyShell {
  readonly env: Environment;
  /** What doctor said there, by family, before any program ran. */
  readonly verdicts: Verdicts;
}

/** By the family's name. */
export type Verdicts = ReadonlyMap<string, VerdictJson>;

/** Ends with an empty entry: all of it has come. */
const PRINT_ENVIRONMENT = "env -0; printf '\\0'";
/** Clients do not look for instance metadata, nor try again: what they find is known after one try. */
const QUICK = { AWS_EC2_METADATA_DISABLED: "true", AWS_MAX_ATTEMPTS: "1" };

/**
 * The environments that `brokerctl env` and `brokerctl exec` make in each home: each made once, by a shell that stays open,
 * and then given to program after program, as in a person's shell.
 */
export class Shells {
  readonly #bench: Bench;
  readonly #made = new Map<string, Promise<ReadyShell>>();
  readonly #open: (number | undefined)[] = [];

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  get(way: Way, home: HomeName, form?: Form): Promise<ReadyShell> {
    const id = [way, home, form].join("/");
    const shell = this.#made.get(id) ?? this.#make(way, home, form);
    this.#made.set(id, shell);
    return shell;
  }

  /** An empty home and the variables of a lease that was made elsewhere: nothing was fetched for it. */
  async withLease(access: LeaseAccess, form: LeaseForm): Promise<Environment> {
    const { env } = await this.get("env", "empty");
    return { ...env, AWS_EC2_METADATA_DISABLED: "true", ...(await this.#variables(access, form)) };
  }

  /** With it the leases of `exec` end. */
  close(): void {
    for (const pid of this.#open) endGroup(pid);
  }

  async #make(way: Way, home: HomeName, form: Form | undefined): Promise<ReadyShell> {
    const { directory, env: own } = matrixHome(home);
    const before = this.#bench.shell({ kind: "empty", directory, env: own }, "shells").env;
    const as = form === undefined ? "" : ` --as ${form}`;
    const env = await this.#environmentOf(scriptOf(way, as), before, directory);
    return { env, verdicts: await this.verdictsIn(env, directory) };
  }

  /** Of a script that prints its environment and goes on. */
  async #environmentOf(script: string, env: Environment, cwd: string): Promise<Environment> {
    const child = start(["/bin/sh", "-c", script], { env, cwd });
    this.#open.push(child.pid);
    let [printed, errors] = ["", ""];
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (errors += chunk));
    const complete = new Promise<void>((resolve) => {
      child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
        printed += chunk;
        if (printed.endsWith("\0\0")) resolve();
      });
    });
    const ended = once(child, "close").then(() => {
      throw new Error(`\`${script}\` ended without an environment: ${errors}`);
    });
    ended.catch(() => undefined);
    await Promise.race([complete, ended]);
    const pairs = printed.split("\0").filter(Boolean);
    return Object.fromEntries(pairs.map((pair) => /^([^=]*)=(.*)$/s.exec(pair)!.slice(1) as [string, string]));
  }

  /** Of `brokerctl doctor`, before any client has run there. */
  async verdictsIn(env: Environment, directory: string): Promise<Verdicts> {
    const shell = this.#bench.shell({ kind: "empty", directory, env }, "doctor");
    const { stdout } = await shell.script("exec brokerctl doctor --json");
    const { sdks } = JSON.parse(stdout) as { readonly sdks: readonly (VerdictJson & { readonly name: string })[] };
    return new Map(sdks.map((sdk) => [sdk.name, sdk]));
  }

  /** A home as it is, with only the variables of the default lease put into its shell: what neither `env` nor `exec` does. */
  async bare(home: HomeName, form: LeaseForm): Promise<{ readonly env: Environment; readonly directory: string }> {
    const { directory, env } = matrixHome(home);
    const access = await this.#bench.broker.call("lease-access", { lease: { by: "default" } });
    const shell = this.#bench.shell({ kind: "empty", directory, env }, "bare");
    return { directory, env: { ...shell.env, ...QUICK, ...(await this.#variables(access, form)) } };
  }

  #variables(access: LeaseAccess, form: LeaseForm): Promise<Environment> {
    return leaseVariables(access, form, join(this.#bench.broker.home, "state"));
  }
}

function scriptOf(way: Way, as: string): string {
  if (way === "env") return `eval "$(brokerctl env${as} 2>/dev/null)"; ${PRINT_ENVIRONMENT}; read -r _`;
  return `exec brokerctl exec ${ROLE_OF.exec.name}${as} -- /bin/sh -c "${PRINT_ENVIRONMENT}; read -r _"`;
}
