import { describe, expect, it } from "vitest";
import { referencesTo, renamedValue } from "../../../src/config/edit/references.js";

const CONFIG = {
  roles: { dev: { source: "ops" }, prod: { source_role: "dev" } },
  lambda: { via: "ops:111111111111/Admin" },
  requests: [{ role: "dev" }, { role: "ops-2:111111111111/Admin" }],
  schedules: [{ do: "lock" }, { do: "keys-rotate ops" }, { do: "login-notice dev" }],
};

describe("the places that name an entry", () => {
  it("of a source are its roles, SOURCE:ACCOUNT/ROLE and schedules, with their value under another name", () => {
    const places = referencesTo(CONFIG, "source", "ops");
    expect(places.map(({ path, value }) => [path.join("."), renamedValue(value, "ops", "keys")])).toEqual([
      ["roles.dev.source", "keys"],
      ["lambda.via", "keys:111111111111/Admin"],
      ["schedules.1.do", "keys-rotate keys"],
    ]);
  });

  it("of a role are chains and rules, and no source of its name", () => {
    expect(referencesTo(CONFIG, "role", "dev").map(({ path }) => path.join("."))).toEqual([
      "roles.prod.source_role",
      "requests.0.role",
    ]);
  });
});
