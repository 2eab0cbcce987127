import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../../src/cli/command-table.js";
import { commandHelp, groupHelp, overview } from "../../../src/cli/help.js";
import { widthOf } from "../../../src/cli/terminal/table.js";
import { NOW } from "../../fakes/fake-control.js";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";

const WIDTHS = [60, 100, 200];
const BROKERCTL = resolve("dist/brokerctl.js");
// eslint-disable-next-line no-control-regex -- colours begin with a control character
const COLOUR = /\u001b\[\d+m/g;

/** The real program in a terminal of so many columns, by script(1); what the terminal got. */
async function inTerminal(
  fixture: CliFixture,
  argv: readonly string[],
  options: { columns: number; env?: object },
): Promise<string> {
  const command = `stty cols ${options.columns}; exec "$CB_NODE" "$CB_CTL" ${argv.join(" ")}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    env: {
      PATH: process.env["PATH"],
      LC_ALL: "C.UTF-8",
      TERM: "xterm",
      SHELL: "/bin/sh",
      CB_NODE: process.execPath,
      CB_CTL: BROKERCTL,
      CREDBROKER_HOME: fixture.home,
      ...options.env,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  await once(child, "close");
  return text.replaceAll("\r\n", "\n");
}

/** Of its lines, as a terminal shows them. */
function widest(text: string): number {
  return Math.max(...text.replaceAll(COLOUR, "").split("\n").map(widthOf));
}

/** Every help text there is. */
async function helpTexts(columns: number): Promise<readonly (readonly [name: string, text: string])[]> {
  const texts: (readonly [string, string])[] = [["overview", overview(COMMANDS, columns)]];
  for (const [name, entry] of Object.entries(COMMANDS)) {
    if (!("subcommands" in entry)) texts.push([name, commandHelp(await entry.load(), columns)]);
    else {
      texts.push([name, groupHelp(name, entry, columns)]);
      for (const [verb, loader] of Object.entries(entry.subcommands)) {
        texts.push([`${name} ${verb}`, commandHelp(await loader.load(), columns)]);
      }
    }
  }
  return texts;
}

describe.each([60, 80, 100, 140, 200])("help at %i columns", (columns) => {
  it("fits, and loses no word", async () => {
    const words = (text: string): string => text.replaceAll(/\\\n|\s+/g, "");
    const whole = new Map(await helpTexts(1000));
    for (const [name, text] of await helpTexts(columns)) {
      const tooWide = text.split("\n").filter((line) => widthOf(line) > Math.min(columns, 120));
      expect([name, ...tooWide]).toEqual([name]);
      expect(words(text)).toBe(words(whole.get(name) ?? ""));
    }
  });
});

describe.runIf(process.platform === "linux").each(WIDTHS)("in a terminal of %i columns", (columns) => {
  let fixture: CliFixture;
  beforeAll(async () => {
    fixture = await cliFixture();
    fixture.control.addSource("ops");
    fixture.control
      .addRole("dev", { state: "ready", expiration: NOW + 3_540_000 })
      .addRole("prod", { state: "denied" });
    fixture.control.addRole("client-production-account/AdministratorAccessForEverything");
    fixture.control.addRole("顧客の本番環境/管理者");
    for (let n = 0; n < 20; n++) fixture.control.addRole(`client-${n}/ReadOnly`);
    fixture.control.addLease("named", { name: "ide", role: "dev", lastUsedAt: NOW });
    const texts = await Promise.all(
      [["--help"], ["exec", "--help"], ["status"], ["roles"], ["lease", "list"]].map((argv) =>
        inTerminal(fixture, argv, { columns }),
      ),
    );
    [overviewText, execText, statusText, rolesText, leasesText] = texts as [string, string, string, string, string];
  });
  let [overviewText, execText, statusText, rolesText, leasesText] = ["", "", "", "", ""];

  it("help and tables fit", () => {
    for (const text of [overviewText, execText, statusText, rolesText, leasesText]) {
      expect(text).not.toBe("");
      expect(widest(text)).toBeLessThanOrEqual(columns);
    }
  });

  it("every role is told, in colours", () => {
    expect(rolesText).toContain("\u001b[32mready\u001b[39m");
    expect(rolesText).toContain("\u001b[31mdenied\u001b[39m");
    for (let n = 0; n < 20; n++) expect(rolesText).toContain(`client-${n}/ReadOnly`);
    expect(rolesText).toContain("顧客の本番環境/管理者");
    expect(statusText).toMatch(/… and 4 more roles/);
  });
});

describe.runIf(process.platform === "linux")("a command in a terminal", () => {
  it("has no colours with NO_COLOR, in a dumb terminal, and with --json", async () => {
    const fixture = await cliFixture();
    fixture.control.addSource("ops").addRole("dev", { state: "ready" });
    const plain = await Promise.all([
      inTerminal(fixture, ["roles"], { columns: 80, env: { NO_COLOR: "1" } }),
      inTerminal(fixture, ["roles"], { columns: 80, env: { TERM: "dumb" } }),
      inTerminal(fixture, ["roles", "--json"], { columns: 80, env: { FORCE_COLOR: "1" } }),
      inTerminal(fixture, ["roles", "| cat"], { columns: 80, env: { FORCE_COLOR: "1" } }),
    ]);
    for (const text of plain) {
      expect(text).toContain("ready");
      expect(text).not.toContain("\u001b");
    }
  });
});
