import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { connectionLimit, refuseLowFileLimit, tooFewFiles } from "../../src/system/open-file-limit.js";

const limits = (soft: number): string =>
  `Limit  Soft Limit  Hard Limit  Units\nMax open files            ${soft}    4096    files\n`;

it.each([
  [1_048_576, 524_224],
  [1024, 448],
  [200, 36],
  [64, 16],
])("with %i descriptors each listener may hold %i connections", (soft, most) => {
  expect(connectionLimit(limits(soft))).toBe(most);
});

it("sets no limit where the system tells none", () => {
  expect(connectionLimit("")).toBeUndefined();
});

it("refuses a limit with which brokerd could not be loaded, and says what it is and where it is raised", () => {
  expect(() => refuseLowFileLimit(limits(64))).toThrow("the limit of open files is 64, and brokerd needs at least 192");
  expect(() => refuseLowFileLimit(limits(192))).not.toThrow();
  expect(() => refuseLowFileLimit("")).not.toThrow();
  expect(tooFewFiles(64).hint).toContain("LimitNOFILE=");
});

it("bin/brokerd refuses the same limit before Node starts", () => {
  const inLauncher = /"\$files" -lt (\d+)/.exec(readFileSync("bin/brokerd", "utf8"))?.[1];
  expect(inLauncher).toBeDefined();
  expect(() => refuseLowFileLimit(limits(1))).toThrow(`brokerd needs at least ${inLauncher!}`);
});
