import { describe, expect, it } from "vitest";
import type { Config } from "../../src/config/config.js";
import { parseAround } from "../../src/config/parse-around.js";
import { caught, EXAMPLE, HEAD, PLACE, parse } from "./config-text.js";

const around = (text: string): Config => parseAround({ text, ...PLACE });
const ARN = 'role_arn: "arn:aws:iam::222222222222:role/a"';
const SOURCES = "sources:\n  k: { type: keys }\n";

/** `kind name` of what is left out, with what it builds on. */
function leftOut(config: Config): readonly string[] {
  return (config.leftOut ?? []).map(
    ({ kind, name, because }) => `${kind} ${name}${because === undefined ? "" : ` < ${because}`}`,
  );
}

describe("a config that is read around its bad entries", () => {
  it("is the same as one that is read strictly where nothing is wrong", () => {
    expect(around(EXAMPLE)).toEqual(parse(EXAMPLE));
    expect(around(EXAMPLE)).not.toHaveProperty("leftOut");
  });

  it.each([
    [
      "an unknown key",
      `{ source: k, ${ARN}, regoin: eu-west-1 }`,
      'roles.bad.regoin: unknown key; did you mean "region"?',
    ],
    ["an unknown partition", `{ source: k, role_arn: "arn:aws-moon:iam::222222222222:role/a" }`, "aws-moon"],
    ["an unknown source", `{ source: kk, ${ARN} }`, 'roles.bad.source: unknown source "kk"; did you mean "k"?'],
    ["no source at all", `{ ${ARN} }`, "roles.bad: needs source"],
    ["a number in place of a map", "5", "roles.bad: must be a map"],
    ["a field given twice", `{ source: k, ${ARN}, region: eu-west-1, region: eu-west-1 }`, "is given twice"],
    ["a restriction that cannot be read", `{ source: k, ${ARN}, policy: *nothing }`, "no anchor"],
    ["a merge key", `{ source: k, ${ARN}, <<: { region: x } }`, "merge keys are not supported"],
    ["itself for its parent", `{ source_role: bad, ${ARN} }`, "goes round in a circle"],
    [
      "a tag named twice in transitive_tag_keys",
      `{ source: k, ${ARN}, tags: { a: b }, transitive_tag_keys: [a, a] }`,
      "twice",
    ],
  ])("serves the other roles where one has %s, and says where that stands", (_, entry, says) => {
    const config = around(`${HEAD}${SOURCES}roles:\n  good: { source: k, ${ARN} }\n  bad: ${entry}\n`);

    expect([...config.roles.keys()]).toEqual(["good"]);
    expect([...config.sources.keys()]).toEqual(["k"]);
    expect(leftOut(config)).toEqual(["role bad"]);
    const { message } = config.leftOut![0]!;
    expect(message).toMatch(/^role bad is not in force: \/home\/me\/config\.yaml:7:\d+: roles\.bad/);
    expect(message).toContain(says);
  });

  it("keeps the definition of every other role as it was", () => {
    const good = `${HEAD}${SOURCES}roles:\n  dev: { source: k, ${ARN} }\n  child: { source_role: dev, ${ARN} }\n`;
    const config = around(`${good}  bad: { source: k, ${ARN}, duration_seconds: long }\nlambda: { via: child }\n`);

    expect(config.roles).toEqual(parse(good).roles);
    expect(config.lambdaVia).toBe("child");
  });

  it("leaves out what builds on a bad source: its roles, whole chains and lambda.via, and each says why", () => {
    const config = around(`${HEAD}sources:
  k: { type: keys }
  corp: { type: sso, sso_start_url: moon, sso_region: eu-west-1 }
roles:
  leaf: { source_role: middle, ${ARN} }
  middle: { source_role: dev, ${ARN} }
  dev: { source: corp, sso_account_id: "111111111111", sso_role_name: Dev }
  other: { source: k, ${ARN} }
lambda: { via: "corp:111111111111/Dev" }
`);

    expect([...config.roles.keys()]).toEqual(["other"]);
    expect([...config.sources.keys()]).toEqual(["k"]);
    expect(config.lambdaVia).toBeUndefined();
    expect(leftOut(config)).toEqual([
      "source corp",
      "role dev < source corp",
      "setting lambda.via < source corp",
      "role middle < source corp",
      "role leaf < source corp",
    ]);
    expect(config.leftOut?.at(-1)?.message).toMatch(
      /^role leaf is not in force, as it builds on source corp: \/home\/me\/config\.yaml:5:\d+: sources\.corp\.sso_start_url: .*moon/,
    );
  });

  it("leaves out a whole circle and what hangs on it", () => {
    const link = (name: string, parent: string): string => `  ${name}: { source_role: ${parent}, ${ARN} }\n`;
    const circle = link("a", "b") + link("b", "c") + link("c", "a") + link("hangs", "b");
    const config = around(`${HEAD}${SOURCES}roles:\n${circle}  good: { source: k, ${ARN} }\nlambda: { via: hangs }\n`);

    expect([...config.roles.keys()]).toEqual(["good"]);
    expect(leftOut(config)).toEqual([
      "role a",
      "role c < role a",
      "role b < role a",
      "role hangs < role a",
      "setting lambda.via < role a",
    ]);
  });

  it("leaves out only the end of a chain that is too long", () => {
    const links = Array.from({ length: 120 }, (_, index) => `  r${index + 1}: { source_role: r${index}, ${ARN} }\n`);
    const config = around(`${HEAD}${SOURCES}roles:\n  r0: { source: k, ${ARN} }\n${links.join("")}`);

    expect(config.roles.size).toBe(100);
    expect(leftOut(config)[0]).toBe("role r100");
    expect(config.leftOut).toHaveLength(21);
  });

  it("does without a lambda.via that names nothing", () => {
    const config = around(`${HEAD}${SOURCES}roles:\n  dev: { source: k, ${ARN} }\nlambda: { via: dve }\n`);

    expect(config.roles.size).toBe(1);
    expect(config.leftOut?.[0]?.message).toMatch(
      /lambda\.via is not in force: .*:7:\d+: lambda\.via: .*did you mean "dev"/,
    );
  });

  it("names the first three of an entry's problems and counts the others", () => {
    const config = around(`${HEAD}${SOURCES}roles:\n  bad: { source: k, zza: 1, zzb: 2, zzc: 3, zzd: 4, zze: 5 }\n`);

    expect(config.leftOut?.[0]?.message).toMatch(
      /: roles\.bad\.zza: unknown key; .*: roles\.bad\.zzb: unknown key; .*zzc: unknown key \(and 2 more: brokerctl config check\)$/,
    );
  });

  it("never serves an entry whose name cannot be one", () => {
    const config = around(
      `${HEAD}${SOURCES}roles:\n  "a:b": { source: k, ${ARN} }\n  constructor: { source: k }\n  ok: { source: k }\n`,
    );

    expect([...config.roles.keys()]).toEqual(["ok"]);
    expect(leftOut(config).toSorted()).toEqual(["role a:b", "role constructor"]);
  });

  it("says what is wrong with thousands of entries without comparing each name with each", () => {
    const count = 3000;
    const many = Array.from({ length: count }, (_, index) => `  r${index}: { source: kk, ${ARN} }\n`).join("");
    const config = around(`${HEAD}${SOURCES}roles:\n${many}`);

    expect(config.leftOut).toHaveLength(count);
    expect(config.leftOut?.filter(({ message }) => message.includes("did you mean"))).toHaveLength(100);
  });
});

describe("a config whose top is wrong", () => {
  const bad = `${SOURCES}roles:\n  good: { source: k }\n  bad: { source: k, regoin: x }\n`;

  it.each([
    ["has an unknown key", `${HEAD}nonsense: 1\n${bad}`, "nonsense: unknown key"],
    ["is of another version", `version: 2\nsecret_store: key_file\n${bad}`, "version: must be 1"],
    ["names no secret store", `version: 1\n${bad}`, "secret_store: is required"],
    ["wants a command and names none", `version: 1\nsecret_store: command\n${bad}`, "data_key_command: is required"],
    ["has a section twice", `${HEAD}${bad}roles: {}\n`, "roles: is given twice"],
    ["has a list for its sources", `${HEAD}sources: []\nroles: { bad: { source: k } }\n`, "sources: must be a map"],
    ["is no YAML", `${HEAD}${bad}\t- [\n`, "YAML"],
    ["has an unknown key in lambda", `${HEAD}${bad}lambda: { vja: good }\n`, "lambda.vja: unknown key"],
    ["merges roles in", `${HEAD}${SOURCES}roles:\n  <<: { good: { source: k } }\n`, "merge keys are not supported"],
  ])("is refused as a whole where it %s, with every problem listed", (_, text, says) => {
    const error = caught(() => around(text));

    expect(error.code).toBe("ConfigInvalid");
    expect(error.message).toContain(says);
    expect(error.message).toBe(caught(() => parse(text)).message);
  });

  it("is refused where aliases stand for too much: what was cut off may be a role's restriction", () => {
    const policy = `{ Version: "2012-10-17", Statement: [${Array.from({ length: 900 }, () => 1).join(", ")}] }`;
    const uses = (count: number): string =>
      Array.from({ length: count }, (_, index) => `  r${index}: { source: k, ${ARN}, policy: *p }\n`).join("");
    const text = (count: number): string =>
      `${HEAD}${SOURCES}roles:\n  first: { source: k, ${ARN}, policy: &p ${policy} }\n${uses(count)}`;

    expect(around(text(100)).roles.size).toBe(101);
    // Of the 111th only a part is read, and no alias comes after it that could tell.
    expect(caught(() => around(text(111))).message).toContain("too many aliases");
    expect(caught(() => around(text(1010))).message).toContain("too many aliases");
  });
});
