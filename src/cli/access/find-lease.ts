import { BrokerError } from "../../core/errors.js";
import type { LeaseSelector, ShellLease } from "../../core/lease.js";
import { nearestName } from "../../core/nearest-name.js";
import { readRegularFile } from "../../files/read-small-file.js";
import type { CliContext, Environment } from "../context.js";
import { shadowingVariables, TOKEN_FILE_VARIABLE, tokenIn, tokenOf, URI_VARIABLE } from "./variables.js";

const EVAL_HINT = 'eval "$(brokerctl env)"';

/** The lease whose token this shell's variables hold; undefined where they hold none of ours. */
async function shellLease(env: Environment): Promise<ShellLease | undefined> {
  const uri = env[URI_VARIABLE];
  if (uri === undefined || !/^http:\/\/127\.0\.0\.1:\d+\//.test(uri)) return undefined;
  const token = await tokenInVariables(env);
  return token === undefined ? undefined : { by: "token", token };
}

/** The token of the lease that this shell's programs use; undefined: they have none of ours. */
export async function tokenOfShell(env: Environment): Promise<string | undefined> {
  const lease = await shellLease(env);
  return lease?.by === "token" ? lease.token : undefined;
}

/** The role that this shell's lease stands for now, else the default one. */
export async function roleOfShellLease(context: CliContext): Promise<string | undefined> {
  return withShellLease(context, async (lease) => {
    const { role } = await context.client.call("lease-show", { lease });
    return role ?? undefined;
  });
}

/** The token of ours that variables hold, in whichever form, also beside the URL of another endpoint; for the record. */
export async function tokenInVariables(env: Environment): Promise<string | undefined> {
  return tokenOf(env) ?? tokenIn(await tokenFile(env));
}

/** Does something with this shell's lease, else with the default one; says how to get a new one when it has ended. */
export async function withShellLease<T>({ env }: CliContext, act: (lease: ShellLease) => Promise<T>): Promise<T> {
  const lease = (await shellLease(env)) ?? ({ by: "default" } as const);
  try {
    return await act(lease);
  } catch (error) {
    const isGone = error instanceof BrokerError && (error.code === "LeaseUnknown" || error.code === "LeaseEnded");
    if (!isGone || lease.by !== "token") throw error;
    throw new BrokerError("LeaseEnded", "the lease of this shell has ended", { hint: EVAL_HINT, cause: error });
  }
}

/** Says when programs of this shell would not ask the broker, or not for the lease that was just moved. */
export async function warnIfShellElsewhere(context: CliContext): Promise<void> {
  const { env, output } = context;
  const shadowing = shadowingVariables(env);
  if (shadowing.length > 0) {
    output.warn(`programs in this shell use ${shadowing.join(", ")} instead of the broker`, EVAL_HINT);
    return;
  }
  if ((await shellLease(env)) === undefined) {
    const why = env[URI_VARIABLE] === undefined ? `${URI_VARIABLE} is not set` : `${URI_VARIABLE} is not the broker's`;
    output.warn(`programs in this shell do not ask the broker: ${why}`, EVAL_HINT);
  }
}

async function tokenFile(env: Environment): Promise<string | undefined> {
  const path = env[TOKEN_FILE_VARIABLE];
  return path === undefined ? undefined : readRegularFile(path).catch(() => undefined);
}

/** The lease that the user names: by name, by id, or by the beginning of its id as long as it is the only such. */
export async function findLease({ client }: CliContext, typed: string): Promise<LeaseSelector> {
  const { leases } = await client.call("lease-list", {});
  if (leases.some(({ name }) => name === typed)) return { by: "name", name: typed };
  const [found, ...others] = leases.filter(({ id }) => id === typed || (typed.length >= 4 && id.startsWith(typed)));
  if (found && others.length === 0) return { by: "id", id: found.id };
  if (found) {
    throw new BrokerError("UsageInvalid", `${others.length + 1} leases have ids that begin with '${typed}'`, {
      hint: "brokerctl lease list",
    });
  }
  const near = nearestName(
    typed,
    leases.map(({ name }) => name).filter((name) => name !== null),
  );
  throw new BrokerError("LeaseUnknown", `there is no lease '${typed}'`, {
    hint: near === undefined ? "brokerctl lease list" : `did you mean ${near}?`,
  });
}
