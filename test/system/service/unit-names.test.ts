import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CONTROL_SOCKET, hasControlUnits, SERVICE, unitDirectory } from "../../../src/system/service/unit-names.js";
import { tempDir } from "../../support/temp-dir.js";

describe("systemd's units of ours", () => {
  it("are looked for in XDG_CONFIG_HOME where that is absolute, else in ~/.config", () => {
    expect(unitDirectory({ XDG_CONFIG_HOME: "/c" }, "/home/me")).toBe("/c/systemd/user");
    expect(unitDirectory({ XDG_CONFIG_HOME: "c" }, "/home/me")).toBe("/home/me/.config/systemd/user");
  });

  it.each([CONTROL_SOCKET, SERVICE])("may hold the control socket as soon as there is %s", (unit) => {
    const home = tempDir("units");
    expect(hasControlUnits({}, home)).toBe(false);
    const directory = unitDirectory({}, home);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "another.service"), "");
    expect(hasControlUnits({}, home)).toBe(false);
    writeFileSync(join(directory, unit), "");
    expect(hasControlUnits({}, home)).toBe(true);
  });
});
