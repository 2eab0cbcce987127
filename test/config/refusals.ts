import { describe, expect, it } from "vitest";
import { HEAD, PLACE, refusal } from "./config-text.js";

/** The line that the message must name ends in this comment. */
export const MARK = "# !";
export const ROLE = "arn:aws:iam::222222222222:role/prod";

export interface BadConfig {
  /** What is wrong, in words. */
  readonly it: string;
  readonly text: string;
  /** The path that the message must begin with; none where the file as a whole is meant. */
  readonly field?: string;
  /** What the message must also say: the offending value, the fix. */
  readonly says: readonly string[];
}

/** A config with one source `k` of these fields, a line each. */
export function source(fields: string): string {
  return `${HEAD}sources:\n  k:\n    type: keys\n${indent(fields)}`;
}

/** A config with one role `r` of these fields besides source and role_arn. */
export function role(fields: string): string {
  return roleOnly(`source: k\nrole_arn: ${ROLE}\n${fields}`);
}

/** A config with one role `r` of just these fields. */
export function roleOnly(fields: string): string {
  return `${HEAD}sources:\n  k: { type: keys }\nroles:\n  r:\n${indent(fields)}`;
}

/** A config with these roles, a source `k` without MFA and `m` with it. */
export function roles(lines: string): string {
  const mfa = "arn:aws:iam::111111111111:mfa/me";
  return `${HEAD}sources:\n  k: { type: keys }\n  m: { type: keys, mfa_serial: "${mfa}" }\nroles:\n${lines}\n`;
}

/** Each config is refused for one reason: it names the line, the field, what is wrong and where that is known the fix. */
export function describeRefusals(area: string, table: readonly BadConfig[]): void {
  describe(`bad configs: ${area}`, () => {
    it.each(table)("refuses $it", ({ text, field, says }) => {
      const error = refusal(text);

      expect(error.code).toBe("ConfigInvalid");
      expect(error.hint).toBe("brokerctl config edit");
      const [line = "", ...more] = error.message.split("\n");
      expect(more).toEqual([]);
      const place = `${PLACE.path}:${markedLine(text)}:`;
      expect(line.slice(0, place.length)).toBe(place);
      const said = line.slice(place.length).replace(/^\d+: /, "");
      if (field === undefined) expect(said).not.toMatch(/^(?:roles|sources)\b/);
      else expect(said.slice(0, field.length + 2)).toBe(`${field}: `);
      for (const part of says) expect(said).toContain(part);
    });
  });
}

function indent(lines: string): string {
  return lines.replaceAll(/^(?=.)/gm, "    ");
}

/** From 1; the first line where nothing is marked. */
function markedLine(text: string): number {
  const index = text.split("\n").findIndex((line) => line.endsWith(MARK));
  return Math.max(0, index) + 1;
}
