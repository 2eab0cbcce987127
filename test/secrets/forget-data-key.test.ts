import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ForgottenDataKey, forgetDataKey } from "../../src/secrets/keychain.js";
import { SystemClock } from "../../src/system/clock.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { FakeClock } from "../support/fake-clock.js";
import { tempDir } from "../support/temp-dir.js";

/** A keychain child that answers with what `answer` gives for `request`. */
function childSaying(answer: string): { nodePath: string; scriptPath: string } {
  const scriptPath = join(tempDir("keychain-child"), "child.mjs");
  writeFileSync(
    scriptPath,
    `process.stdin.once("data", (line) => { const request = JSON.parse(line); console.log(JSON.stringify(${answer})); });`,
  );
  return { nodePath: process.execPath, scriptPath };
}

const REQUEST = `{ outcome: "locked", detail: request.operation + " " + request.interactive + " " + request.account }`;

function forget(
  answer: string,
  options: { stateDir?: string; dryRun?: boolean; interactive?: boolean } = {},
): Promise<ForgottenDataKey> {
  const { stateDir = tempDir("state"), dryRun = false, interactive = false } = options;
  return forgetDataKey({ stateDir, child: childSaying(answer), clock: new SystemClock(), dryRun, interactive });
}

describe("the data key that is to be forgotten", () => {
  it.each(["removed", "absent"] as const)("the data key that is to be forgotten is %s", async (outcome) => {
    expect(await forget(`{ outcome: "${outcome}" }`)).toMatchObject({ outcome });
  });

  it("the data key that is to be forgotten is only looked for in a dry run, and a prompt is raised only where one may be", async () => {
    expect((await forget(REQUEST)).detail).toMatch(/^remove false /);
    expect((await forget(REQUEST, { dryRun: true })).detail).toMatch(/^find false /);
    expect((await forget(REQUEST, { interactive: true })).detail).toMatch(/^remove true /);
  });

  it.each(["locked", "unavailable"])(
    "the data key that is to be forgotten is told with a command for it where the keychain is %s",
    async (outcome) => {
      const told = await forget(`{ outcome: "${outcome}", detail: "why" }`);
      expect(told).toMatchObject({ outcome, detail: "why" });
      const byHand = process.platform === "darwin" ? "security delete-generic-password" : "secret-tool clear";
      expect(told.byHand).toContain(`${byHand} `);
      expect(told.byHand).toContain(told.account);
    },
  );

  it.each([`{ outcome: "saved" }`, `{ outcome: "found", key: "x" }`, "null"])(
    "the data key that is to be forgotten is never taken for gone by an answer that is none: %s",
    async (answer) => {
      expect(await forget(answer)).toMatchObject({ outcome: "unavailable" });
    },
  );

  it("the data key that is to be forgotten counts as locked where the keychain does not answer", async () => {
    const clock = new FakeClock();
    const scriptPath = join(tempDir("keychain-child"), "child.mjs");
    writeFileSync(scriptPath, "setInterval(() => undefined, 1000);");
    const child = { nodePath: process.execPath, scriptPath };
    const asked = forgetDataKey({ stateDir: tempDir("state"), child, clock, dryRun: false, interactive: false });
    const waiting = setInterval(() => void clock.advance(2000), 5);
    expect(await asked).toMatchObject({ outcome: "locked", detail: "no answer within 2 s" });
    clearInterval(waiting);
  });

  it.each(["secrets.sealed", "secrets.sealed.old", "secrets.sealed.broken-20260101T000000000Z"])(
    "the data key that is to be forgotten stays while %s is there, which it opens",
    async (name) => {
      const stateDir = tempDir("state");
      writeFileSync(join(stateDir, name), "sealed");
      expect(await brokerErrorOf(() => forget(`{ outcome: "removed" }`, { stateDir }))).toMatchObject({
        code: "Conflict",
        hint: "brokerctl uninstall",
      });
      expect(await forget(`{ outcome: "exists" }`, { stateDir, dryRun: true })).toMatchObject({ outcome: "exists" });
    },
  );

  it("the data key that is to be forgotten has the same name after its state directory is gone, also through a symbolic link", async () => {
    const root = realpathSync(tempDir("installation"));
    mkdirSync(join(root, "real", "state"), { recursive: true });
    symlinkSync(join(root, "real"), join(root, "link"));
    const before = await forget(`{ outcome: "absent" }`, { stateDir: join(root, "link", "state") });
    const after = await forget(`{ outcome: "absent" }`, { stateDir: join(root, "link", "gone") });
    expect([before.account, after.account]).toEqual([
      `data-key:v1:${root}/real/state`,
      `data-key:v1:${root}/real/gone`,
    ]);
  });
});
