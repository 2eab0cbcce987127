import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readTemplate, renderTemplate } from "../../../src/cli/config/config-template.js";
import { planRoleAdd, planSourceAdd } from "../../../src/config/edit/edit-config.js";
import { parseConfig } from "../../../src/config/parse-config.js";
import { SECRET_STORE_KINDS } from "../../../src/core/secret-store-kind.js";

const who = { path: "config.yaml", user: "me", host: "laptop" };
const values = (secretStore: (typeof SECRET_STORE_KINDS)[number]) => ({
  secretStore,
  port: 9175,
  dataKeyCommand: secretStore === "command" ? ["pass", "show", 'a "b"'] : undefined,
  region: secretStore === "key_file" ? "eu-west-1" : undefined,
});

describe("the config that init writes", () => {
  it.each(SECRET_STORE_KINDS)("is valid, with the choices in it: %s", (kind) => {
    const config = parseConfig({ text: renderTemplate(values(kind)), ...who });
    expect(config).toMatchObject({ secretStore: kind, endpointPort: 9175 });
    expect(config.dataKeyCommand).toEqual(values(kind).dataKeyCommand);
    expect([config.roles.size, config.sources.size]).toEqual([0, 0]);
  });

  it("takes sources and roles by command, its comments kept", () => {
    const text = renderTemplate(values("keychain"));
    const source = planSourceAdd({ text, name: "ops", fields: { type: "keys" }, ...who });
    const fields = { source: "ops", role_arn: "arn:aws:iam::111111111111:role/dev" };
    const role = planRoleAdd({ text: source.text, name: "dev", fields, ...who });
    expect(parseConfig({ text: role.text, ...who }).roles.has("dev")).toBe(true);
    const comments = (of: string): string[] => of.split("\n").filter((line) => line.startsWith("#"));
    expect(comments(role.text)).toEqual(comments(text));
  });

  it("shows examples that are valid when they are uncommented", () => {
    const lines = renderTemplate(values("keychain")).split("\n");
    const uncommented = lines
      .filter((line) => !/^(sources|roles): \{\}$/.test(line))
      .map((line) => {
        if (line.startsWith("# Sources sign")) return "sources:";
        if (line.startsWith("# Roles are")) return "roles:";
        const example = /^# {2,}(?=\S+:|\s)/.test(line) || /^# (defaults|refresh):/.test(line);
        return example ? line.replace(/^# ?/, "").replace(/^ {2}/, "  ") : line;
      })
      .join("\n");
    expect(Object.keys(parse(uncommented) as object)).toContain("refresh");
    const config = parseConfig({ text: uncommented, ...who });
    expect([...config.roles.keys()]).toEqual(["dev", "prod"]);
    expect([...config.sources.keys()]).toEqual(["ops", "ops-mfa"]);
  });

  it("is known again as long as it was not edited", () => {
    for (const kind of SECRET_STORE_KINDS) expect(readTemplate(renderTemplate(values(kind)))).toEqual(values(kind));
    expect(readTemplate(`${renderTemplate(values("keychain"))}# mine\n`)).toBeUndefined();
    expect(readTemplate("version: 1\n")).toBeUndefined();
    expect(readTemplate("")).toBeUndefined();
  });
});
