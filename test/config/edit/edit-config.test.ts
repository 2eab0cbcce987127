import { describe, expect, it } from "vitest";
import { type ConfigEdit, planRoleAdd, planSourceAdd } from "../../../src/config/edit/edit-config.js";
import type { FieldValues } from "../../../src/core/config-edit.js";
import { caught, EXAMPLE, HEAD, PLACE, parse } from "../config-text.js";

const ARN = "arn:aws:iam::222222222222:role/new";

function addSource(text: string, name = "new", fields: FieldValues = { type: "keys" }): ConfigEdit {
  return planSourceAdd({ text, ...PLACE, name, fields });
}

function addRole(text: string, name = "new", fields: FieldValues = { source: "k", role_arn: ARN }): ConfigEdit {
  return planRoleAdd({ text, ...PLACE, name, fields });
}

/** What stands in the new text and not in the old one, provided that it is one run of whole lines. */
function addedLines(before: string, after: string): string[] {
  const [old, now] = [before.split("\n"), after.split("\n")];
  const start = now.findIndex((line, index) => line !== old[index]);
  const count = now.length - old.length;
  expect([...now.slice(0, start), ...now.slice(start + count)]).toEqual(old);
  return now.slice(start, start + count);
}

const K = `sources:\n  k: { type: keys }\n`;

/** What `init` may write: everything explained, nothing set yet. */
const TEMPLATE = `# credbroker: https://example.com/docs
version: 1
secret_store: key_file
endpoint:
    port: 9171

# What signs the first hop to a role.
sources:
    # ops: { type: keys, mfa_serial: "arn:aws:iam::111111111111:mfa/me" }

# Roles that credentials can be had for.
roles:
    # prod:
    #     source: ops
`;

describe("adding to the documented example", () => {
  it("puts a source below the last one and leaves every other byte alone", () => {
    const { text } = addSource(EXAMPLE, "audit", { type: "keys", mfa_serial: "arn:aws:iam::333333333333:mfa/me" });

    expect(addedLines(EXAMPLE, text)).toEqual([
      "  audit:",
      "    type: keys",
      "    mfa_serial: arn:aws:iam::333333333333:mfa/me",
    ]);
    expect(text.indexOf("  audit:")).toBe(text.indexOf("roles:\n") - addedLines(EXAMPLE, text).join("\n").length - 1);
  });

  it("puts a role below the last one and the comments that are part of it", () => {
    const { text } = addRole(EXAMPLE, "audit", { source: "ci", role_arn: ARN });

    expect(addedLines(EXAMPLE, text)).toEqual(["  audit:", "    source: ci", `    role_arn: ${ARN}`]);
    expect(text).toContain("    # guard: { confirm: true }      # not yet\n  audit:\n");
    expect(text).toContain(`    role_arn: ${ARN}\n\nprojects:`);
  });

  it("keeps CRLF line ends, also in what is added", () => {
    const before = EXAMPLE.replaceAll("\n", "\r\n");
    const { text } = addRole(before, "audit", { source: "ci", role_arn: ARN });

    expect(addedLines(before, text)).toEqual(["  audit:\r", "    source: ci\r", `    role_arn: ${ARN}\r`]);
    expect(text.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  });

  it("takes every field a role can have", () => {
    const policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}';
    const { text } = addRole(EXAMPLE, "full", {
      policy_arns: ["arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/job-function/Billing"],
      source: "ci",
      role_arn: ARN,
      region: "eu-west-3",
      duration_seconds: "7200",
      role_session_name: "{user}@{host}",
      external_id: "012345",
      source_identity: "true",
      tags: ["team=core", "cost=12=3", "empty="],
      transitive_tag_keys: ["team"],
      policy,
    });

    expect(parse(text).roles.get("full")).toMatchObject({
      region: "eu-west-3",
      assume: {
        roleArn: ARN,
        roleSessionName: "me@box",
        durationSeconds: 7200,
        externalId: "012345",
        sourceIdentity: "true",
        tags: { team: "core", cost: "12=3", empty: "" },
        transitiveTagKeys: ["team"],
        policy,
        policyArns: ["arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/job-function/Billing"],
      },
    });
    addedLines(EXAMPLE, text);
  });

  it("can be repeated: what was added can be built upon", () => {
    const once = addSource(EXAMPLE, "a", { type: "keys", session_duration_seconds: "900" }).text;
    const twice = addRole(once, "b", { source: "a" }).text;
    const thrice = addRole(twice, "c", { source_role: "b", role_arn: ARN }).text;

    expect([...parse(thrice).roles.keys()]).toEqual(["dev", "prod-role", "b", "c"]);
    expect(parse(thrice).sources.get("a")).toMatchObject({ sessionDurationSeconds: 900 });
  });

  it("says what changes", () => {
    expect(addRole(EXAMPLE, "audit", { source: "ci", role_arn: ARN }).summary).toEqual([
      "adds role audit:",
      "  audit:",
      "    source: ci",
      `    role_arn: ${ARN}`,
    ]);
  });
});

describe("adding to a file of another layout", () => {
  it.each<[string, string, string]>([
    ["no roles at all", `${HEAD}${K}`, `${HEAD}${K}roles:\n  new:\n    source: k\n    role_arn: ${ARN}\n`],
    [
      "no line end at the end",
      `${HEAD}${K}`.trimEnd(),
      `${HEAD}${K}roles:\n  new:\n    source: k\n    role_arn: ${ARN}\n`,
    ],
    ["roles: with nothing", `${HEAD}roles:\n${K}`, `${HEAD}roles:\n  new:\n    source: k\n    role_arn: ${ARN}\n${K}`],
    [
      "roles: with nothing, at the end",
      `${HEAD}${K}roles:`,
      `${HEAD}${K}roles:\n  new:\n    source: k\n    role_arn: ${ARN}\n`,
    ],
    [
      "roles: with a comment",
      `${HEAD}roles: # mine\n${K}`,
      `${HEAD}roles: # mine\n  new:\n    source: k\n    role_arn: ${ARN}\n${K}`,
    ],
    [
      "roles: {}",
      `${HEAD}roles: {}   # none yet\n${K}`,
      `${HEAD}roles:   # none yet\n  new:\n    source: k\n    role_arn: ${ARN}\n${K}`,
    ],
    ["roles: ~", `${HEAD}roles: ~\n${K}`, `${HEAD}roles:\n  new:\n    source: k\n    role_arn: ${ARN}\n${K}`],
    [
      "roles: null in the middle of nowhere",
      `${HEAD}${K}roles:\n\n  null\n`,
      `${HEAD}${K}roles:\n  new:\n    source: k\n    role_arn: ${ARN}\n`,
    ],
    [
      "an empty map with a comment in it",
      `${HEAD}${K}roles: { # none\n  }\n`,
      `${HEAD}${K}roles: { # none\n  new: { source: k, role_arn: ${ARN} } }\n`,
    ],
    [
      "roles in braces",
      `${HEAD}${K}roles: { a: { source: k } } # mine\n`,
      `${HEAD}${K}roles: { a: { source: k }, new: { source: k, role_arn: ${ARN} } } # mine\n`,
    ],
    [
      "roles in braces over lines, with a trailing comma",
      `${HEAD}${K}roles: {\n  a: { source: k }, # a\n}\n`,
      `${HEAD}${K}roles: {\n  a: { source: k }, new: { source: k, role_arn: ${ARN} }, # a\n}\n`,
    ],
    [
      "everything in braces",
      `{version: 1, secret_store: key_file, sources: {k: {type: keys}}}`,
      `{version: 1, secret_store: key_file, sources: {k: {type: keys}}, roles: { new: { source: k, role_arn: ${ARN} } }}`,
    ],
    [
      "everything in braces, roles empty",
      `{version: 1, roles: {}, secret_store: key_file, sources: {k: {type: keys}}}`,
      `{version: 1, roles: { new: { source: k, role_arn: ${ARN} } }, secret_store: key_file, sources: {k: {type: keys}}}`,
    ],
    [
      "JSON",
      `{"version": 1, "secret_store": "key_file", "sources": {"k": {"type": "keys"}}, "roles": {"a": {"source": "k"}}}\n`,
      `{"version": 1, "secret_store": "key_file", "sources": {"k": {"type": "keys"}}, "roles": {"a": {"source": "k"}, new: { source: k, role_arn: ${ARN} }}}\n`,
    ],
    [
      "a document with its markers",
      `---\n${HEAD}${K}...\n`,
      `---\n${HEAD}${K}roles:\n  new:\n    source: k\n    role_arn: ${ARN}\n...\n`,
    ],
    [
      "four spaces",
      `${HEAD}sources:\n    k: { type: keys }\nroles:\n    a:\n        source: k\n\n# end\n`,
      `${HEAD}sources:\n    k: { type: keys }\nroles:\n    a:\n        source: k\n    new:\n        source: k\n        role_arn: ${ARN}\n\n# end\n`,
    ],
    [
      "a list at the end of the last role",
      `${HEAD}${K}roles:\n  a:\n    source: k\n    role_arn: ${ARN}\n    policy_arns:\n    - arn:aws:iam::aws:policy/A\n    - arn:aws:iam::aws:policy/B\n`,
      `${HEAD}${K}roles:\n  a:\n    source: k\n    role_arn: ${ARN}\n    policy_arns:\n    - arn:aws:iam::aws:policy/A\n    - arn:aws:iam::aws:policy/B\n  new:\n    source: k\n    role_arn: ${ARN}\n`,
    ],
    [
      "a policy as a block of text",
      `${HEAD}${K}roles:\n  a:\n    source: k\n    role_arn: ${ARN}\n    policy: |\n      {"Version": "2012-10-17",\n       "Statement": []}\n\ndefaults: {}\n`,
      `${HEAD}${K}roles:\n  a:\n    source: k\n    role_arn: ${ARN}\n    policy: |\n      {"Version": "2012-10-17",\n       "Statement": []}\n  new:\n    source: k\n    role_arn: ${ARN}\n\ndefaults: {}\n`,
    ],
    [
      "a section that is an anchor",
      `${HEAD}${K}roles: &all\n  a: &a { source: k }\n`,
      `${HEAD}${K}roles: &all\n  a: &a { source: k }\n  new:\n    source: k\n    role_arn: ${ARN}\n`,
    ],
    [
      "a last role that is an alias",
      `${HEAD}${K}roles:\n  a: &a { source: k }\n  b: *a\n`,
      `${HEAD}${K}roles:\n  a: &a { source: k }\n  b: *a\n  new:\n    source: k\n    role_arn: ${ARN}\n`,
    ],
  ])("works with %s", (_, before, after) => {
    expect(addRole(before).text).toBe(after);
    expect(parse(after).roles.has("new")).toBe(true);
  });

  it("fills a template of comments with its own indentation", () => {
    const withSource = addSource(TEMPLATE, "ops", { type: "keys", region: "eu-west-1" }).text;
    const withRole = addRole(withSource, "prod", { source: "ops", role_arn: ARN }).text;

    expect(addedLines(TEMPLATE, withSource)).toEqual(["    ops:", "        type: keys", "        region: eu-west-1"]);
    expect(addedLines(withSource, withRole)).toEqual(["    prod:", "        source: ops", `        role_arn: ${ARN}`]);
  });

  it("quotes names that YAML would not take for text", () => {
    const { text } = addRole(`${HEAD}${K}`, "2024");

    expect(parse(text).roles.has("2024")).toBe(true);
    expect(parse(addRole(text, "null").text).roles.has("null")).toBe(true);
  });

  it("refuses what it cannot add to without changing something else, and shows the lines to add", () => {
    const error = caught(() => addSource(`${HEAD}sources: &shared {}\nroles: *shared\n`));

    expect(error.code).toBe("NotSupported");
    expect(error.hint).toContain("  new:\n    type: keys\n");
  });
});

describe("what cannot be added", () => {
  it.each<[string, FieldValues, string]>([
    ["an unknown field", { source: "k", rolearn: ARN }, "did you mean role_arn?"],
    ["a guard that is no pair", { source: "k", guard: ["terminal"] }, "guard must be KEY=VALUE"],
    ["a guard with another key", { source: "k", guard: ["confrim=terminal"] }, 'did you mean "confirm"?'],
    [
      "a guard with another value",
      { source: "k", guard: ["reason=yes"] },
      'guard.reason: must be true or false, not "yes"',
    ],
    ["a text given twice", { source: ["k", "m"] }, "source is given 2 times"],
    ["a text given not at all", { source: [] }, "source is given 0 times"],
    [
      "a duration that is no number",
      { source: "k", role_arn: ARN, duration_seconds: "1h" },
      "duration_seconds must be a whole number",
    ],
    [
      "a duration that AWS refuses",
      { source: "k", role_arn: ARN, duration_seconds: "60" },
      "duration_seconds: must be 900 to 43200 seconds, not 60",
    ],
    ["a tag without value", { source: "k", role_arn: ARN, tags: ["team"] }, 'tags must be KEY=VALUE, not "team"'],
    ["a tag without key", { source: "k", role_arn: ARN, tags: ["=core"] }, "tags must be KEY=VALUE"],
    ["a tag twice", { source: "k", role_arn: ARN, tags: ["a=b", "a=c"] }, 'tags has "a" twice'],
    ["a policy that is no JSON", { source: "k", role_arn: ARN, policy: "{" }, "policy is not valid JSON"],
    ["a policy that is none", { source: "k", role_arn: ARN, policy: "{}" }, "policy: must be a map with Version"],
    ["an unknown source", { source: "kk", role_arn: ARN }, 'source: unknown source "kk"; did you mean "k"?'],
    ["a role without anything", {}, "needs source"],
    ["a role chained from itself", { source_role: "new", role_arn: ARN }, "new → new"],
    ["an inherited name", { toString: "x" }, 'unknown field "toString"'],
  ])("%s is a wrong use that names the field", (_, fields, says) => {
    const error = caught(() => addRole(`${HEAD}${K}`, "new", fields));

    expect(error.code).toBe("UsageInvalid");
    expect(error.message).toContain(says);
    expect(error.message).not.toContain(PLACE.path);
  });

  it.each<[string, FieldValues, string]>([
    ["no type", {}, "type: is required"],
    [
      "fields of another type",
      { type: "keys", sso_region: "eu-west-1" },
      "belongs to sources of type sso or aws_sso_cache",
    ],
    ["a command that cannot be split", { type: "process", credential_process: "it's" }, "a ' is never closed"],
    ["a wrong MFA device", { type: "keys", mfa_serial: "phone" }, "mfa_serial: must be the ARN of an MFA device"],
    ["a role's field", { type: "keys", role_arn: ARN }, 'unknown field "role_arn"'],
  ])("a source with %s is a wrong use", (_, fields, says) => {
    const error = caught(() => addSource(`${HEAD}${K}`, "new", fields));

    expect(error.code).toBe("UsageInvalid");
    expect(error.message).toContain(says);
  });

  it("lists all that is wrong with an entry", () => {
    const error = caught(() => addRole(`${HEAD}${K}`, "new", { source: "kk", role_arn: "x", region: "EU" }));

    expect(error.message.split("\n").map((line) => line.split(":")[0])).toEqual([
      "cannot add role new",
      "role_arn",
      "region",
    ]);
    expect(error.hint).toBe("brokerctl role add --help");
  });

  it.each(["", "a:b", "-x", "a b", "x".repeat(129), "a\nb", "constructor", "__proto__"])(
    "the name %j is a wrong use",
    (name) => {
      expect(caught(() => addRole(`${HEAD}${K}`, name)).code).toBe("UsageInvalid");
      expect(caught(() => addSource(`${HEAD}${K}`, name)).code).toBe("UsageInvalid");
    },
  );

  it("a name that exists is a conflict with the command that fixes it", () => {
    expect(caught(() => addRole(EXAMPLE, "dev", { source: "ci" }))).toMatchObject({
      code: "Conflict",
      hint: "brokerctl config edit",
    });
    expect(caught(() => addSource(EXAMPLE, "ci"))).toMatchObject({ code: "Conflict" });
  });

  it("a role and a source may have the same name", () => {
    expect(parse(addRole(EXAMPLE, "ci", { source: "ci" }).text).roles.has("ci")).toBe(true);
  });

  it.each(["", "version: 2\n", `${HEAD}roles: [`, `${HEAD}rolse: {}\n`])(
    "to %j nothing is added: it is broken already",
    (text) => {
      const error = caught(() => addSource(text));

      expect(error).toMatchObject({ code: "ConfigInvalid", hint: "brokerctl config edit" });
      expect(error.message).toContain("has problems already, nothing was added");
      expect(error.message).toMatch(/config\.yaml:\d+:\d+: /);
    },
  );
});
