import { FAMILIES } from "../../../src/cli/doctor/sdk/families.js";
import type { Verdict } from "../../../src/cli/doctor/sdk/judge.js";
import type { Shell } from "../../../src/cli/doctor/sdk/shell.js";
import { canarySecretKey } from "../../support/canaries.js";

export const HOME = "/home/user";
export const CONFIG = `${HOME}/.aws/config`;
export const CREDENTIALS = `${HOME}/.aws/credentials`;
const LEASE = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:9171/lease/brk_${"t".repeat(43)}` };

/** A key of the user's own, by its last four characters. */
export function keys(suffix: string): string {
  return `aws_access_key_id = AKIA${"X".repeat(12)}${suffix}\naws_secret_access_key = ${canarySecretKey(suffix)}\n`;
}

export interface ShellParts {
  readonly env?: Readonly<Record<string, string>>;
  readonly config?: string;
  readonly credentials?: string;
  /** Other files, by path. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A shell after `env`, with these files and variables. */
export function shellWith({ env = {}, config, credentials, files = {} }: ShellParts = {}): Shell {
  const texts: Readonly<Record<string, string | undefined>> = {
    [CONFIG]: config,
    [CREDENTIALS]: credentials,
    ...files,
  };
  return {
    env: { ...LEASE, AWS_EC2_METADATA_DISABLED: "true", ...env },
    home: HOME,
    files: {
      config: env["AWS_CONFIG_FILE"] ?? CONFIG,
      credentials: env["AWS_SHARED_CREDENTIALS_FILE"] ?? CREDENTIALS,
    },
    text: (path) => texts[path],
    now: Date.parse("2026-01-01T00:00:00Z"),
  };
}

export function verdictOf(family: string, shell: Shell): Verdict {
  const found = FAMILIES.find(({ name }) => name === family);
  if (!found) throw new Error(`there is no family ${family}`);
  return found.judge(shell);
}
