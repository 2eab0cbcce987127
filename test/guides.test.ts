import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type CliFixture, cliFixture } from "./support/cli-fixture.js";
import { blocksOf, type PastedCommands, pastedCommands } from "./support/pasted-commands.js";
import { tempDir } from "./support/temp-dir.js";

const GUIDES = "docs/guides";
const PAGES = readdirSync(GUIDES).filter((name) => name.endsWith(".md"));
const TOOLS = ["aws", "code", "npx", "sam", "systemctl", "terraform"];

interface Block {
  readonly page: string;
  readonly text: string;
}

/** What a reader pastes: each block from an empty home, as one script. */
const BLOCKS: readonly Block[] = PAGES.flatMap((page) => blocksOf(join(GUIDES, page)).map((text) => ({ page, text })));

let fixture: CliFixture;
let shell: PastedCommands;
beforeEach(async () => {
  fixture = await cliFixture();
  const home = tempDir("guides");
  shell = pastedCommands({ home, brokerHome: fixture.home, tools: TOOLS });
  mkdirSync(join(home, "code", "orders"), { recursive: true });
  const { control } = fixture;
  control.addSource("ops").addRole("dev").addRole("prod-role").addRole("shared").addFunction("orders-hello");
  for (const name of ["ide", "backup"]) control.addLease("named", { name, role: "dev" });
  const named = (role: string) => ({ role, accountId: "111111111111" });
  const stages = [
    { stage: "dev", ...named("dev") },
    { stage: "prod", ...named("prod-role") },
  ];
  control.projects.push({ name: "orders", path: "~/code/orders", role: null, stages });
  writeFileSync(join(fixture.home, "state", "audit.jsonl"), "", { mode: 0o600 });
});

describe("the command lines of the guides", () => {
  it.each(BLOCKS.map((block, index) => ({ ...block, index })))(
    "in $page work as they stand (block $index)",
    async ({ page, text }) => {
      // A page may make a lease that another of its blocks makes use of.
      if (/lease create (\w+)/.test(text))
        fixture.control.leases = fixture.control.leases.filter(({ kind }) => kind === "default");
      const outcome = await shell.paste(text);
      expect([page, text, outcome]).toEqual([page, text, expect.objectContaining({ code: 0 })]);
      const tools = TOOLS.filter((tool) => new RegExp(`(?:^|-- )${tool} `, "m").test(text));
      expect(tools.filter((tool) => !shell.called().includes(`${tool} `))).toEqual([]);
    },
  );

  it("would fail if they named a flag, a command or a stage that there is not", async () => {
    for (const text of [
      "brokerctl exec dev --as profiles -- aws s3 ls",
      "brokerctl lease make ide",
      "cd code/orders; brokerctl use --stage x",
    ]) {
      expect(await shell.paste(text)).toMatchObject({ code: 2 });
    }
    expect(shell.called()).toBe("");
  });
});

describe("the guides", () => {
  it("are all in their index, and what they link to is there", () => {
    const index = readFileSync(join(GUIDES, "README.md"), "utf8");
    expect(PAGES.filter((page) => page !== "README.md" && !index.includes(`(${page})`))).toEqual([]);
    const links = PAGES.flatMap((page) =>
      [...readFileSync(join(GUIDES, page), "utf8").matchAll(/\]\(([^)#]+\.md)/g)].map(([, to = ""]) =>
        join(dirname(join(GUIDES, page)), to),
      ),
    );
    expect(links.filter((path) => !existsSync(path))).toEqual([]);
    expect([BLOCKS.length >= 15, PAGES.length]).toEqual([true, 8]);
  });
});
