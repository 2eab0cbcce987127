import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { canarySecretKey } from "./support/canaries.js";
import { type CliFixture, cliFixture } from "./support/cli-fixture.js";
import { blocksOf, type PastedCommands, pastedCommands } from "./support/pasted-commands.js";
import { tempDir } from "./support/temp-dir.js";

const BLOCKS = blocksOf("README.md");
const LINES = BLOCKS.flatMap((block) => block.split("\n")).filter((line) => line !== "");
const TOOLS = ["aws", "npm"];
/** What a person would type at the terminal, as flags. */
const TYPED: Readonly<Record<string, string>> = {
  "brokerctl setup": "--sso-start-url https://corp.awsapps.com/start --sso-region eu-west-1 --yes",
  "brokerctl keys add ops-keys": "--csv ops.csv",
};

let fixture: CliFixture;
let home: string;
let shell: PastedCommands;
beforeEach(async () => {
  fixture = await cliFixture();
  home = tempDir("readme", "input");
  shell = pastedCommands({ home, brokerHome: fixture.home, tools: TOOLS });
  const { control } = fixture;
  control.addSource("ops-keys").addSource("corp", "ready", "sso");
  control.addRole("dev").addRole("prod-role").addRole("corp:111111111111/Developer", { source: "corp" });
  control.addFunction("orders-api", { context: { runtime: "nodejs20.x" } });
  const key = `AKIA0000000000000001,${canarySecretKey("readme")}`;
  writeFileSync(join(home, "ops.csv"), `Access key ID,Secret access key\n${key}\n`);
  writeFileSync(join(home, "order.json"), "{}");
  writeFileSync(join(home, "app.js"), "exports.handler = async () => 'done';\n");
  mkdirSync(join(home, "scripts"));
  writeFileSync(join(home, "scripts", "install"), '#!/bin/sh\necho "install $*" >> "$HOME/called"\n');
  chmodSync(join(home, "scripts", "install"), 0o700);
});

/** The brokerd of `line` as it must be for it: before `init` there is no data key; what is there is not added again. */
function prepare(line: string): void {
  const { control } = fixture;
  if (line.startsWith("brokerctl init"))
    control.problem = { code: "KeyMissing", message: "no data key", hint: "brokerctl init" };
  if (line.startsWith("brokerctl use -"))
    control.leases = control.leases.map((lease) => ({ ...lease, previousRole: "dev" }));
  if (line.startsWith("brokerctl source add")) control.sources.splice(0);
  if (line.startsWith("brokerctl role add")) control.roles.splice(0);
}

function asTyped(line: string): string {
  const command = Object.keys(TYPED).find((one) => line === one || line.startsWith(`${one} `));
  return command === undefined ? line : line.replace(command, `${command} ${TYPED[command] ?? ""}`);
}

describe("each command line of README", () => {
  it.each(LINES.map((line) => [line]))("works as it stands: %s", async (line) => {
    prepare(line);
    const outcome = await shell.paste(asTyped(line));
    // doctor tells what it finds of this home by its code.
    const fine = line.startsWith("brokerctl doctor") ? [0, 1] : [0];
    expect(fine, `${line}\n${outcome.stderr}`).toContain(outcome.code);
  });

  it("is one of those that a reader sees, and most of the commands there are of ours", () => {
    expect(LINES.length).toBeGreaterThanOrEqual(15);
    expect(LINES.filter((line) => line.includes("brokerctl")).length).toBeGreaterThanOrEqual(12);
    expect(Object.keys(TYPED).filter((command) => !readFileSync("README.md", "utf8").includes(command))).toEqual([]);
  });

  it("would fail if it named a flag or a command that there is not", async () => {
    for (const line of ["brokerctl use dev --fro 30m", "brokerctl lambda call orders-api --via dev"]) {
      expect(await shell.paste(line)).toMatchObject({ code: 2 });
    }
  });
});
