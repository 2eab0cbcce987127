import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { LeaseAccess } from "../../control-api/contract.js";
import { NodeFileSystem, writeFileAtomic } from "../../files/atomic-file.js";
import { ensurePrivateDirectory } from "../../files/private-directory.js";
import { readRegularFile } from "../../files/read-small-file.js";

export function tokenFilePath(leaseId: string, stateDir: string): string {
  return join(stateDir, "tokens", leaseId);
}

/** Exactly the token: with a newline at its end most SDKs refuse it (sdk-contract §5). */
export async function writeTokenFile({ token, lease }: LeaseAccess, stateDir: string): Promise<string> {
  const path = tokenFilePath(lease.id, stateDir);
  await ensurePrivateDirectory(stateDir);
  await mkdir(join(stateDir, "tokens"), { recursive: true, mode: 0o700 });
  const held = await readRegularFile(path).catch(() => undefined);
  if (held !== token) await writeFileAtomic(new NodeFileSystem(), path, Buffer.from(token));
  return path;
}
