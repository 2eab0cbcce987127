import type { VerdictJson } from "../../src/cli/doctor/print.js";
import type { UpstreamCall } from "../support/upstream-request.js";
import { FAILING_PROCESS, PROCESS_KEY } from "./generated-homes.js";

/** Who signed first, as AWS saw it, in words that a verdict can be put into as well. */
export function signerSeen(calls: readonly UpstreamCall[], roleOf: (key: string) => string | undefined): string {
  const [first] = calls;
  if (!first) return "no call";
  if (first.action === "AssumeRoleWithWebIdentity") return `web identity for ${first.roleArn ?? ""}`;
  const key = first.accessKeyId;
  if (key === null) return "unsigned";
  const role = roleOf(key);
  const signer = role === undefined ? `key ${key.slice(-4)}` : "the lease";
  return first.action === "AssumeRole" ? `${first.roleArn ?? ""} by ${signer}` : signer;
}

/** What a verdict foretells. Whether a program gives credentials is the one thing that only running it shows. */
export function signerForetold({ source, key, role_arn, program, by_lease, unless }: VerdictJson): string {
  if (source === null) return "no call";
  if (program === FAILING_PROCESS) return foretoldUnless(unless);
  const signer = by_lease ? "the lease" : `key ${key ?? PROCESS_KEY.slice(-4)}`;
  switch (source) {
    case "lease":
      return "the lease";
    case "keys":
    case "process":
      return signer;
    case "role":
      return by_lease || (key ?? program) !== null ? `${role_arn ?? ""} by ${signer}` : foretoldUnless(unless);
    case "web_identity":
      return `web identity for ${role_arn ?? ""}`;
    case "instance_metadata":
    case "container":
    case "sso":
    case "login":
      return foretoldUnless(unless); // none of these answers in a home of these tests
  }
}

function foretoldUnless(unless: VerdictJson | null): string {
  return unless === null ? "no call" : signerForetold(unless);
}
