import { describe, expect, it } from "vitest";
import { planRename } from "../../../src/config/edit/rename-entry.js";
import type { EditPlan, EntryRename } from "../../../src/core/config-edit.js";
import { caught, EXAMPLE, HEAD, PLACE, parse } from "../config-text.js";

const CORP = "{ type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1 }";
const SSO = `${HEAD}sources:
  corp: ${CORP}   # ours
  corp-2: ${CORP.replace("corp.", "corp-2.")}
roles:
  admin: { source: corp, sso_account_id: "111111111111", sso_role_name: Admin }
projects:
  orders: { path: ~/orders, role: "corp:111111111111/Admin", stages: { prod: corp-2:111111111111/Admin } }
requests:
  - { role: corp:111111111111/Admin, decide: allow }
`;

function rename(text: string, kind: EntryRename["kind"], name: string, to: string): EditPlan {
  return planRename({ text, ...PLACE, kind, name, to });
}

/** The lines that are not the same, as they are now. */
function changed(before: string, { text }: EditPlan): string[] {
  const old = before.split("\n");
  return (text ?? "").split("\n").filter((line, index) => line !== old[index]);
}

describe("a role that is renamed", () => {
  it("is called so wherever the file names it, and every other byte stays", () => {
    const plan = rename(EXAMPLE, "role", "dev", "orders-dev");

    expect(changed(EXAMPLE, plan)).toEqual([
      '  orders-dev:       { source: ci, role_arn: "arn:aws:iam::111111111111:role/dev", duration_seconds: 43200 }',
      "  orders: { path: ~/code/orders, role: orders-dev, stages: { dev: orders-dev, prod: prod-role } }",
      "lambda:  { via: orders-dev }",
    ]);
    expect(plan.summary).toEqual([
      "renames role dev to orders-dev",
      "lambda.via: orders-dev",
      "projects.orders.role: orders-dev",
      "projects.orders.stages.dev: orders-dev",
    ]);
    expect(plan).not.toHaveProperty("notes");
  });

  it("goes on signing for those that are chained from it, in whatever layout", () => {
    const text = `${HEAD}sources: { k: { type: keys } }
roles:
  "a": { source: k, role_arn: arn:aws:iam::1:role/a }
  b:
    role_arn: arn:aws:iam::111111111111:role/b
    source_role: 'a'   # from a
`.replace("::1:", "::111111111111:");
    const plan = rename(text, "role", "a", "2024");

    expect(changed(text, plan)).toEqual([
      '  "2024": { source: k, role_arn: arn:aws:iam::111111111111:role/a }',
      '    source_role: "2024"   # from a',
    ]);
    expect(parse(plan.text ?? "").roles.get("b")?.origin).toMatchObject({ kind: "role", role: { name: "2024" } });
  });

  it("is renamed once where an anchor says it for several", () => {
    const text = `${HEAD}sources: { k: { type: keys } }
roles:
  a: { source: k }
  b: &b { source_role: a, role_arn: arn:aws:iam::111111111111:role/b }
  c: *b
`;
    const { roles } = parse(rename(text, "role", "a", "z").text ?? "");
    expect([...roles.values()].map(({ name, origin }) => [name, origin.kind === "role" && origin.role.name])).toEqual([
      ["z", false],
      ["b", "z"],
      ["c", "z"],
    ]);
  });

  it("is told of rules by pattern that decide otherwise of the other name", () => {
    const text = `${HEAD}sources: { k: { type: keys } }
roles:
  dev-a: { source: k }
requests:
  - { role: "dev-*", decide: allow }
  - { role: "*-a", decide: ask }
  - { role: dev-a, decide: deny }
`;
    const plan = rename(text, "role", "dev-a", "prod-a");
    expect(plan.notes).toEqual(["rule 1 of requests (dev-*) fits dev-a and does not fit prod-a"]);
    expect(changed(text, plan).at(-1)).toBe("  - { role: prod-a, decide: deny }");
  });
});

describe("a source that is renamed", () => {
  it("is called so in its roles and in SOURCE:ACCOUNT/ROLE, and one with a longer name is not", () => {
    const plan = rename(SSO, "source", "corp", "acme");
    expect(changed(SSO, plan)).toEqual([
      `  acme: ${CORP}   # ours`,
      '  admin: { source: acme, sso_account_id: "111111111111", sso_role_name: Admin }',
      "  orders: { path: ~/orders, role: acme:111111111111/Admin, stages: { prod: corp-2:111111111111/Admin } }",
      "  - { role: acme:111111111111/Admin, decide: allow }",
    ]);
  });

  it("keeps a role of the same name apart", () => {
    const text = `${HEAD}sources:\n  ops: { type: keys }\nroles:\n  ops: { source: ops }\nlambda: { via: ops }\n`;
    expect(rename(text, "source", "ops", "keys").text).toBe(
      `${HEAD}sources:\n  keys: { type: keys }\nroles:\n  ops: { source: keys }\nlambda: { via: ops }\n`,
    );
  });
});

describe("a rename", () => {
  it.each<[string, Parameters<typeof rename>, string]>([
    ["of nothing that is there", [EXAMPLE, "role", "dve", "x"], "RoleUnknown"],
    ["of a source that is not there", [EXAMPLE, "source", "dev", "x"], "SourceUnknown"],
    ["to a name that is taken", [EXAMPLE, "role", "dev", "prod-role"], "Conflict"],
    ["to what is no name", [EXAMPLE, "role", "dev", "a:b"], "UsageInvalid"],
    ["to a name of JavaScript's", [EXAMPLE, "role", "dev", "constructor"], "NotSupported"],
    ["in a config that has problems", [`${HEAD}roles: { a: { source: k } }`, "role", "a", "b"], "ConfigInvalid"],
  ])("%s is refused by name", (_, request, expected) => {
    const error = caught(() => rename(...request));
    expect(error.code).toBe(expected);
    expect(error.hint).toBeTypeOf(expected === "UsageInvalid" ? "undefined" : "string");
  });

  it("that was written already changes nothing in the file", () => {
    const { text } = rename(EXAMPLE, "role", "dev", "other");
    expect(rename(text ?? "", "role", "dev", "other")).toMatchObject({ text: null });
  });
});
