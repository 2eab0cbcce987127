import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { splitCommand } from "../../src/core/split-command.js";
import { seededRandom } from "../support/random.js";

const hasPython = spawnSync("python3", ["--version"]).status === 0;

/** What each line gave in Python 3.11 (`shlex.split`), "!" where it refuses. */
const RECORDED: readonly (readonly [line: string, argv: readonly string[] | "!"])[] = [
  ["", []],
  ["  \t ", []],
  ["/opt/bin/creds --json", ["/opt/bin/creds", "--json"]],
  ["a  b\tc\nd\re", ["a", "b", "c", "d", "e"]],
  [`'/opt/my tools/creds' "a b"`, ["/opt/my tools/creds", "a b"]],
  [`a'b'"c"d`, ["abcd"]],
  [`'' a ""`, ["", "a", ""]],
  [String.raw`a\ b \"c\" \'d\'`, ["a b", '"c"', "'d'"]],
  [String.raw`"a\"b\\c\d\$e"`, [String.raw`a"b\c\d\$e`]],
  [String.raw`'a\b'`, [String.raw`a\b`]],
  ["a;b|c&d $HOME ~ *.ts $(x) `y` > z", ["a;b|c&d", "$HOME", "~", "*.ts", "$(x)", "`y`", ">", "z"]],
  ["a #b", ["a", "#b"]],
  ["a\\\nb", ["a\nb"]],
  ["\u00a0a\u2003b", ["\u00a0a\u2003b"]],
  [`"héllo 🔑"`, ["héllo 🔑"]],
  [`it's`, "!"],
  [`"open`, "!"],
  [String.raw`"open\"`, "!"],
  ["a\\", "!"],
];

describe("a command line", () => {
  it.each(RECORDED)("%j is split as the AWS CLI splits it", (line, argv) => {
    const split = splitCommand(line);
    expect("argv" in split ? split.argv : "!").toEqual(argv);
  });

  it("comes out of its own quoted arguments unchanged", () => {
    const random = seededRandom(41);
    for (let round = 0; round < 2000; round++) {
      const argv = Array.from({ length: Math.floor(random() * 5) }, () => randomText(random));
      const line = argv.map((argument) => `'${argument.replaceAll("'", `'"'"'`)}'`).join(" ");
      expect(splitCommand(line)).toEqual({ argv });
    }
  });

  it.skipIf(!hasPython)("is split as Python's shlex splits it, whatever it holds", () => {
    const random = seededRandom(42);
    const lines = Array.from({ length: 5000 }, () => randomText(random));
    const script = `import json, shlex, sys
def split(line):
    try: return shlex.split(line)
    except ValueError: return "!"
print(json.dumps([split(line) for line in json.load(sys.stdin)]))`;
    const python = spawnSync("python3", ["-c", script], { input: JSON.stringify(lines), maxBuffer: 1 << 26 });
    const expected = JSON.parse(python.stdout.toString()) as unknown[];

    const found = lines.map((line) => {
      const split = splitCommand(line);
      return "argv" in split ? split.argv : "!";
    });
    expect(found).toEqual(expected);
  });
});

/** Mostly of what matters to the rules. */
function randomText(random: () => number): string {
  const letters = [`'`, `"`, "\\", " ", "\t", "\n", "\r", "a", "b", "$", "#", ";", "~", "é", "\u00a0", "🔑"];
  return Array.from(
    { length: Math.floor(random() * 14) },
    () => letters[Math.floor(random() * letters.length)] ?? "",
  ).join("");
}
