import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { toolRunner } from "../../../src/system/service/run-tool.js";
import { tempDir } from "../../support/temp-dir.js";

const run = toolRunner({ PATH: "/usr/bin:/bin" });

it("a tool's exit code, output and errors are told", async () => {
  expect(await run("/bin/sh", ["-c", "echo out; echo err >&2; exit 3"])).toEqual({
    code: 3,
    stdout: "out\n",
    stderr: "err\n",
  });
  expect(await run("/no/such/tool", [])).toMatchObject({ code: null, stderr: "there is no program /no/such/tool" });
});

it("a tool that left something running is answered for when it has ended, not at the limit", async () => {
  const trace = join(tempDir("run-tool"), "agent");

  // The limit is ten times as far away as this test's own.
  expect(await run("/bin/sh", ["-c", `sleep 300 & echo $! > ${trace}; echo done`], { limitMs: 600_000 })).toEqual({
    code: 0,
    stdout: "done\n",
    stderr: "",
  });
  process.kill(Number(readFileSync(trace, "utf8")), "SIGKILL");
}, 60_000);
