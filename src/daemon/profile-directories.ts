import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Lease } from "../core/lease.js";
import { profileDirectory } from "../core/profile-directory.js";
import { namesIn } from "./names-in.js";

/**
 * Removes the keys that `exec --as profile` left when it was killed, and those of leases that were revoked: each directory is named by
 * its lease, which ends with the command. Rejects when one cannot be removed; the next sweep tries again.
 */
export async function sweepProfileDirectories(runtimeDir: string, leases: readonly Lease[]): Promise<void> {
  const directory = profileDirectory(runtimeDir);
  const ended = (await namesIn(directory)).filter((name) => !leases.some(({ id }) => id === name));
  for (const name of ended) await rm(join(directory, name), { recursive: true, force: true });
}
