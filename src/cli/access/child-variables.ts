import { neutralAwsFiles } from "../aws-files/neutral-aws-files.js";
import type { CliContext, Environment } from "../context.js";
import { MARK_VARIABLE, markFor } from "./lease-variables.js";
import { HOOK_VARIABLE, unsaid, type VariableChanges } from "./variables.js";

/** What a child of ours gets beside its lease, so that nothing on this machine wins over it. */
export async function execVariables(
  lease: Readonly<Record<string, string>>,
  context: CliContext,
): Promise<Record<string, string>> {
  const { settings, files } = await neutralAwsFiles(context);
  return { ...unsaid(settings, context.env), ...lease, ...files, ...besides(context.env) };
}

/** The same for a function, which on AWS has no `~/.aws` of ours and therefore none of its settings. */
export async function functionVariables(context: CliContext): Promise<Record<string, string>> {
  return { ...(await neutralAwsFiles(context)).files, ...besides(context.env) };
}

/** No detour to the instance metadata after an error of ours, and no proxy on the way to loopback. */
export function besides(env: Environment): Record<string, string> {
  const [lower, upper] = [env["no_proxy"], env["NO_PROXY"]];
  return {
    AWS_EC2_METADATA_DISABLED: "true",
    NO_PROXY: withLoopback(upper ?? lower),
    no_proxy: withLoopback(lower ?? upper),
  };
}

function withLoopback(noProxy: string | undefined): string {
  const hosts = (noProxy ?? "")
    .split(",")
    .map((host) => host.trim())
    .filter(Boolean);
  if (hosts.includes("*")) return "*";
  return [...new Set([...hosts, "127.0.0.1", "localhost"])].join(",");
}

/** What a child inherits: `env` with the changes made, and what tells a hook in a shell below to leave it alone. */
export function applyChanges(env: Environment, { set, unset }: VariableChanges): Record<string, string | undefined> {
  const kept = Object.entries(env).filter(([name]) => !unset.includes(name) && name !== HOOK_VARIABLE);
  return { ...Object.fromEntries(kept), ...set, ...markForChild(set) };
}

/** For a child of `exec`: a hook in a shell below leaves alone what it was given, be it a lease or keys. */
function markForChild(set: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return { [MARK_VARIABLE]: "none:none:exec", ...markFor(set, "exec") };
}
