import picomatch from "picomatch";
import { secondsOfDuration } from "../core/duration.js";
import { GLOB_OPTIONS, globText } from "../core/glob.js";
import type { ConfigProblem } from "./check/config-problem.js";
import { showValue } from "./check/show-value.js";
import type { RequestRule } from "./config.js";
import type { RequestRuleEntry } from "./schema/guard-schema.js";

/** A grant by a person or a rule that names no longest one. */
export const DEFAULT_GRANT_SECONDS = 3600;

interface ReadRules {
  readonly rules: readonly RequestRule[];
  readonly problems: readonly ConfigProblem[];
}

/** `requests:` as rules that can be held against the names of roles. */
export function readRules(entries: readonly RequestRuleEntry[] | null | undefined): ReadRules {
  const rules: RequestRule[] = [];
  const problems: ConfigProblem[] = [];
  entries?.forEach((entry, index) => {
    const path = ["requests", index];
    const fits = matcherOf(entry.role);
    if (!fits) problems.push({ path: [...path, "role"], message: `is no pattern, not ${showValue(entry.role)}` });
    else {
      const maxSeconds = secondsOfDuration(entry.max ?? "") ?? DEFAULT_GRANT_SECONDS;
      const scope = entry.scope === "read-only" ? { scope: entry.scope } : {};
      rules.push({ glob: entry.role, fits, ...scope, decide: entry.decide, maxSeconds });
    }
  });
  return { rules, problems };
}

/** undefined: picomatch cannot read it. */
function matcherOf(glob: string): ((role: string) => boolean) | undefined {
  try {
    const matches = picomatch(globText(glob), GLOB_OPTIONS);
    return (role) => matches(role);
  } catch {
    return undefined;
  }
}
