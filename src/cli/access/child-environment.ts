import { hashLeaseToken } from "../../core/lease.js";
import { SOCKET_VARIABLE } from "../../core/lease-socket.js";
import { leaseMark } from "../../core/shell-files.js";
import type { NeutralAwsFiles } from "../aws-files/copies-stamp.js";
import type { Environment } from "../context.js";
import { changesFor, HOOK_VARIABLE, tokenOf, unlessSet, type VariableChanges } from "./variables.js";

type Variables = Readonly<Record<string, string>>;
type ChildEnvironment = Record<string, string | undefined>;

/** The environment of CMD, so that nothing on this machine wins over its lease. Where two say a name, the later one counts. */
export function environmentOfChild(
  env: Environment,
  lease: Variables,
  { files, defaultSettings }: NeutralAwsFiles,
): ChildEnvironment {
  const set = {
    // 1. What `env` has and 2 to 5 do not, but for what competes with a lease: `withChanges` adds it.
    ...unlessSet(defaultSettings, env), // 2.
    ...lease, // 3. a region of the role's, too
    ...files, // 4. in place of ~/.aws
    ...directToEndpoint(env), // 5.
  };
  return withChanges(env, changesFor(set, env));
}

const LOOPBACK = ["127.0.0.1", "localhost"];

/** No detour to the instance metadata after an error of ours, and no proxy on the way to loopback. */
export function directToEndpoint(env: Environment): Record<string, string> {
  const [lower, upper] = [env["no_proxy"], env["NO_PROXY"]];
  return {
    AWS_EC2_METADATA_DISABLED: "true",
    NO_PROXY: withHosts(upper ?? lower, LOOPBACK),
    no_proxy: withHosts(lower ?? upper, LOOPBACK),
  };
}

/** Set by an `exec` around this one, or to lead elsewhere. */
const AGAINST_METADATA = [
  "AWS_EC2_METADATA_DISABLED",
  "AWS_EC2_METADATA_SERVICE_ENDPOINT",
  "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
];

/** For a command that is to ask the instance metadata at `addresses`, by no proxy. */
export function withMetadata(env: ChildEnvironment, addresses: readonly string[]): ChildEnvironment {
  const kept = Object.entries(env).filter(([name]) => !AGAINST_METADATA.includes(name));
  return {
    ...Object.fromEntries(kept),
    NO_PROXY: withHosts(env["NO_PROXY"], addresses),
    no_proxy: withHosts(env["no_proxy"], addresses),
  };
}

function withHosts(noProxy: string | undefined, ours: readonly string[]): string {
  const hosts = (noProxy ?? "")
    .split(",")
    .map((host) => host.trim())
    .filter(Boolean);
  if (hosts.includes("*")) return "*";
  return [...new Set([...hosts, ...ours])].join(",");
}

/** `env` with the changes made, and the mark by which a hook in a shell below leaves alone what it was given, be it a lease or keys. */
export function withChanges(env: Environment, { set, unset }: VariableChanges): ChildEnvironment {
  const kept = Object.entries(env).filter(([name]) => !unset.includes(name) && !OURS.includes(name));
  return { ...Object.fromEntries(kept), ...set, [MARK_VARIABLE]: "none:none:exec", ...markFor(set, "exec") };
}

/** Of a shell's hook, and of the lease that an `exec` around this one made. */
const OURS: readonly string[] = [HOOK_VARIABLE, SOCKET_VARIABLE];
/** Tells a shell's hook whose lease the variables hold; see core/shell-files. */
const MARK_VARIABLE = "CREDBROKER_LEASE";
/** The region that came with a role: the hook follows the role's as long as it is in force. */
const REGION_VARIABLE = "CREDBROKER_REGION";

/** For `set`, the variables of a lease; `of` is a pid, `env`, `default` or `exec`. */
export function markFor(set: Variables, of: string): Variables {
  const token = tokenOf(set);
  const region = set["AWS_REGION"];
  return {
    ...(token !== undefined && { [MARK_VARIABLE]: leaseMark({ token, tokenHash: hashLeaseToken(token), of }) }),
    ...(region !== undefined && { [REGION_VARIABLE]: region }),
  };
}
