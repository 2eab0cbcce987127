import { describe, expect, it } from "vitest";
import { EXAMPLE, HEAD, parse, refusal } from "./config-text.js";

/** Nine aliases of nine aliases of …: what the document stands for is 9^8 values. */
function bomb(): string {
  const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const lines = names.map((name, index) => {
    const item = index === 0 ? "x" : `*${names[index - 1] ?? ""}`;
    return `${name}: &${name} [${Array.from({ length: 9 }, () => item).join(", ")}]`;
  });
  return `${HEAD}${lines.join("\n")}\n`;
}

const MEGABYTE = 1024 * 1024 - 100;

describe("a hostile config", () => {
  it.each([
    ["a bomb of aliases", bomb()],
    ["an alias inside its own anchor", `${HEAD}roles: &r\n  a: *r\n`],
    ["a list inside of itself", `${HEAD}x: &x [*x, *x]\n`],
    ["a megabyte of brackets", `${HEAD}roles: ${"[".repeat(MEGABYTE)}`],
    ["maps in maps", `${HEAD}roles: ${"{a: ".repeat(MEGABYTE / 4)}`],
    ["lists in lists, without brackets", `${HEAD}roles:\n  ${"- ".repeat(100_000)}x\n`],
    ["maps in maps, without brackets", nested(1000)],
    ["a role on every line", `${HEAD}roles:\n${roles(3000, () => "{ source: none }")}`],
    ["a circle of thousands", `${HEAD}roles:\n${roles(5000, (index) => link((index + 1) % 5000))}`],
    ["a chain of thousands", `${HEAD}sources: { k: { type: keys } }\nroles:\n  r0: { source: k }\n${chain(5000)}`],
    ["thousands of unknown names", `${HEAD}roles:\n${roles(3000, (index) => link(index + 10_000))}`],
    [
      "thousands of unknown keys",
      `${HEAD}${Array.from({ length: 60_000 }, (_, index) => `k${index}: 1`).join("\n")}\n`,
    ],
    ["the same key over and over", `${HEAD}${"k: 1\n".repeat(30_000)}`],
    ["control characters", `${HEAD}roles:\n  "a\\u0000b": { source: "\\u001b[31m" }\n`],
    ["a lone surrogate", `${HEAD}roles:\n  "\uD800": 1\n`],
  ])("%s is refused before the test runs out of time", (_, text) => {
    expect(refusal(text).code).toBe("ConfigInvalid");
  });

  it("does not reach the prototypes", () => {
    refusal(
      `${HEAD}__proto__: { polluted: 1 }\nroles: { __proto__: { polluted: 1 }, constructor: { prototype: { polluted: 1 } } }\n`,
    );

    expect({}).not.toHaveProperty("polluted");
  });

  it("cannot put control characters of a terminal into the message", () => {
    const { message } = refusal(`${HEAD}roles:\n  "\\u001b[2Jr": { source: "\\u001b[31m" }\n  x: *\u001b[31m\n`);

    // eslint-disable-next-line no-control-regex -- exactly these are meant
    expect(message).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
  });
});

describe("a large config", () => {
  it("of 1,000 roles is read whole", () => {
    const head = EXAMPLE.slice(0, EXAMPLE.indexOf("  dev: "));
    const fields = `    source: ci
    region: eu-west-1
    role_session_name: "{user}@{host}"
    tags: { team: core, cost: "12" }
    policy: { Version: "2012-10-17", Statement: [{ Effect: Allow, Action: "s3:*", Resource: "*" }] }
`;
    const entries = Array.from(
      { length: 1000 },
      (_, index) => `  r${index}:\n    role_arn: arn:aws:iam::222222222222:role/r${index}\n${fields}`,
    );
    const text = head + entries.join("");

    expect(parse(text).roles.size).toBe(1000);
  });
});

function nested(levels: number): string {
  let text = `${HEAD}roles:\n`;
  for (let level = 1; level <= levels; level++) text += `${" ".repeat(level)}a:\n`;
  return text;
}

function roles(count: number, entry: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => `  r${index}: ${entry(index)}\n`).join("");
}

function link(index: number): string {
  return `{ source_role: r${index}, role_arn: "arn:aws:iam::222222222222:role/a" }`;
}

function chain(length: number): string {
  return Array.from({ length }, (_, index) => `  r${index + 1}: ${link(index)}\n`).join("");
}
