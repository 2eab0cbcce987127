import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { LaunchedAccess } from "../../control-api/launch-client.js";
import { regionVariables, TOKEN_FILE_VARIABLE, TOKEN_VARIABLE, URI_VARIABLE } from "./variables.js";

/** `--as`: how a program receives its credentials. */
export const FORMS = ["url", "header", "token-file", "static"] as const;
export type Form = (typeof FORMS)[number];
/** Of `exec` also `profile`: files in place of `~/.aws`, for as long as the command runs. */
export const EXEC_FORMS = [...FORMS, "profile"] as const;
/** The forms that name the endpoint and not the keys themselves. */
export type LeaseForm = Exclude<Form, "static">;

/** The variables that point a program to the lease. Writes the token's file for `token-file`. */
export async function leaseVariables(
  access: Omit<LaunchedAccess, "lease"> & { readonly lease: { readonly id: string } },
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
async function writeTokenFile(
  { token, lease }: { readonly token: string; readonly lease: { readonly id: string } },
  stateDir: string,
): Promise<string> {
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
