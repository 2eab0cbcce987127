import { describe, expect, it } from "vitest";
import { nameInHeading, readAwsIni } from "../../src/core/aws-ini.js";

/** `section.name=value`, in order. */
function read(text: string): string[] {
  return readAwsIni(text).sections.flatMap(({ name, settings }) =>
    settings.length === 0 ? [`[${name}]`] : settings.map((setting) => `${name}.${setting.name}=${setting.value}`),
  );
}

describe("readAwsIni", () => {
  it.each<[string, string, string[]]>([
    ["settings of sections", "[a]\nx = 1\ny=2\n[b]\nx= 3", ["a.x=1", "a.y=2", "b.x=3"]],
    ["a byte order mark and CRLF", "\uFEFF[a]\r\nx = 1\r\n\r\n[b]\r\n", ["a.x=1", "[b]"]],
    ["lone carriage returns", "[a]\rx = 1\ry = 2", ["a.x=1", "a.y=2"]],
    ["remarks", "# r\n; r\n[a] # r\n  # r\nx = 1 # r\ny = 2 ; r\nz = a#b;c\n", ["a.x=1", "a.y=2", "a.z=a#b;c"]],
    ["a colon for the equals sign", "[a]\nx: 1\nurl = https://h/s\n", ["a.x=1", "a.url=https://h/s"]],
    ["names in capitals", "[A]\nRole_ARN = X\n", ["A.role_arn=X"]],
    ["nested blocks, of which nothing is a setting", "[a]\ns3 =\n  region = x\n  y = 1\nz = 2\n", ["a.s3=", "a.z=2"]],
    ["lines that go on", "[a]\nx = 1\n   2\n\n   3\ny = 4\n", ["a.x=1\n2\n3", "a.y=4"]],
    ["a section that is indented as a whole", "[a]\n  x = 1\n  y = 2\n", ["a.x=1", "a.y=2"]],
    [
      "a heading deeper than a setting as a part of it",
      "[a]\nx = 1\n  [b]\ny = 2\n[c]\n",
      ["a.x=1\n[b]", "a.y=2", "[c]"],
    ],
    ["a heading deeper than the one before it", "[a]\n  [b]\n  y = 2\n", ["[a]", "b.y=2"]],
    ["sections that come twice, twice", "[a]\nx = 1\n[a]\nx = 2\n", ["a.x=1", "a.x=2"]],
    ["names of objects' own parts", "[__proto__]\n__proto__ = 1\n", ["__proto__.__proto__=1"]],
    ["nothing", "", []],
  ])("reads %s", (_, text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it("counts the lines that say nothing or not the same to all, without their text", () => {
    expect(readAwsIni("x = 1\n[a]\nhello\n= 3\ny = 2\n  [b]\n").strangeLines).toEqual([1, 3, 4, 6]);
  });

  it("reads what a nested block holds, one level deep", () => {
    const [s3, region] = readAwsIni("[a]\nS3 =\n  X = 1\n\n\ty=u=v\n    z = 3\n  no\nregion = r\n").sections[0]!
      .settings;
    const nested = [
      { name: "X", value: "1" },
      { name: "y", value: "u=v" },
      { name: "z", value: "3" },
    ];
    expect(s3).toMatchObject({ name: "s3", value: "", nested });
    expect(region?.nested).toEqual([]);
  });

  it("knows the line of each heading and setting", () => {
    const [a, b] = readAwsIni("# r\n[a]\nx = 1\n  2\ny = 3\r\n\r\n[b]\rz = 1").sections;
    expect([a?.line, ...a!.settings.map(({ line }) => line)]).toEqual([2, 3, 5]);
    expect([b?.line, b?.settings[0]?.line]).toEqual([7, 8]);
  });

  it("knows where a setting stands, with the lines that belong to it and their ends", () => {
    const text = "\uFEFF[a]\r\nx = 1\r\n  2\r\n\r\ny = 3";
    const [x, y] = readAwsIni(text).sections[0]?.settings ?? [];
    expect(text.slice(x?.start, x?.end)).toBe("x = 1\r\n  2\r\n");
    expect(text.slice(y?.start, y?.end)).toBe("y = 3");
  });

  it("tells values that the AWS CLI and the SDKs read differently", () => {
    const [setting] = readAwsIni("[a]\nx = run ; rest\n").sections[0]?.settings ?? [];
    expect(setting).toMatchObject({ value: "run", hasRemark: true });
  });

  it("takes its time by the length of the text, however odd", () => {
    const odd = [" ", "=", "[", "a", "\r", "#", "\t=", "[a]\n x\n"];
    // Of the processor, not of a busy machine, and the least of three: what the garbage collector adds is not the text's.
    const costOf = (length: number): number =>
      Math.min(
        ...[1, 2, 3].map(() => {
          const began = process.cpuUsage();
          for (const piece of odd) readAwsIni(piece.repeat(length));
          return process.cpuUsage(began).user;
        }),
      );
    // 8 where the time goes with the length, 64 where it goes with its square.
    expect(costOf(160_000) / costOf(20_000)).toBeLessThan(24);
  });
});

describe("nameInHeading", () => {
  it.each([
    ["profile dev", "dev"],
    ["profile\t 'my dev'", "my dev"],
    ['profile "default"', "default"],
    ["profile", undefined],
    ["profiles dev", undefined],
    ["dev", undefined],
    ["services dev", undefined],
  ])("of [%s] as a profile is %s", (section, name) => {
    expect(nameInHeading(section, "profile")).toBe(name);
  });
});
