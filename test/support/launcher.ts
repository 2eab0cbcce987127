import { existsSync, readdirSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { tempDir } from "./temp-dir.js";

export const PLATFORMS = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"] as const;
export type Platform = (typeof PLATFORMS)[number];

/** Built by `npm run build:native`; it missing is a failure and never a reason to skip. */
export function launcherFor(platform: Platform): string {
  const path = resolve("bin/native", platform, "brokerctl");
  if (!existsSync(path)) throw new Error(`${path} is missing: npm run build:native`);
  return path;
}

/** That of this machine. */
export function launcher(): string {
  return launcherFor(`${process.platform}-${process.arch}` as Platform);
}

/** PATH of a machine without Node: what the launcher does here it does itself. */
export function pathWithoutNode(): string {
  const directory = tempDir("tools", "input");
  for (const name of readdirSync("/usr/bin").filter((tool) => !/^(?:node|npm|npx|corepack)/.test(tool))) {
    symlinkSync(join("/usr/bin", name), join(directory, name));
  }
  return directory;
}
