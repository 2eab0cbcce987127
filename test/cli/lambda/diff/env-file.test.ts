import { describe, expect, it } from "vitest";
import { formatChanges } from "../../../../src/cli/access/print-changes.js";
import { parseEnvFile } from "../../../../src/cli/lambda/diff/env-file.js";
import { brokerErrorOf } from "../../../support/broker-error-of.js";

function readingsOf(text: string, name = "A"): (value: string) => boolean {
  const value = parseEnvFile(text, ".env").values.get(name);
  if (!value) throw new Error(`no ${name}`);
  return value.is;
}

describe("a .env file", () => {
  it.each([
    ["A=1", "1"],
    ["A=", ""],
    ["export A=1", "1"],
    ["  A = 1  ", "1"],
    ["\texport\tA=two words", "two words"],
    ["A='x # y'   # why", "x # y"],
    ['A="x # y" # why', "x # y"],
    ["A=`it's`", "it's"],
    ["A=it's", "it's"],
    ["A=a=b==", "a=b=="],
    ["A=x # why", "x"],
    ["A= # why", ""],
    ["A=a#b", "a#b"],
    ["A=a#b", "a"],
    ["A=#abc", "#abc"],
    ["A='C:\\dir\\'", "C:\\dir\\"],
    ["A='$HOME'", "$HOME"],
    ['A="a\\nb"', "a\nb"],
    ['A="a\\nb"', "a\\nb"],
    ['A="say \\"hi\\" \\\\ \\$x \\u00e9\\t"', 'say "hi" \\ $x é\t'],
    ['A="one\ntwo"', "one\ntwo"],
    ["A='one\r\ntwo'\r\nB=2", "one\ntwo"],
    ["A=1\r\n#c\r\n\r\nB=2\r\n", "1"],
    ["A=0\nA=1", "1"],
    ["B='\nA=2\n'\nA=1", "1"],
  ])("%j gives A the value %j", (text, value) => {
    expect(readingsOf(text)(value)).toBe(true);
    expect(readingsOf(text)(`${value}?`)).toBe(false);
  });

  it("has the names that stand there, and no other", () => {
    const text = "# A=0\n\nexport B=1\n  # c\nC_2=x\nd.e-f=3\n";
    expect([...parseEnvFile(text, ".env").values.keys()]).toEqual(["B", "C_2", "d.e-f"]);
  });

  it.each([
    ["A=$B", true],
    ["A=x-${B}", true],
    ['A="$(date)"', true],
    ["A=`date`x", false],
    ["A=x`date`", true],
    ["A='$B'", false],
    ['A="\\$B"', false],
    ["A=5$", false],
    ["A=$5", false],
    ["A=1", false],
  ])("%j is unsure: %j", (text, isUnsure) => {
    const read = (): boolean => parseEnvFile(text, ".env").values.get("A")?.unsure !== undefined;
    if (text === "A=`date`x") expect(read).toThrow("line 1 has more behind its quotation");
    else expect(read()).toBe(isUnsure);
  });

  it.each([
    ["A=1\nhunter2\nB=2", "line 2 is not NAME=VALUE"],
    ["A=1\r\n\r\nhunter2: x", "line 3 is not NAME=VALUE"],
    ["A='x\ny'\n=hunter2", "line 3 is not NAME=VALUE"],
    ["1A=hunter2", "line 1 is not NAME=VALUE"],
    ["export hunter2", "line 1 is not NAME=VALUE"],
    ["A B=hunter2", "line 1 is not NAME=VALUE"],
    ["\nA='hunter2", "line 2 begins a quotation that does not end"],
    ['A="hunter2\\"', "line 1 begins a quotation that does not end"],
    ["A='hunter'2", "line 1 has more behind its quotation"],
    ["A='x\ny' z\nhunter2", "line 1 has more behind its quotation"],
  ])("%j is refused by its line, which is not shown", async (text, said) => {
    const error = await brokerErrorOf(() => parseEnvFile(text, "some.env"));
    expect(error).toMatchObject({ code: "UsageInvalid", message: `some.env: ${said}` });
    expect(`${error.message} ${error.hint}`).not.toContain("hunter");
  });

  it("reads what --format dotenv writes, whatever the values are", () => {
    const values = ["", "x", "a b", "it's", '"', "a\nb\r\n", "$HOME `x` \\", "é\u0007\u2028", "#", " x ", "{}"];
    const set = Object.fromEntries(values.map((value, index) => [`V${index}`, value]));
    const text = formatChanges({ set, unset: [] }, "dotenv");
    for (const [name, value] of Object.entries(set))
      expect([name, readingsOf(text, name)(value)]).toEqual([name, true]);
  });

  it("takes a long file in its stride", () => {
    const long = "x\\y".repeat(300_000);
    expect(readingsOf(`B="${long}"\nC='${long}'\nA=1`)("1")).toBe(true);
    expect(parseEnvFile("A=1\n".repeat(200_000), ".env").values.size).toBe(1);
  });
});
