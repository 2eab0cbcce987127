import { type Partition, partitionOfRegion } from "../partition.js";
import type { SourceEntry } from "../schema/source-schema.js";
import type { ConfigProblem } from "./config-problem.js";

/** The rules that join several fields of a source, or a source with the partition that it was found to be in. */
export function checkSource(
  name: string,
  entry: SourceEntry,
  { partition, because }: { readonly partition: Partition; readonly because: string },
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const at = (field: string, message: string, part: "key" | "value" = "value"): void =>
    void problems.push({ path: ["sources", name, field], message, at: part });
  const ofRegion = partitionOfRegion(entry.region);
  if (ofRegion !== undefined && ofRegion !== partition) {
    at("region", `${entry.region ?? ""} is in ${ofRegion}, but the source is in ${partition} (${because})`);
  }
  if (entry.type === "keys" && entry.mfa_process !== undefined && entry.mfa_serial === undefined) {
    at("mfa_process", "needs mfa_serial: without it no code is asked for, and this would have no effect", "key");
  }
  if (entry.type === "aws_sso_cache") problems.push(...checkSession(name, entry));
  return problems;
}

function checkSession(
  name: string,
  { sso_session: session, sso_start_url: startUrl }: Extract<SourceEntry, { readonly type: "aws_sso_cache" }>,
): ConfigProblem[] {
  if (session === undefined && startUrl === undefined) {
    const message = "needs sso_session (the name of an [sso-session]) or sso_start_url (of a profile without one)";
    return [{ path: ["sources", name], message, at: "key" }];
  }
  if (session === undefined || startUrl === undefined) return [];
  const message = "cannot stand beside sso_session; keep one of the two";
  return [{ path: ["sources", name, "sso_start_url"], message, at: "key" }];
}
