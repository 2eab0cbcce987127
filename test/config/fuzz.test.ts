import { describe, expect, it } from "vitest";
import { planRoleAdd } from "../../src/config/edit/edit-config.js";
import { BrokerError } from "../../src/core/errors.js";
import { EXAMPLE, PLACE, parse } from "./config-text.js";

/** mulberry32: every run mutates the same way, so that a failure can be repeated by its seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const PIECES = [
  ...Array.from("{}[]:,&*!|>'\"%@`#-? \t\n\r~0aé日\u0000\u0085\u2028"),
  ": ",
  "- ",
  "? ",
  "<<: *a",
  "&a ",
  "*a",
  "!!str ",
  "!!map",
  "---\n",
  "...\n",
  "%YAML 1.1\n",
  "__proto__",
  "constructor",
  "null",
  "true",
  ".nan",
  "-.inf",
  "0x1f",
  "012",
  "1e999",
  "99999999999999999999",
  "|+\n",
  ">-\n",
  "\r\n",
  "\uD800",
  "\uFEFF",
  "roles",
  "sources",
  "source_role: prod-role",
  "type: sso",
  "guard: {}",
  "{user",
  "arn:aws:iam::",
  "prod-role",
];

function mutate(text: string, random: () => number): string {
  const pick = (below: number): number => Math.floor(random() * below);
  let mutated = text;
  for (let times = 1 + pick(4); times > 0; times--) {
    const at = pick(mutated.length);
    const end = Math.min(mutated.length, at + pick(random() < 0.8 ? 6 : 200));
    const piece = PIECES[pick(PIECES.length)] ?? "";
    const inserts = [piece, "", mutated.slice(at, end).repeat(2), mutated.slice(pick(mutated.length)).slice(0, 40)];
    mutated = mutated.slice(0, at) + (inserts[pick(inserts.length)] ?? "") + mutated.slice(random() < 0.5 ? at : end);
  }
  return mutated;
}

describe("a valid config, mutated at random", () => {
  const seeds = Array.from({ length: 400 }, (_, seed) => seed);

  it("is parsed or refused as ConfigInvalid with places, and nothing else happens", () => {
    let valid = 0;
    for (const seed of seeds) {
      const text = mutate(EXAMPLE, randomOf(seed));
      try {
        parse(text);
        valid++;
      } catch (error) {
        if (!(error instanceof BrokerError)) throw new Error(`seed ${seed}`, { cause: error });
        expect(error.code, `seed ${seed}`).toBe("ConfigInvalid");
        for (const line of error.message.split("\n")) {
          expect(line, `seed ${seed}`).toMatch(
            /^\/home\/me\/config\.yaml:[1-9]\d*:[1-9]\d*: \S|^and \d+ more problems$/,
          );
        }
      }
    }
    // the mutations reach both ends
    expect(valid).toBeGreaterThan(20);
    expect(valid).toBeLessThan(seeds.length - 20);
  }, 60_000);

  it("takes another role without change to what it says, or refuses it", () => {
    let added = 0;
    for (const seed of seeds.slice(0, 150)) {
      const text = mutate(EXAMPLE, randomOf(seed));
      try {
        const edit = planRoleAdd({ text, ...PLACE, name: "added", fields: { source: "ci" } });
        const [before, after] = [parse(text), parse(edit.text)];
        added++;
        expect(
          [...after.roles].filter(([name]) => name !== "added"),
          `seed ${seed}`,
        ).toEqual([...before.roles]);
        expect(after.sources, `seed ${seed}`).toEqual(before.sources);
      } catch (error) {
        if (!(error instanceof BrokerError)) throw new Error(`seed ${seed}`, { cause: error });
        expect(["ConfigInvalid", "UsageInvalid", "NotSupported"], `seed ${seed}`).toContain(error.code);
      }
    }
    expect(added).toBeGreaterThan(5);
  }, 60_000);
});
