import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { prepareMotoVenv } from "./moto-venv.js";
import { AWS_CLIENTS, prepareNodeClients } from "./node-clients.js";
import { makeOnce, run, setUpAndRun } from "./set-up.js";

/**
 * `npm run test:clients [vitest arguments]`: a venv with the pinned AWS CLI, boto3 and moto; in `.aws-clients/` clients from
 * npm's registry and a program with the SDK for Go; all made when they are missing or changed, then the tests that run them
 * against the broker. What cannot be installed is a failure, never a skip.
 */
const SOURCES = resolve("test/clients");
const NAME = "test:clients";

setUpAndRun({ name: NAME, setUp });

function setUp(): void {
  // First of all: a tool that is missing is said at once, and not after minutes of installing.
  const go = run(["go", "version"], "Go 1.26 or newer is needed as `go`: https://go.dev/dl");
  prepareMotoVenv();
  mkdirSync(AWS_CLIENTS, { recursive: true });
  prepareNodeClients(NAME);
  const place = { suite: NAME, home: AWS_CLIENTS, sourceDirectory: SOURCES };
  makeOnce({ ...place, name: "go", sources: ["go/main.go", "go/go.mod", "go/go.sum"], versions: go, make: makeGo });
}

function makeGo(): void {
  const build = ["go", "build", "-C", join(SOURCES, "go"), "-o", join(AWS_CLIENTS, "go", "identity"), "."];
  run(build, "go must reach the module proxy, and be 1.26 or newer", { CGO_ENABLED: "0" });
}
