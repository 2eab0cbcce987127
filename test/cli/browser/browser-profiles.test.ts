import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { profileCommand } from "../../../src/cli/browser/browser-profiles.js";
import type { Machine } from "../../../src/cli/browser/browsers.js";
import { colourOf, containerOpener } from "../../../src/cli/browser/firefox-container.js";
import { brokerErrorOf } from "../../support/broker-error-of.js";
import { tempDir } from "../../support/temp-dir.js";

const GRANTED = "{b5e0e8de-ebfe-4306-9528-bcc18241a490}";
const OPEN_URL = "{f069aec0-43c5-4bbf-b6b4-df95c4326b98}";

let homeDir: string;
let machine: Machine;

beforeEach(() => {
  homeDir = tempDir("browsers");
  machine = { homeDir, platform: "linux", env: { PATH: join(homeDir, "bin") } };
});

function put(path: string, text: string): void {
  mkdirSync(join(homeDir, path, ".."), { recursive: true });
  writeFileSync(join(homeDir, path), text);
}

function install(...programs: readonly string[]): void {
  for (const program of programs) {
    put(`bin/${program}`, "#!/bin/sh\n");
    chmodSync(join(homeDir, "bin", program), 0o755);
  }
}

/** As Chromium writes `Local State`. */
function chromium(directory: string, profiles: Readonly<Record<string, string>>): void {
  const cache: Record<string, object> = {};
  for (const [name, shown] of Object.entries(profiles)) cache[name] = { name: shown, is_ephemeral: false };
  put(join(directory, "Local State"), JSON.stringify({ profile: { info_cache: cache } }));
}

function firefox(root: string, extensions: readonly object[]): void {
  put(
    join(root, "profiles.ini"),
    "[Install4F96D1932A9F858E]\nDefault=abc.default-release\nLocked=1\n\n[Profile1]\nName=default\nIsRelative=1\nPath=old.default\nDefault=1\n\n" +
      "[Profile0]\nName=Work Things\nIsRelative=1\nPath=abc.default-release\n\n[General]\nStartWithLastProfile=1\n",
  );
  put(join(root, "abc.default-release/extensions.json"), JSON.stringify({ schemaVersion: 37, addons: extensions }));
}

const codeOf = async (action: () => unknown): Promise<readonly unknown[]> => {
  const { code, hint } = await brokerErrorOf(action);
  return [code, hint];
};

describe("a browser's profile", () => {
  beforeEach(() => {
    install("google-chrome-stable", "microsoft-edge", "firefox");
    chromium(".config/google-chrome", { Default: "Person 1", "Profile 2": "Work" });
    chromium(".config/microsoft-edge", { Default: "Work" });
    firefox(".mozilla/firefox", []);
  });

  it("is found by the name that the browser shows, in whatever case, or by its directory", async () => {
    const work = ["google-chrome-stable", "--profile-directory=Default"];
    expect(await profileCommand("person 1", machine)).toEqual(work);
    expect(await profileCommand("Profile 2", machine)).toEqual([
      "google-chrome-stable",
      "--profile-directory=Profile 2",
    ]);
    expect(await profileCommand("edge:Work", machine)).toEqual(["microsoft-edge", "--profile-directory=Default"]);
    expect(await profileCommand("Work Things", machine)).toEqual(["firefox", "-P", "Work Things"]);
  });

  it("whose name two browsers have is refused with both", async () => {
    expect(await codeOf(() => profileCommand("Work", machine))).toEqual([
      "UsageInvalid",
      "--browser-profile 'chrome:Work' or --browser-profile 'edge:Work'",
    ]);
  });

  it("that there is none of is refused with those that there are", async () => {
    const [code, hint] = await codeOf(() => profileCommand("Home", machine));
    expect(code).toBe("UsageInvalid");
    expect(hint).toContain("--browser-profile 'chrome:Person 1'");
  });

  it("of a browser that is gone is refused", async () => {
    chromium(".config/vivaldi", { Default: "Old" });
    expect((await codeOf(() => profileCommand("Old", machine)))[0]).toBe("UsageInvalid");
  });

  it.each([
    "",
    "{",
    "[]",
    '{"profile":{"info_cache":{"../../x":{"name":"Work"}}}}',
    '{"profile":{"info_cache":{"a":{}}}}',
  ])("is not looked for in a file that holds %s", async (text) => {
    put(".config/chromium/Local State", text);
    expect(await profileCommand("Person 1", machine)).toEqual(["google-chrome-stable", "--profile-directory=Default"]);
    expect((await codeOf(() => profileCommand("chromium:Work", machine)))[0]).toBe("UsageInvalid");
  });

  it("is looked for in XDG_CONFIG_HOME, and on a Mac in its Library", async () => {
    chromium("elsewhere/BraveSoftware/Brave-Browser", { Default: "Lion" });
    install("brave-browser");
    const env = { ...machine.env, XDG_CONFIG_HOME: join(homeDir, "elsewhere") };
    expect(await profileCommand("Lion", { ...machine, env })).toEqual(["brave-browser", "--profile-directory=Default"]);
    chromium("Library/Application Support/Google/Chrome", { Default: "Mac" });
    const program = "Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
    put(program, "");
    chmodSync(join(homeDir, program), 0o755);
    expect(await profileCommand("Mac", { ...machine, platform: "darwin" })).toEqual([
      join(homeDir, program),
      "--profile-directory=Default",
    ]);
  });
});

describe("a container of Firefox", () => {
  const open = async (name: string): Promise<string> =>
    (await containerOpener(machine)).wrap("http://127.0.0.1:1/x?y&z", { name, colour: "red" });

  beforeEach(() => install("firefox"));

  it.each([
    [GRANTED, "ext+granted-containers"],
    [OPEN_URL, "ext+container"],
  ])("is opened by the extension %s", async (id, scheme) => {
    firefox(".mozilla/firefox", [{ id, active: true }]);
    expect(await open("corp:1/Admin & co")).toBe(
      `${scheme}:name=corp%3A1%2FAdmin%20%26%20co&url=http%3A%2F%2F127.0.0.1%3A1%2Fx%3Fy%26z&color=red&icon=fingerprint`,
    );
  });

  it.each<[string, readonly object[]]>([
    ["no extension", []],
    ["one that is off", [{ id: GRANTED, active: false }]],
    ["another one", [{ id: "uBlock0@raymondhill.net", active: true }]],
  ])("is refused with %s: Firefox would search the web for the URL", async (_, extensions) => {
    firefox(".mozilla/firefox", extensions);
    expect((await codeOf(() => containerOpener(machine)))[0]).toBe("UsageInvalid");
  });

  it("is refused where the extension is in a profile only that Firefox does not start with", async () => {
    firefox(".mozilla/firefox", []);
    put(".mozilla/firefox/old.default/extensions.json", JSON.stringify({ addons: [{ id: GRANTED, active: true }] }));
    expect((await codeOf(() => containerOpener(machine)))[0]).toBe("UsageInvalid");
  });

  it("has its account's colour, the same each time, and not one for all", () => {
    const accounts = Array.from({ length: 40 }, (_, index) => String(111_111_111_111 + index));
    expect(accounts.map(colourOf)).toEqual(accounts.map(colourOf));
    expect(new Set(accounts.map(colourOf)).size).toBe(8);
  });
});
