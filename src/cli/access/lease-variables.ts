import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { LeaseAccess } from "../../control-api/lease-contract.js";
import { hashLeaseToken } from "../../core/lease.js";
import { leaseMark } from "../../core/shell-files.js";
import { regionVariables, TOKEN_FILE_VARIABLE, TOKEN_VARIABLE, tokenOf, URI_VARIABLE } from "./variables.js";

/** `--as`: how a program receives its credentials. */
export const FORMS = ["url", "header", "token-file", "static"] as const;
export type Form = (typeof FORMS)[number];
/** The forms that name the endpoint and not the keys themselves. */
export type LeaseForm = Exclude<Form, "static">;

/** The variables that point a program to the lease. Writes the token's file for `token-file`. */
export async function leaseVariables(
  access: LeaseAccess,
  form: LeaseForm,
  stateDir: string,
): Promise<Record<string, string>> {
  if (form === "url") return { [URI_VARIABLE]: access.leaseUrl, ...regionVariables(access.region) };
  return {
    [URI_VARIABLE]: access.credentialsUrl,
    // With a file too: SDKs differ in which of the two they prefer, and some read only one.
    [TOKEN_VARIABLE]: access.token,
    ...(form === "token-file" && { [TOKEN_FILE_VARIABLE]: await writeTokenFile(access, stateDir) }),
    ...regionVariables(access.region),
  };
}

/** Where the token of a lease stands, for `token-file`. */
export function tokenFilePath(leaseId: string, stateDir: string): string {
  return join(stateDir, "tokens", leaseId);
}

/** Exactly the token: with a newline at its end most SDKs refuse it (docs/clients.md). */
async function writeTokenFile({ token, lease }: LeaseAccess, stateDir: string): Promise<string> {
  // Loaded here: the other forms write nothing.
  const [{ NodeFileSystem, writeFileAtomic }, { ensurePrivateDirectory }, { readRegularFile }] = await Promise.all([
    import("../../files/atomic-file.js"),
    import("../../files/private-directory.js"),
    import("../../files/read-small-file.js"),
  ]);
  const path = tokenFilePath(lease.id, stateDir);
  await ensurePrivateDirectory(stateDir);
  await mkdir(join(stateDir, "tokens"), { recursive: true, mode: 0o700 });
  const held = await readRegularFile(path).catch(() => undefined);
  if (held !== token) await writeFileAtomic(new NodeFileSystem(), path, Buffer.from(token));
  return path;
}

/** Tells a shell's hook whose lease the variables hold; see core/shell-files. */
export const MARK_VARIABLE = "CREDBROKER_LEASE";
/** The region that came with a role: the hook follows the role's as long as it is in force. */
const REGION_VARIABLE = "CREDBROKER_REGION";

type Variables = Readonly<Record<string, string>>;

/** For `set`, the variables of a lease; `of` is a pid, `env` or `default`. */
export function markFor(set: Variables, of: string): Variables {
  const token = tokenOf(set);
  const region = set["AWS_REGION"];
  return {
    ...(token !== undefined && { [MARK_VARIABLE]: leaseMark({ token, tokenHash: hashLeaseToken(token), of }) }),
    ...(region !== undefined && { [REGION_VARIABLE]: region }),
  };
}
