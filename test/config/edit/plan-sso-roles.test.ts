import { describe, expect, it } from "vitest";
import { adHocRole } from "../../../src/config/ad-hoc-role.js";
import { planSsoRoles } from "../../../src/config/edit/plan-sso-roles.js";
import { parseConfig } from "../../../src/config/parse-config.js";
import type { SsoRolesPlan, SsoRolesRequest } from "../../../src/core/config-edit.js";
import { brokerErrorOf } from "../../support/broker-error-of.js";

const HEAD = `version: 1 # mine
secret_store: key_file
defaults: { region: eu-west-1 }
sources:
  corp: { type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1 }
  other: { type: sso, sso_start_url: https://other.awsapps.com/start, sso_region: eu-west-1 }
  ops: { type: keys }
`;
const at = { path: "/home/me/config.yaml", user: "me", host: "laptop" };
const role = (account: number, roleName: string, accountName = `Team ${account}`) => ({
  accountId: String(100_000_000_000 + account),
  accountName,
  roleName,
});

function plan(text: string, request: Partial<SsoRolesRequest>): SsoRolesPlan {
  const nameTemplate = "{account_name}/{role_name}";
  return planSsoRoles({ ...at, text, source: "corp", nameTemplate, found: [], ...request });
}

describe("roles that are found", () => {
  it("are added by the template's names, made to fit, and the rest of the text stays", () => {
    const text = `${HEAD}roles:\n  # the first\n  dev: { source: ops, role_arn: arn:aws:iam::111111111111:role/dev }\n`;
    const found = [role(1, "Admin", "Ümlaut & Söhne/2"), role(2, "Read_Only=x"), role(3, "Billing", "  (old)  ")];
    const edited = plan(text, { found });
    expect(edited.added).toEqual(["mlaut-S-hne-2/Admin", "Team-2/Read_Only-x", "old/Billing"]);
    expect(edited.text?.startsWith(text)).toBe(true);
    const { roles } = parseConfig({ ...at, text: edited.text! });
    expect(roles.get("Team-2/Read_Only-x")?.sso).toEqual({ accountId: "100000000002", roleName: "Read_Only=x" });
  });

  it("and are in the config already, under whatever name, are left alone", () => {
    const entry = `{ source: corp, sso_account_id: "100000000001", sso_role_name: Admin }`;
    const text = `${HEAD}roles:\n  mine: ${entry}\n`;
    expect(plan(text, { found: [role(1, "Admin")] })).toMatchObject({ text: null, added: [], notes: [] });
    expect(plan(text, { source: "other", found: [role(1, "Admin")] }).added).toEqual(["Team-1/Admin"]);
  });

  it("and would have one name, or one that is taken, are named and not added", () => {
    const text = `${HEAD}roles:\n  Team-3/Admin: { source: ops }\n`;
    const found = [role(1, "Admin", "Same"), role(2, "Admin", "Same"), role(3, "Admin"), role(4, "Admin")];
    const edited = plan(text, { found });
    expect(edited.added).toEqual(["Team-4/Admin"]);
    expect(edited.notes).toHaveLength(2);
    expect(edited.notes[0]).toContain("100000000001/Admin, 100000000002/Admin");
    const apart = plan(text, { found, nameTemplate: "{account_id}/{role_name}" });
    expect(apart.added).toHaveLength(4);
  });

  it("are refused under a template with another place", async () => {
    const error = await brokerErrorOf(() =>
      plan(HEAD, { found: [role(1, "A")], nameTemplate: "{account}/{role_name}" }),
    );
    expect([error.code, error.message]).toEqual(["UsageInvalid", "--name has no place {account}"]);
  });

  it("300 at once are written without holding up the daemon", () => {
    const names = ["Admin", "Power", "Read", "Billing", "Developer"];
    const found = Array.from({ length: 60 }, (_, account) => names.map((name) => role(account, name))).flat();
    const edited = plan(HEAD, { found });
    expect(edited.added).toHaveLength(300);
    expect(plan(edited.text!, { found })).toMatchObject({ text: null });
  });
});

describe("roles that are gone", () => {
  const plain = (account: number) =>
    `{ source: corp, sso_account_id: "${100_000_000_000 + account}", sso_role_name: Admin }`;
  const text = `${HEAD}roles:
  keep: ${plain(1)}   # still there
  gone: ${plain(2)}
  # about the next
  block:
    source: corp
    sso_account_id: "100000000003"
    sso_role_name: Admin

  own:
    source: corp
    sso_account_id: "100000000004"
    sso_role_name: Admin
    region: eu-central-1
  hop: ${plain(5)}
  chained: { source_role: hop, role_arn: arn:aws:iam::111111111111:role/x }
  foreign: { source: other, sso_account_id: "100000000002", sso_role_name: Admin }
refresh: { idle_after: 2h }
`;

  it("are taken out where nothing of the user's own is in them", () => {
    const edited = plan(text, { existing: [role(1, "Admin")] });
    expect(edited.removed).toEqual(["gone", "block"]);
    expect(edited.notes).toHaveLength(2);
    const { roles } = parseConfig({ ...at, text: edited.text! });
    expect([...roles.keys()]).toEqual(["keep", "own", "hop", "chained", "foreign"]);
    expect(edited.text).toContain("# still there\n  # about the next\n\n  own:");
    expect(edited.text).toContain("refresh: { idle_after: 2h }\n");
  });

  it("stay without --prune", () => {
    expect(plan(text, {})).toMatchObject({ text: null, removed: [] });
  });

  it("may be all of them, while others come", () => {
    const only = `${HEAD}roles:\n  gone: ${plain(2)}\n`;
    const edited = plan(only, { existing: [role(3, "Admin")], found: [role(3, "Admin")] });
    expect([edited.added, edited.removed]).toEqual([["Team-3/Admin"], ["gone"]]);
    expect([...parseConfig({ ...at, text: edited.text! }).roles.keys()]).toEqual(["Team-3/Admin"]);
  });

  it("on one line with others are for the user to take out", async () => {
    const flow = `${HEAD}roles: { gone: ${plain(2)}, keep: ${plain(1)} }\n`;
    const error = await brokerErrorOf(() => plan(flow, { existing: [role(1, "Admin")] }));
    expect([error.code, error.hint]).toEqual(["NotSupported", "brokerctl config edit, and remove gone"]);
  });
});

describe("SOURCE:ACCOUNT/ROLE", () => {
  const config = parseConfig({ ...at, text: `${HEAD}roles: {}\n` });

  it("is the role that an entry of the config would be", () => {
    const entry = `x: { source: corp, sso_account_id: "100000000001", sso_role_name: Admin }`;
    const configured = parseConfig({ ...at, text: `${HEAD}roles: { ${entry} }\n` }).roles.get("x")!;
    expect(adHocRole("corp:100000000001/Admin", config)).toEqual({ ...configured, name: "corp:100000000001/Admin" });
  });

  it.each([
    "corp",
    "corp:",
    "corp:1/Admin",
    "corp:100000000001/",
    "corp:100000000001/A B",
    "ops:100000000001/Admin",
    "x:100000000001/A",
    ":100000000001/A",
    "corp:100000000001/A/B",
  ])("%j names none", (name) => {
    expect(adHocRole(name, config)).toBeUndefined();
  });
});
