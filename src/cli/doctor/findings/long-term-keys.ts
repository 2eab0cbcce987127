import { join } from "node:path";
import { nameInHeading, readAwsIni } from "../../../core/aws-ini.js";
import { shellQuote } from "../../../core/shell-quote.js";
import { type Finding, redacted } from "../finding.js";
import type { Shell } from "../sdk/shell.js";

/** Of IAM users; temporary ones begin with ASIA. */
export const LONG_TERM_KEY_ID = /(?<![A-Z0-9])AKIA[A-Z0-9]{12,28}(?![A-Z0-9])/g;

/** Long-term keys in clear text, in variables and in the AWS files: what any program of the user can take for good. */
export function longTermKeys({ env, files, text, home }: Shell): readonly Finding[] {
  // The user's own too, in a shell that has our copies in their place.
  const usual = ["config", "credentials"].map((name) => join(home, ".aws", name));
  const paths = new Set([files.config, files.credentials, ...usual]);
  const inFiles = [...paths].flatMap((path) => inAwsFile(path, text(path) ?? ""));
  return [...inVariables(env), ...inFiles];
}

function inVariables(env: Shell["env"]): readonly Finding[] {
  return Object.entries(env).flatMap(([name, value = ""]): readonly Finding[] => {
    const [id] = value.match(LONG_TERM_KEY_ID) ?? [];
    if (id === undefined) return [];
    const fix = `brokerctl keys add key-${id.slice(-4)} && unset ${name}`;
    const message = `the long-term key ${redacted(id)} is in the variable ${name}, where every program that you start has it`;
    return [{ id: "long-term-key-in-variable", severity: "warning", message, fix }];
  });
}

function inAwsFile(path: string, text: string): readonly Finding[] {
  return readAwsIni(text).sections.flatMap(({ name, settings }) =>
    settings.flatMap(({ value }): readonly Finding[] => {
      const [id] = value.match(LONG_TERM_KEY_ID) ?? [];
      if (id === undefined) return [];
      const profile = nameInHeading(name, "profile") ?? name;
      const message = `the long-term key ${redacted(id)} stands in clear text in [${name}] of ${path}`;
      const fix = `brokerctl import ${shellQuote(profile)} --replace`;
      return [{ id: "long-term-key-in-file", severity: "warning", message, fix, offer: { do: "import", profile } }];
    }),
  );
}
