import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { AuditFixture, findingsOf, used } from "../support/audit-fixture.js";
import { auditLines } from "../support/audit-lines.js";
import { seededRandom } from "../support/random.js";

let fixture: AuditFixture;
beforeEach(async () => {
  fixture = new AuditFixture();
  await fixture.log.open();
});

const fileOf = (name = "audit.jsonl"): string => join(fixture.stateDir, name);

async function tenLines(): Promise<void> {
  for (let n = 1; n <= 10; n++) await fixture.record(used(`role-${n}`));
  await fixture.log.close();
}

/** As another program would: the file's lines, changed, and back to it. */
function edit(change: (lines: string[]) => string[], name?: string): void {
  const lines = readFileSync(fileOf(name), "utf8").split("\n").slice(0, -1);
  writeFileSync(
    fileOf(name),
    change(lines)
      .map((line) => `${line}\n`)
      .join(""),
  );
}

async function findings(): Promise<readonly string[]> {
  return findingsOf(await fixture.log.verify()).map(({ file, line, what }) => `${file} ${line} ${what}`);
}

type Edit = (lines: string[], random: () => number) => string[];

const pick = (length: number, random: () => number): number => Math.floor(random() * length);

/** What a program that wants to hide something does to lines. */
const EDITS: Readonly<Record<string, Edit>> = {
  "a character of a line changed": (lines, random) => {
    const at = pick(lines.length, random);
    const line = lines[at]!;
    const place = pick(line.length, random);
    lines[at] = line.slice(0, place) + (line[place] === "x" ? "y" : "x") + line.slice(place + 1);
    return lines;
  },
  "a role changed": (lines, random) => {
    const at = pick(lines.length, random);
    lines[at] = lines[at]!.replace(/"role":"[^"]*"/, '"role":"harmless"');
    return lines;
  },
  "a line taken out": (lines, random) => lines.toSpliced(pick(lines.length, random), 1),
  "several lines taken out": (lines, random) => lines.toSpliced(pick(lines.length, random), 1 + pick(4, random)),
  "two lines exchanged": (lines, random) => {
    const at = pick(lines.length - 1, random);
    return lines.toSpliced(at, 2, lines[at + 1]!, lines[at]!);
  },
  "a line put in twice": (lines, random) => {
    const at = pick(lines.length, random);
    return lines.toSpliced(at, 0, lines[at]!);
  },
  "a line of its own put in": (lines, random) =>
    lines.toSpliced(pick(lines.length + 1, random), 0, lines[0]!.replace("role-1", "forged")),
  "the end cut off": (lines, random) => lines.slice(0, pick(lines.length, random)),
  "the beginning cut off": (lines, random) => lines.slice(1 + pick(lines.length - 1, random)),
  "a line made noise": (lines, random) => lines.with(pick(lines.length, random), "noise"),
};

describe("a log that another program changed", () => {
  const CASES = Array.from({ length: 10 }, (_, round) =>
    Object.keys(EDITS).map((name) => [name, round] as const),
  ).flat();

  it("is tried in a hundred ways", () => expect(CASES).toHaveLength(100));

  it.each(CASES)("is told by the running brokerd, and by the next one: %s (%i)", async (name, round) => {
    await tenLines();
    const random = seededRandom(round * 100 + Object.keys(EDITS).indexOf(name));
    const before = readFileSync(fileOf(), "utf8");

    edit((lines) => EDITS[name]!(lines, random));
    expect(readFileSync(fileOf(), "utf8")).not.toBe(before);

    expect(await findings()).not.toEqual([]);
    await fixture.restart();
    expect(await findings()).not.toEqual([]);
    // What this brokerd goes on with does not cover it.
    await fixture.record(used("after"));
    await fixture.log.close();
    expect(await findings()).not.toEqual([]);
  });

  it("is told with the file and the line", async () => {
    await tenLines();

    edit((lines) => lines.with(3, lines[3]!.replace("role-4", "role-X")));

    expect(await findings()).toEqual(["audit.jsonl 5 the line before it, number 4, was changed, or this one was"]);
  });

  it("is told when it is gone, or cut to nothing, while brokerd runs", async () => {
    await tenLines();
    rmSync(fileOf());
    expect(await findings()).toEqual([
      "audit.jsonl 0 lines 1 to 10, which brokerd wrote, are not there",
      "audit.jsonl 0 10 lines were sealed, and the log ends with 0",
    ]);

    await fixture.record(used("after"));
    expect(auditLines(fixture.stateDir).map(({ n, event, code }) => [n, event, code])).toEqual([
      [11, "gap", "FileChanged"],
      [12, "use", null],
    ]);
    expect(await findings()).not.toEqual([]);
  });
});

describe("the seal", () => {
  it("tells of lines that were cut off while brokerd did not run, and the chain tells it for good", async () => {
    await tenLines();
    edit((lines) => lines.slice(0, 7));

    await fixture.restart();
    await fixture.record(used("after"));
    await fixture.log.close();

    const gaps = auditLines(fixture.stateDir).filter(({ event }) => event === "gap");
    expect(gaps).toMatchObject([{ code: "SealBroken", detail: expect.stringContaining("number 10") as unknown }]);
    await fixture.restart();
    expect(await findings()).toEqual([expect.stringContaining("SealBroken")]);
    expect(await fixture.log.warnings()).toEqual([]);
  });

  it("is said in status by the brokerd that finds it broken", async () => {
    await tenLines();
    rmSync(fileOf());
    await fixture.restart();
    await fixture.log.close();

    expect(await fixture.log.warnings()).toEqual(["the audit log is not as it was sealed: brokerctl audit verify"]);
  });

  it("is not renewed while the secret store is locked, and how far it reaches is told", async () => {
    await tenLines();
    fixture.secrets.locked = true;
    await fixture.record(used("locked"));
    await fixture.clock.advance(60_000);
    const locked = await fixture.log.verify();
    expect([locked.sealProblem, locked.sealedAt]).toEqual(["the secret store is locked", null]);

    fixture.secrets.locked = false;
    expect((await fixture.log.verify()).logs.audit).toMatchObject({ sealedTo: 10, last: 11, findings: [] });
    await fixture.log.sweep();
    expect((await fixture.log.verify()).logs.audit.sealedTo).toBe(11);
  });

  it("follows five seconds after a line, once for all that came meanwhile", async () => {
    await fixture.record(used("a"));
    await fixture.clock.advance(4000);
    await fixture.record(used("b"));
    expect((await fixture.log.verify()).logs.audit.sealedTo).toBeNull();

    await fixture.clock.advance(1000);
    expect((await fixture.log.verify()).logs.audit.sealedTo).toBe(2);
  });

  it("of a crash reaches to its line, and what was written since is no finding", async () => {
    await tenLines();
    await fixture.record(used("unsealed"));
    await fixture.restart();
    await fixture.record(used("next"));

    expect((await fixture.log.verify()).logs.audit).toMatchObject({ sealedTo: 10, last: 12, findings: [], notes: [] });
  });
});

describe("a write that was cut", () => {
  it("is a note and no finding, and the log goes on behind it", async () => {
    await tenLines();
    await fixture.record(used("cut"));
    const { length } = readFileSync(fileOf());
    truncateSync(fileOf(), length - 30);
    await fixture.restart();
    await fixture.record(used("after"));

    const { audit } = (await fixture.log.verify()).logs;
    expect(audit.findings).toEqual([]);
    expect(audit.notes).toMatchObject([{ file: "audit.jsonl", line: 12 }]);
    expect(readFileSync(fileOf(), "utf8").split("\n").at(11)).toContain('"code":"NotWhole"');
  });

  it("whose line break alone is missing is a whole line", async () => {
    await tenLines();
    truncateSync(fileOf(), readFileSync(fileOf()).length - 1);
    await fixture.restart();
    await fixture.record(used("after"));

    expect(auditLines(fixture.stateDir)).toHaveLength(11);
    expect(await findings()).toEqual([]);
  });

  it("of a line that was sealed is a finding", async () => {
    await tenLines();
    truncateSync(fileOf(), readFileSync(fileOf()).length - 30);
    await fixture.restart();
    await fixture.record(used("after"));
    await fixture.log.close();

    expect(await findings()).not.toEqual([]);
  });
});

describe("rotation", () => {
  const limits = { audit: { fileBytes: 1500, files: 3 } };

  it("keeps the newest files, with the chain going on through them", async () => {
    await fixture.restart({ limits });
    for (let n = 1; n <= 40; n++) await fixture.record(used(`role-${n}`));

    const lines = auditLines(fixture.stateDir);
    expect(existsSync(fileOf("audit.jsonl.2"))).toBe(true);
    expect(existsSync(fileOf("audit.jsonl.3"))).toBe(false);
    expect(lines.at(-1)).toMatchObject({ role: "role-40" });
    expect(lines.length).toBeLessThan(25);
    expect(lines[0]!.n).toBeGreaterThan(20);
    expect(await findings()).toEqual([]);
    await fixture.log.close();
    await fixture.restart({ limits });
    await fixture.record(used("after"));
    expect(await findings()).toEqual([]);
  });

  it("tells a rotated file that is gone, changed or in another's place", async () => {
    await fixture.restart({ limits });
    for (let n = 1; n <= 40; n++) await fixture.record(used(`role-${n}`));
    const changes: readonly (() => void)[] = [
      () => renameSync(fileOf("audit.jsonl.2"), fileOf("elsewhere")),
      () => renameSync(fileOf("elsewhere"), fileOf("audit.jsonl.2")),
      () => edit((lines) => lines.slice(0, -1), "audit.jsonl.1"),
    ];

    changes[0]!();
    expect(await findings()).toEqual([expect.stringContaining("were not dropped by rotation")]);
    changes[1]!();
    expect(await findings()).toEqual([]);
    changes[2]!();
    expect(await findings()).toEqual([expect.stringContaining("audit.jsonl 1 the line before it")]);
  });
});

describe("what lies in the place of the log", () => {
  it.each([
    ["a directory", () => mkdirSync(fileOf())],
    ["a link", () => symlinkSync("/dev/null", fileOf())],
  ])("is set aside and said, and the log goes on: %s", async (_what, plant) => {
    plant();
    await fixture.restart();
    await fixture.record(used("dev"));

    expect(auditLines(fixture.stateDir).map(({ event, code }) => [event, code])).toEqual([
      ["gap", "SetAside"],
      ["use", null],
    ]);
    expect(await fixture.log.warnings()).toEqual([expect.stringMatching(/audit\.jsonl\.broken-\w+ lay in/)]);
    expect(await findings()).toEqual([expect.stringContaining("SetAside")]);
  });

  it("is ours although a chmod opened it to others, and is closed to them again", async () => {
    await tenLines();
    chmodSync(fileOf(), 0o644);
    await fixture.restart();
    await fixture.record(used("dev"));

    expect(auditLines(fixture.stateDir)).toHaveLength(11);
    expect(await findings()).toEqual([]);
  });

  it("is taken as it is when it is noise, and told", async () => {
    writeFileSync(fileOf(), "noise\n\u0000\u0001\nmore", { mode: 0o600 });
    await fixture.restart();
    await fixture.record(used("dev"));

    expect(await findings()).not.toEqual([]);
    expect(readFileSync(fileOf(), "utf8")).toContain('"role":"dev"');
  });
});
