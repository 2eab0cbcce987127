import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { processLine } from "../../../src/cli/profiles/process-line.js";
import {
  type BlockProfile,
  findBlock,
  type ProfileBlock,
  withBlock,
  withoutBlock,
} from "../../../src/cli/profiles/profile-block.js";
import { readAwsIni } from "../../../src/core/aws-ini.js";
import { splitCommand } from "../../../src/core/split-command.js";
import { seededRandom } from "../../support/random.js";

const SEED = Number(process.env["CREDBROKER_TEST_SEED"] ?? 1);
const DEV: BlockProfile = {
  name: "dev",
  lines: ["credential_process = /b credential-process dev", "region = eu-west-1"],
};
const PROD: BlockProfile = { name: "team/prod:x@y+z", lines: ["credential_process = /b credential-process prod"] };

function blockIn(text: string): ProfileBlock {
  const search = findBlock(text);
  if (search.found !== "block") throw new Error(`${search.found} in ${JSON.stringify(text)}`);
  return search.block;
}

/** Texts such as users, editors and other tools leave behind. */
const TEXTS: readonly string[] = [
  "",
  "\n",
  "[default]\nregion = eu-west-1\n",
  "[default]\nregion = eu-west-1",
  "[default]\r\nregion = eu-west-1\r\n",
  "[default]\r\nregion = eu-west-1",
  "\uFEFF",
  "\uFEFF[default]\nregion = x\n",
  "# a remark\n; another\n\n\n[profile a]\ns3 =\n  max_concurrent_requests = 20\n\n\n",
  "[profile a]\n\tregion = x\n[profile 'b c']\noutput=json\n# end",
  "[profile a]\rregion = x\r",
];

describe("the block", () => {
  it.each(TEXTS.map((text) => [text]))("goes into %j and out again, every byte as before", (text) => {
    const next = withBlock(text, [DEV, PROD]);
    expect(next.startsWith(text)).toBe(true);
    const block = blockIn(next);
    expect([block.profiles, block.isChanged]).toEqual([[DEV, PROD], false]);
    expect(withoutBlock(next, block)).toBe(text);
  });

  it.each(TEXTS.map((text) => [text]))("is the same when it is written into %j again", (text) => {
    const next = withBlock(text, [DEV, PROD]);
    expect(withBlock(next, [DEV, PROD])).toBe(next);
    expect(withoutBlock(withBlock(next, [PROD]), blockIn(withBlock(next, [PROD])))).toBe(text);
  });

  it("stays where it is, with what was written before and behind it since", () => {
    const next = withBlock("[profile a]\nregion = x", [DEV]);
    const around = `# new\n${next}[profile z]\noutput = json\n`;
    const changed = withBlock(around, [PROD]);
    expect(changed.startsWith("# new\n[profile a]\nregion = x\n# >>> credbroker")).toBe(true);
    expect(changed.endsWith("<<<\n[profile z]\noutput = json\n")).toBe(true);
    // The line end that the block made is needed by what came behind it.
    expect(withoutBlock(changed, blockIn(changed))).toBe(
      "# new\n[profile a]\nregion = x\n[profile z]\noutput = json\n",
    );
  });

  it("has the line ends of the text that it follows", () => {
    expect(
      withBlock("[a]\r\nb = c", [DEV])
        .split("\n")
        .slice(0, -1)
        .every((line) => line.endsWith("\r")),
    ).toBe(true);
  });

  it.each<[string, (text: string) => string]>([
    ["a line in it", (text) => text.replace("eu-west-1", "eu-west-2")],
    ["a line more", (text) => text.replace("[profile dev]\n", "[profile dev]\noutput = json\n")],
    ["a line less", (text) => text.replace("region = eu-west-1\n", "")],
    ["the last mark", (text) => text.replace(/[0-9a-f]{16}/, "0000000000000000")],
    ["the last mark's words", (text) => text.replace(/<<< credbroker \S+/, "<<< credbroker")],
  ])("is known to be changed by %s", (_, edit) => {
    expect(blockIn(edit(withBlock("", [DEV]))).isChanged).toBe(true);
  });

  it("is not changed by another program's line ends", () => {
    const text = withBlock("[default]\n", [DEV, PROD]);
    expect(blockIn(text.replaceAll("\n", "\r\n")).isChanged).toBe(false);
  });

  it.each<[string, (text: string) => string, RegExp]>([
    ["the first mark is gone", (text) => text.replace(/^# >>>.*\n/, ""), /no pair, in line 4/],
    ["the last mark is gone", (text) => text.replace(/^# <<<.*\n/m, ""), /no pair, in line 1/],
    ["there are two", (text) => text + text, /no pair, in line 1, 5, 6, 10/],
    ["a setting follows, which belongs to its last profile", (text) => `${text}\noutput = json\n`, /line 7/],
    ["an indented heading follows, which the AWS CLI takes for a value", (text) => `${text}  [profile x]\n`, /line 6/],
  ])("is broken where %s", (_, edit, problem) => {
    const found = findBlock(edit(withBlock("", [DEV])));
    expect(found).toMatchObject({ found: "broken", problem: expect.stringMatching(problem) as unknown });
  });

  it(`comes out of 400 texts of random pieces as it went in (seed ${SEED})`, () => {
    const random = seededRandom(SEED);
    const pieces = [
      "[profile a]",
      "[default]",
      "region = x",
      "  nested = 1",
      "# remark",
      "s3 =",
      "",
      " ",
      "é = ü",
      "[x",
    ];
    const ends = ["\n", "\r\n", "\n\n"];
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
    for (let round = 0; round < 400; round++) {
      const lines = Array.from({ length: Math.floor(random() * 8) }, () => pick(pieces) + pick(ends));
      const text = lines.join("").slice(0, random() < 0.3 ? -1 : undefined);
      const next = withBlock(text, [DEV, PROD]);
      expect(withoutBlock(next, blockIn(next)), JSON.stringify(text)).toBe(text);
      const sections = readAwsIni(next).sections.filter(({ name }) => name === "profile dev");
      expect(sections, JSON.stringify(text)).toHaveLength(1);
    }
  });
});

describe("a credential_process line", () => {
  const NASTY = [
    "/opt/a b/x",
    "/o'p\"t/x",
    "/a #b/x",
    "/a ;b  #c/x",
    "/a$HOME/`id`/x",
    "/a\\b/x",
    "/ä/ü#;/x",
    "/a;b/x",
    "/*/~/x",
    "# /x",
  ];

  it.each(NASTY.map((path) => [path]))("names %j for Python's shlex and for a shell, whatever SDKs cut off", (path) => {
    const line = processLine({ process: [path, path] }, "team/dev");
    const [setting] = readAwsIni(`[profile x]\n${line}\n`).sections[0]!.settings;
    expect(setting).toMatchObject({ hasRemark: false });
    const argv = [path, path, "credential-process", "team/dev"];
    expect(splitCommand(setting!.value)).toEqual({ argv });
    // JavaScript's cut: `split(/(^|\s)[;#]/)[0]`.
    expect(line.split(/(^|\s)[;#]/)[0]).toBe(line);
    const shown = execFileSync("/bin/sh", ["-c", `printf '%s\\n' ${setting!.value}`], { encoding: "utf8" });
    expect(shown.trimEnd().split("\n")).toEqual(argv);
  });

  it("is refused for a path that no line can hold", () => {
    expect(() => processLine({ process: ["/a\nb"] }, "dev")).toThrow(
      expect.objectContaining({ code: "NotSupported" }) as Error,
    );
  });
});
