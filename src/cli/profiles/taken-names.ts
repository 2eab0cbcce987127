import { nameInHeading, readAwsIni } from "../../core/aws-ini.js";
import { isOwnProcess } from "../../core/own-process.js";
import type { AwsFileTexts } from "../aws-files/read-aws-files.js";
import { findBlock } from "./profile-block.js";

/** A profile of the user's own. */
export interface OwnProfile {
  /** `FILE:LINE` of its heading. */
  readonly where: string;
  /** It gets its credentials from us already, by a line that the user or an import wrote. */
  readonly asksUs: boolean;
}

const HEADING = /^\s*\[\s*(?:profile\s+)?(["']?)(.+?)\1\s*\]/;

/**
 * Profiles outside of our block, of both files: keys in `credentials` win over a process of the same name. Clients differ in what
 * they take for a heading (indented, without `profile`), so whatever one of them could see counts.
 */
export function ownProfiles({ config, credentials }: AwsFileTexts): ReadonlyMap<string, OwnProfile> {
  const found = new Map<string, OwnProfile>();
  for (const file of [config && { ...config, text: blanked(config.text) }, credentials]) {
    if (file === undefined) continue;
    const asking = askingUs(file.text);
    for (const [index, line] of file.text.split(/\r\n|\r|\n/).entries()) {
      const name = HEADING.exec(line)?.[2];
      if (name === undefined || found.has(name)) continue;
      found.set(name, { where: `${file.path}:${index + 1}`, asksUs: asking.has(name) });
    }
  }
  return found;
}

/** With empty lines in the place of the block, so that numbers stay. */
function blanked(text: string): string {
  const search = findBlock(text);
  if (search.found !== "block") return text;
  const { start, end } = search.block;
  return text.slice(0, start) + text.slice(start, end).replaceAll(/[^\r\n]+/g, "") + text.slice(end);
}

function askingUs(text: string): ReadonlySet<string> {
  const sections = readAwsIni(text).sections.filter(({ settings }) =>
    settings.some(({ name, value }) => name === "credential_process" && isOwnProcess(value)),
  );
  return new Set(sections.map(({ name }) => nameInHeading(name, "profile") ?? name));
}
