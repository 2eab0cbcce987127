import { BrokerError } from "../../core/errors.js";
import { directToEndpoint, withChanges } from "../access/child-environment.js";
import { type OwnLease, withOwnLease } from "../access/own-lease.js";
import type { VariableChanges } from "../access/variables.js";
import { neutralAwsFiles } from "../aws-files/neutral-aws-files.js";
import type { CliContext, Environment } from "../context.js";
import { confirmRole, type NarrowedTerms } from "../guard/confirm-role.js";
import { withLogin } from "../login/login.js";

/** The role of a function or a task, as brokerd has made it. */
interface MadeRole {
  readonly role: string;
  /** The yes to via, where it is one to this role. */
  readonly confirmation?: string;
}

interface Wish extends Pick<NarrowedTerms, "scope"> {
  readonly forSeconds: number | undefined;
  readonly reason: string | undefined;
  /** What is thrown in place of an error of the fetch. */
  readonly explain: (error: unknown) => unknown;
}

/** Fetches the role's credentials, and asks what its guard wants: what is missing shows here and not inside the code. The terms of a lease on it. */
export async function fetchDeployedRole(
  { role, confirmation }: MadeRole,
  { scope, forSeconds, reason, explain }: Wish,
  context: CliContext,
): Promise<NarrowedTerms> {
  const narrowed = scope ? { scope } : {};
  try {
    await withLogin(context, role, () => context.client.call("warm", { role, ...narrowed }));
  } catch (error) {
    throw explain(error);
  }
  if (confirmation !== undefined) return { ...narrowed, confirmation };
  const asked = { target: { by: "new" }, forSeconds, reason, role } as const;
  return { ...narrowed, ...(await confirmRole({ ...asked, ...narrowed }, context)) };
}

interface Refused {
  readonly via: string;
  readonly roleArn: string;
  /** Whose hint tells what the trust policy would need. */
  readonly trustCommand: string;
}

/** Nearly always the role trusts the service alone. */
export function explainDenial(error: unknown, { via, roleArn, trustCommand }: Refused): unknown {
  if (!(error instanceof BrokerError) || error.code !== "AssumeRoleDenied") return error;
  const message = `the trust policy of ${roleArn} does not let ${via} assume it, or the role was deleted: ${error.message}`;
  return new BrokerError("AssumeRoleDenied", message, { hint: trustCommand, cause: error });
}

/** What code that is deployed elsewhere runs with, here. */
export interface LocalRun {
  readonly env: Environment;
  /** To be called when a child exists that the lease shall end with. */
  readonly handOverTo: (pid: number) => Promise<void>;
}

/** Runs `use` with such a lease, in the environment that `changesFor` makes of what points to it; the lease ends with it. */
export async function withDeployedRole<T>(
  lease: OwnLease,
  changesFor: (granted: Readonly<Record<string, string>>) => VariableChanges,
  { context, use }: { readonly context: CliContext; readonly use: (run: LocalRun) => Promise<T> },
): Promise<T> {
  return withOwnLease(lease, context, async ({ variables, handOverTo }) => {
    // Not the settings of `[default]`: on AWS the code has no `~/.aws` of ours.
    const { files } = await neutralAwsFiles(context);
    const changes = changesFor({ ...variables, ...files, ...directToEndpoint(context.env) });
    return use({ env: withChanges(context.env, changes), handOverTo });
  });
}
