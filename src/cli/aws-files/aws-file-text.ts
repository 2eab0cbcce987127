import { isCredentialSetting } from "./aws-settings.js";

/** What the default profile of an AWS file may hold of interest to a client, read as the most willing one reads it. */
export interface DefaultProfile {
  /** The first setting that makes some client look elsewhere, or fail. */
  readonly competing: string | undefined;
}

/**
 * Undefined: no client sees a default profile here. Clients differ in what they take for a heading and for a setting
 * (indented, in a nested block, behind a colon), so whatever one of them could see counts.
 */
export function defaultProfile(text: string): DefaultProfile | undefined {
  const sections = text.split(/^[^\S\r\n]*\[|[\r\n]\s*\[/m).slice(1);
  const lines = sections.filter((section) => DEFAULT_HEADING.test(section)).flatMap((it) => it.split(/[\r\n]+/));
  if (lines.length === 0) return undefined;
  const settings = lines.slice(1).map((line) => /^\s*([^=:\s#;]+)\s*[=:]/.exec(line)?.[1]?.toLowerCase() ?? "");
  return { competing: settings.find(isCredentialSetting) };
}

const DEFAULT_HEADING = /^\s*(?:profile\s+)?["']?\s*default\s*["']?\s*\]/i;
