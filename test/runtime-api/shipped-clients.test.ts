import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { describe } from "vitest";
import { BUILT_CLIENTS } from "../support/invoke-locally.js";
import { describeRuntimeClient } from "../support/runtime-client-contract.js";

const cwd = resolve("test/runtime-api/functions");
const { nodePath, nodeBootstrap, pythonBootstrap } = BUILT_CLIENTS;

describeRuntimeClient("our Node client", () => ({
  command: [nodePath, nodeBootstrap, "app.handler"],
  cwd,
  errorType: "RangeError",
  reportsInit: true,
}));

// CI has it: there, a missing Python is a failure.
const noPython = spawnSync("python3", ["--version"]).status !== 0 && process.env["CI"] === undefined;
if (noPython) process.stderr.write("python3 is not here: our Python client is not tested\n");

describe.skipIf(noPython)("with Python", () => {
  describeRuntimeClient("our Python client", () => ({
    command: ["python3", pythonBootstrap, "app.handler"],
    cwd,
    errorType: "ValueError",
    reportsInit: true,
  }));
});

describeRuntimeClient("a custom runtime of shell and curl", () => ({
  command: ["./bootstrap"],
  cwd,
  errorType: "Shell.Error",
  reportsInit: false,
}));
