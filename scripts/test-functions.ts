import { copyFileSync, cpSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { prepareLambdaClients } from "./lambda-clients.js";
import { prepareMotoVenv } from "./moto-venv.js";
import { makeOnce, run, setUpAndRun } from "./set-up.js";

/**
 * `npm run test:functions [vitest arguments]`: functions as people write them, with the frameworks and wrappers that their
 * registries have, by `brokerctl lambda invoke` and `exec` as a deployed function's role. Installs and builds into
 * `.public-functions/` what is missing or changed; what cannot be had is a failure, never a skip.
 */
const SUITE = "test:functions";
const HOME = resolve(".public-functions");
const SOURCES = resolve("test/functions");
const PYTHON_HINT = "pip must reach PyPI, or a mirror in its configuration";
const NPM_HINT = "npm must reach its registry, or a mirror";
const MAVEN_HINT = "Maven and a JDK of 17 or newer are needed as `mvn` and `java`, and Maven Central must be reached";

setUpAndRun({ name: SUITE, setUp });

function setUp(): void {
  prepareMotoVenv();
  prepareLambdaClients(SUITE, ["go", "rust"]);
  const place = { suite: SUITE, home: HOME, sourceDirectory: SOURCES };
  const node = ["node/package.json", "node/package-lock.json"];
  makeOnce({ ...place, name: "node", sources: node, versions: process.version, make: makeNode });
  const python = run(["python3", "-c", "import sys, venv, ensurepip; print(sys.version)"], PYTHON_HINT);
  makeOnce({ ...place, name: "python", sources: ["requirements.txt"], versions: python, make: makePython });
  const java = ["java/pom.xml", "java/src/main/java/Orders.java"];
  const maven = run(["mvn", "--version"], MAVEN_HINT);
  makeOnce({ ...place, name: "java", sources: java, versions: maven, make: makeJava });
  placeFunctions();
}

function makeNode(): void {
  const place = join(HOME, "node");
  mkdirSync(place, { recursive: true });
  for (const file of ["package.json", "package-lock.json"]) {
    copyFileSync(join(SOURCES, "node", file), join(place, file));
  }
  run(["npm", "ci", "--prefix", place, "--ignore-scripts", "--no-audit", "--no-fund"], NPM_HINT);
}

function makePython(): void {
  const venv = join(HOME, "python");
  run(["python3", "-m", "venv", "--clear", venv], "install Python's venv module: apt-get install python3-venv");
  // Complete and exact pins, wheels only: nothing to resolve, and no package's code runs at install.
  const pins = join(SOURCES, "requirements.txt");
  const install = ["install", "--quiet", "--no-deps", "--only-binary", ":all:", "--requirement", pins];
  run([join(venv, "bin", "python"), "-m", "pip", ...install], PYTHON_HINT);
}

function makeJava(): void {
  const place = join(HOME, "java");
  rmSync(place, { recursive: true, force: true });
  cpSync(join(SOURCES, "java"), place, { recursive: true });
  const pom = ["--file", join(place, "pom.xml")];
  const goals = ["compile", "dependency:copy-dependencies", `-DoutputDirectory=${join(place, "lib")}`];
  run(["mvn", "--batch-mode", "--quiet", "--threads", "1", ...pom, ...goals], MAVEN_HINT);
}

/** Beside their packages; TypeScript as its source, compiled, and as a bundle. */
function placeFunctions(): void {
  const place = join(HOME, "node");
  cpSync(join(SOURCES, "node", "src"), place, { recursive: true });
  copyFileSync(join(place, "compiled.mts"), join(place, "sources.ts"));
  const compiled = [
    "--ignoreConfig",
    "--module",
    "node20",
    "--target",
    "es2023",
    "--skipLibCheck",
    "--outDir",
    join(place, "dist"),
  ];
  const tsc = join(place, "node_modules", "typescript", "bin", "tsc");
  run([process.execPath, tsc, ...compiled, "--rootDir", place, join(place, "compiled.mts")], "its types must fit");
  const bundle = ["--bundle", "--platform=node", "--minify", `--outfile=${join(place, "dist", "bundled.js")}`];
  const esbuild = join(place, "node_modules", "@esbuild", `${process.platform}-${process.arch}`, "bin", "esbuild");
  run([esbuild, join(place, "compiled.mts"), ...bundle, "--log-level=error"], "esbuild has a program for this machine");
}
