import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type AwsImport, type ConfigImport, planAwsImport } from "../../../src/config/import/aws-config-import.js";
import { CANARY, canarySecretKey } from "../../support/canaries.js";
import { lookupsDuring } from "../../support/lookups-during.js";
import { caught, EXAMPLE, HEAD, PLACE, parse } from "../config-text.js";

const fixture = (name: string): string => readFileSync(new URL(`fixtures/${name}`, import.meta.url), "utf8");
const FILES = { config: fixture("aws-config"), credentials: fixture("aws-credentials") };

type Texts = Partial<Record<"config" | "credentials", string>>;

function plan(files: Texts, more: Partial<ConfigImport> = {}): AwsImport {
  const { config, credentials } = files;
  return planAwsImport({
    ...PLACE,
    text: HEAD,
    aws: {
      ...(config !== undefined && { config: { text: config, path: "~/.aws/config" } }),
      ...(credentials !== undefined && { credentials: { text: credentials, path: "~/.aws/credentials" } }),
    },
    withDefault: false,
    profiles: null,
    heldKeys: new Map(),
    ...more,
  });
}

/** `what: outcome` by profile. */
function outcomes({ items }: AwsImport): Record<string, string> {
  return Object.fromEntries(items.map(({ what, outcome }) => [what, outcome]));
}

function notesOf({ items }: AwsImport, what: string): string {
  return items.find((item) => item.what === what)?.notes.join("; ") ?? "no such item";
}

function heldAfter({ keys }: AwsImport): ReadonlyMap<string, string> {
  return new Map(keys.map(({ accessKeyId, source }) => [accessKeyId, source]));
}

/** The AWS files without the keys that were imported. */
function withoutKeys(files: Required<Texts>, { keys }: AwsImport): Required<Texts> {
  const cut = (file: "config" | "credentials"): string => {
    const places = keys.flatMap((key) => key.places).filter((place) => place.file === file);
    const last = places.sort((a, b) => b.start - a.start);
    return last.reduce((text, { start, end }) => text.slice(0, start) + text.slice(end), files[file]);
  };
  return { config: cut("config"), credentials: cut("credentials") };
}

const key = (id: string, tag: string): string =>
  `aws_access_key_id = ${id}\naws_secret_access_key = ${canarySecretKey(tag)}\n`;
const ID = "AKIA0000000000000001";
const OTHER = "AKIA0000000000000002";
const arn = (name: string): string => `arn:aws:iam::222222222222:role/${name}`;

describe("the mixed profiles", () => {
  const planned = plan(FILES);
  const config = parse(planned.text ?? "");

  it("are all taken or named with a reason", () => {
    const sections = [...`${FILES.config}\n${FILES.credentials}`.matchAll(/^\[(?:profile )?"?([^\]"]+)"?\]/gm)];
    const accounted = new Set(planned.items.map(({ what }) => what.replace(/^\[(?:profile )?|\]$/g, "")));
    const unnamed = sections.map(([, name = ""]) => name).filter((name) => !accounted.has(name));
    expect(unnamed).toEqual(["services local", "plugins"]);
    expect(planned.items.length).toBeGreaterThan(50);
    for (const { what, outcome, notes } of planned.items) {
      if (outcome !== "add") expect([what, notes.length > 0]).toEqual([what, true]);
    }
  });

  it("give a config that is valid", () => {
    expect([...config.roles.keys()].sort()).toEqual(
      planned.items.flatMap(({ outcome, role }) => (outcome === "add" && role !== null ? [role] : [])).sort(),
    );
    expect(config.roles.size).toBe(29);
  });

  it.each<[string, object]>([
    ["sso-dev", { origin: { source: { type: "sso", name: "corp" } }, sso: { accountId: "111111111111" } }],
    ["sso-legacy", { origin: { source: { type: "sso", name: "old" } } }],
    ["sso-legacy-same-portal", { origin: { source: { name: "corp" } } }],
    ["sso-chained", { origin: { role: { name: "sso-dev" } }, assume: { roleSessionName: "me" } }],
    ["ops", { origin: { source: { type: "keys", name: "ops" } }, region: "eu-central-1" }],
    ["prod", { origin: { source: { name: "ops", mfaSerial: "arn:aws:iam::111111111111:mfa/me" } } }],
    ["prod", { assume: { roleArn: arn("prod"), externalId: "ext-42", durationSeconds: 3600 } }],
    ["long", { assume: { durationSeconds: 43_200 }, region: "eu-west-2" }],
    ["self", { origin: { source: { type: "keys", name: "self" } }, assume: { roleArn: arn("self") } }],
    ["chain-2", { origin: { role: { origin: { source: { name: "plain" } } } } }],
    ["on-ec2", { origin: { source: { type: "instance_metadata" } } }],
    ["on-ecs", { origin: { source: { type: "container" } } }],
    ["oidc", { origin: { source: { tokenFile: "/var/run/token" } }, assume: { durationSeconds: 7200 } }],
    ["vendor-role", { origin: { source: { command: '/opt/bin/creds --profile "two words"' } } }],
    ["vendor-home", { origin: { source: { type: "profile", profile: "vendor-home" } } }],
    ["signed-in", { origin: { source: { type: "console_login", loginSession: expect.any(String) as string } } }],
    ["saml", { origin: { source: { type: "profile", profile: "saml" } } }],
    ["my-dev", { sso: { roleName: "Other" } }],
    ["my-dev-2", { sso: { roleName: "Developer" } }],
    ["team-prod", { assume: { roleArn: arn("team") } }],
    ["plain-again", { origin: { source: { name: "plain" } } }],
    ["china", { assume: { roleArn: "arn:aws-cn:iam::555555555555:role/china" }, stsRegion: "cn-north-1" }],
  ])("%s becomes what it was", (role, expected) => {
    expect(config.roles.get(role)).toMatchObject(expected);
  });

  it.each<[string, RegExp]>([
    ["[sso-session broken]", /no sso_region/],
    ["sso-no-account", /no sso_account_id/],
    ["sso-token-only", /brokerctl sso roles/],
    ["sso-lost-session", /no \[sso-session nowhere\]/],
    ["half-a-key", /aws_secret_access_key is missing/],
    ["on-default", /source_profile default is taken only when it is named/],
    ["circle-a", /circle/],
    ["after-circle", /source_profile circle-a is not taken/],
    ["orphan", /source_profile gone is in none/],
    ["unsigned", /neither source_profile nor credential_source/],
    ["wrong-arn", /role_arn: must be the ARN of the role itself/],
    ["two-signers", /both source_profile and credential_source/],
    ["on-environment", /Environment/],
    ["oidc-relative", /absolute path/],
    ["vendor-injection", /# or ;/],
    ["ours", /this broker already/],
    ["only-a-region", /holds no credentials/],
    ["[profile __proto__]", /attacked/],
    ["[forgot-the-word]", /\[profile forgot-the-word\]/],
    ["[profile misplaced]", /\[misplaced\]/],
    ["line 240", /neither \[section\] nor name = value/],
  ])("%s is not taken, and the reason is said", (what, why) => {
    expect(outcomes(planned)[what]).toBe("refused");
    expect(notesOf(planned, what)).toMatch(why);
  });

  it.each<[string, RegExp]>([
    ["prod-read", /duration_seconds is left out: must be at most 3600/],
    ["prod-read", /asks for MFA too/],
    ["chain-2", /mfa_serial is left out/],
    ["elsewhere", /endpoint_url stays behind/],
    ["my dev", /its role is called my-dev-2/],
    ["vendor", /runs \/opt\/bin\/creds/],
    ["ops", /GetSessionToken/],
  ])("%s is taken with a note", (what, note) => {
    expect(outcomes(planned)[what]).toBe("add");
    expect(notesOf(planned, what)).toMatch(note);
  });

  it("bring each key once, and none of it into config or messages", () => {
    expect(planned.keys.map(({ source, places }) => [source, places.length])).toEqual([
      ["ops", 2],
      ["keys-in-config", 2],
      ["plain", 4],
      ["self", 2],
      ["china-keys", 2],
    ]);
    expect(JSON.stringify([planned.text, planned.items, planned.summary])).not.toContain(CANARY);
  });

  it("change nothing when they come again", () => {
    const again = plan(FILES, { text: planned.text ?? "", heldKeys: heldAfter(planned) });
    expect([again.text, again.summary]).toEqual([null, []]);
    const outcome = (item: (typeof again.items)[number]): string => (item.outcome === "same" ? "add" : item.outcome);
    expect(again.items.map(outcome)).toEqual(planned.items.map(({ outcome: before }) => before));
  });

  it("change nothing either when their keys are out of the files", () => {
    const files = withoutKeys(FILES, planned);
    expect([...files.credentials.matchAll(new RegExp(CANARY, "g"))]).toHaveLength(4); // default, saml twice, misplaced
    expect(files.config).not.toContain(CANARY);
    const again = plan(files, { text: planned.text ?? "", heldKeys: heldAfter(planned) });
    expect(again.text).toBeNull();
    expect(again.keys).toEqual([]);
    expect(again.items.filter(({ outcome }) => outcome === "add" || outcome === "conflict")).toEqual([]);
    expect(outcomes(again)).toMatchObject({ ops: "same", prod: "same", "plain-again": "same", self: "same" });
  });

  it("go into a config that has something already, which stays byte for byte", () => {
    const { text } = plan(FILES, { text: EXAMPLE });
    const lines = (text ?? "").split("\n");
    const kept = EXAMPLE.split("\n").filter((line) => lines.includes(line));
    expect(kept).toEqual(EXAMPLE.split("\n"));
    expect(parse(text ?? "").roles.size).toBe(29 + 2);
  });
});

describe("the profiles that are taken", () => {
  it("are the named ones and those that sign for them", () => {
    const planned = plan(FILES, { profiles: ["chain-2", "my dev"] });
    expect(outcomes(planned)).toEqual({ "chain-1": "add", "chain-2": "add", "my dev": "add", plain: "add" });
    expect([...parse(planned.text ?? "").sources.keys()].sort()).toEqual(["corp", "plain"]);
  });

  it("have [default] among them when it is named, or when the user said so", () => {
    expect(outcomes(plan(FILES))["default"]).toBe("left");
    expect(outcomes(plan(FILES, { withDefault: true }))).toMatchObject({ default: "add", "on-default": "add" });
    const named = plan(FILES, { profiles: ["default", "on-default"] });
    expect(named.keys.map(({ source }) => source)).toEqual(["default"]);
    const notNamed = plan(FILES, { profiles: ["on-default"] });
    expect([notNamed.text, notNamed.keys, outcomes(notNamed)]).toEqual([null, [], { "on-default": "refused" }]);
  });

  it("a name that is not there is a wrong use, with the nearest that is", () => {
    expect(caught(() => plan(FILES, { profiles: ["prdo"] }))).toMatchObject({
      code: "UsageInvalid",
      hint: "brokerctl import prod",
    });
  });
});

describe("what AWS programs make of two files", () => {
  it("the credentials file wins, and of one file the last", () => {
    const config = `[profile a]\nregion = eu-west-1\n${key(OTHER, "config")}`;
    const planned = plan({ config, credentials: `[a]\n${key(OTHER, "first")}[a]\n${key(ID, "last")}` });
    expect(planned.keys.map(({ accessKeyId }) => accessKeyId)).toEqual([ID]);
    expect(parse(planned.text ?? "").roles.get("a")?.region).toBe("eu-west-1");
  });

  it("[profile default] takes the place of [default]", () => {
    const config = `[default]\nrole_arn = ${arn("a")}\nsource_profile = k\n[profile default]\nregion = eu-west-1\n`;
    expect(outcomes(plan({ config }))).toEqual({ default: "refused", "[default]": "refused" });
  });

  it("a source_profile with a key signs with that, even where it names a role of its own", () => {
    const config = `[profile base]\nrole_arn = ${arn("base")}\nsource_profile = base\n[profile top]\nrole_arn = ${arn("top")}\nsource_profile = base\n`;
    const { text } = plan({ config, credentials: `[base]\n${key(ID, "base")}` });
    expect(parse(text ?? "").roles.get("top")?.origin).toMatchObject({ kind: "source", source: { name: "base" } });
  });

  it("either file may be missing, or both", () => {
    expect(outcomes(plan({ credentials: `[a]\n${key(ID, "a")}` }))).toEqual({ a: "add" });
    expect(plan({})).toEqual({ text: null, summary: [], items: [], keys: [] });
  });

  it("a value over several lines is no ARN and no command", () => {
    const config = "[profile a]\ncredential_process = /opt/a\n  --evil\n";
    expect(notesOf(plan({ config }), "a")).toContain("several lines");
  });
});

describe("entries that are in the config already", () => {
  const config = `[profile a]\nrole_arn = ${arn("a")}\nsource_profile = k\n[profile b]\nrole_arn = ${arn("b")}\nsource_profile = a\n`;
  const credentials = `[k]\n${key(ID, "k")}`;

  it("stay as they are when they differ, and what stands on them is not taken", () => {
    const text = `${HEAD}sources:\n  other: { type: keys }\nroles:\n  a: { source: other }\n`;
    const planned = plan({ config, credentials }, { text });
    expect(outcomes(planned)).toEqual({ a: "conflict", b: "refused", k: "add" });
    expect(notesOf(planned, "a")).toContain("role_arn");
    expect(planned.text).toContain("  a: { source: other }\n");
  });

  it("are found whatever they are called, if they are sources that say the same", () => {
    const sso = `[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n`;
    const text = `${HEAD}sources:\n  mine: { sso_region: eu-west-1, sso_start_url: https://corp.awsapps.com/start, type: sso }\n`;
    const dev = "[profile dev]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = Dev\n";
    expect(parse(plan({ config: sso + dev }, { text }).text ?? "").roles.get("dev")).toMatchObject({
      origin: { source: { name: "mine" } },
    });
  });

  it("are one source however their portal is spelled, in AWS files and in the config", () => {
    const session = (name: string, end: string): string =>
      `[sso-session ${name}]\nsso_start_url = https://corp.awsapps.com/start${end}\nsso_region = eu-west-1\n`;
    const role = "sso_account_id = 111111111111\nsso_role_name = Dev\n";
    const files = [
      session("corp", ""),
      session("again", "/"),
      `[profile a]\nsso_session = corp\n${role}`,
      `[profile b]\nsso_session = again\n${role}`,
      `[profile c]\nsso_start_url = https://Corp.awsapps.com/start#\nsso_region = eu-west-1\n${role}`,
      `[profile d]\nsso_start_url = https://corp.awsapps.com/start#/\nsso_region = eu-west-1\n${role}`,
    ].join("");
    const planned = plan({ config: files });
    const config = parse(planned.text ?? "");

    expect([...config.sources.keys()]).toEqual(["corp"]);
    expect([...config.roles.values()].map(({ origin }) => origin)).toHaveLength(4);
    const text = `${HEAD}sources:\n  corp: { type: sso, sso_start_url: "https://corp.awsapps.com/start#/", sso_region: eu-west-1 }\n`;
    const again = plan({ config: files }, { text });
    expect(again.items.filter(({ outcome }) => outcome === "conflict")).toEqual([]);
    expect([...parse(again.text ?? "").sources.keys()]).toEqual(["corp"]);
  });

  it("a key that the store has under another source is not stored twice", () => {
    const text = `${HEAD}sources:\n  mine: { type: keys }\n`;
    const planned = plan({ config, credentials }, { text, heldKeys: new Map([[ID, "mine"]]) });
    expect([...parse(planned.text ?? "").sources.keys()]).toEqual(["mine"]);
  });

  it("a broken config is not added to", () => {
    expect(caught(() => plan({ config }, { text: "version: 2\n" }))).toMatchObject({ code: "ConfigInvalid" });
  });
});

function signedBy(name: string, source: string): string {
  return `[profile ${name}]\nrole_arn = ${arn("x")}\nsource_profile = ${source}\n`;
}

describe("hostile files", () => {
  it("leave the prototype of objects alone", () => {
    const config = ["__proto__", "constructor", "prototype"]
      .map(
        (name) => `[profile ${name}]\n__proto__ = x\npolluted = yes\nrole_arn = ${arn("x")}\n[sso-session ${name}]\n`,
      )
      .join("");
    const planned = plan({ config, credentials: "[__proto__]\npolluted = yes\n" });
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
    expect(planned.text).toBeNull();
    expect(new Set(Object.values(outcomes(planned)))).toEqual(new Set(["refused"]));
  });

  it("keys in the wrong place are not repeated", () => {
    const secret = canarySecretKey("Wrong9");
    const config = `[profile ${secret}]\nrole_arn = ${secret}\nsource_profile = ${secret}\n[profile e]\nrole_arn = x\ncredential_source = ${secret}\n[${secret}]\n`;
    expect(JSON.stringify(plan({ config, credentials: `[k]\naws_access_key_id = ${secret}\n` }).items)).not.toContain(
      secret,
    );
  });

  it("control characters do not reach a terminal", () => {
    const config = "[profile a]\nrole_arn = x\ncredential_source = \u001b[31mred\n[profile \u001b[2J]\nregion = x\n";
    expect(JSON.stringify(plan({ config }).items)).not.toMatch(/\\u001b(?!\[)/);
  });

  const circle = (length: number): string =>
    Array.from({ length }, (_, name) => signedBy(`p${name}`, `p${(name + 1) % length}`)).join("");
  const chain = (length: number): Texts => ({
    config: Array.from({ length }, (_, name) => signedBy(`p${name}`, `p${name + 1}`)).join(""),
    credentials: `[p${length}]\n${key(ID, "chain")}`,
  });
  const processes = (length: number): string =>
    Array.from({ length }, (_, n) => `[profile v${n}]\ncredential_process = /opt/v ${n}\n`).join("");

  it("long circles and chains, and thousands of profiles, end with reasons", () => {
    expect(new Set(Object.values(outcomes(plan({ config: circle(3000) }))))).toEqual(new Set(["refused"]));
    expect(parse(plan(chain(300)).text ?? "").roles.size).toBe(101);
    expect(parse(plan({ config: processes(3000) }).text ?? "").roles.size).toBe(3000);
  });

  it.each<[string, (length: number) => Texts]>([
    ["circles", (length) => ({ config: circle(length) })],
    ["chains", chain],
    ["profiles side by side", (length) => ({ config: processes(length) })],
  ])("ten times longer %s cost ten times as much, not more", (_, files) => {
    const of = (length: number): number => lookupsDuring(() => plan(files(length)));
    expect(of(2000) / of(200)).toBeLessThan(11);
  });

  it("more than a config can hold is refused as a whole", () => {
    const filler = "x".repeat(7000);
    const many = Array.from({ length: 200 }, (_, n) => `[profile v${n}]\ncredential_process = /opt/v ${n} ${filler}\n`);
    expect(caught(() => plan({ config: many.join("") }))).toMatchObject({ code: "UsageInvalid" });
  });
});
