import { copyFileSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { prepareMotoVenv } from "./moto-venv.js";
import { makeOnce, run, setUpAndRun } from "./set-up.js";

/**
 * `npm run test:clients [vitest arguments]`: a venv with the pinned AWS CLI, boto3 and moto; in `.aws-clients/` the SDK v2
 * for JavaScript, osls and Serverless 3 from npm and a program with the SDK for Go; all made when they are missing or
 * changed, then the tests that run them against the broker. What cannot be installed is a failure, never a skip.
 */
const HOME = resolve(".aws-clients");
const SOURCES = resolve("test/clients");

setUpAndRun({ name: "test:clients", setUp });

function setUp(): void {
  // First of all: a tool that is missing is said at once, and not after minutes of installing.
  const go = run(["go", "version"], "Go 1.26 or newer is needed as `go`: https://go.dev/dl");
  const npm = run(["npm", "--version"], "npm is needed, which comes with Node");
  prepareMotoVenv();
  mkdirSync(HOME, { recursive: true });
  const place = { suite: "test:clients", home: HOME, sourceDirectory: SOURCES };
  const files = ["package.json", "package-lock.json", "identity.mjs", "endpoint.cjs", "function/serverless.yml"];
  const node = { sourceDirectory: join(SOURCES, "node"), sources: files, make: () => makeNode(files) };
  makeOnce({ ...place, ...node, name: "node", versions: npm });
  makeOnce({ ...place, name: "go", sources: ["go/main.go", "go/go.mod", "go/go.sum"], versions: go, make: makeGo });
}

function makeNode(files: readonly string[]): void {
  const directory = join(HOME, "node");
  mkdirSync(join(directory, "function"), { recursive: true });
  for (const file of files) copyFileSync(join(SOURCES, "node", file), join(directory, file));
  const install = ["npm", "ci", "--prefix", directory, "--ignore-scripts", "--no-audit", "--no-fund"];
  run(install, "npm must reach its registry, or a mirror");
}

function makeGo(): void {
  const build = ["go", "build", "-C", join(SOURCES, "go"), "-o", join(HOME, "go", "identity"), "."];
  run(build, "go must reach the module proxy, and be 1.26 or newer", { CGO_ENABLED: "0" });
}
