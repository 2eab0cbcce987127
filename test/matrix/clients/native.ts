import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { prepareMotoVenv } from "../../../scripts/moto-venv.js";
import { makeOnce, run } from "../../../scripts/set-up.js";
import { inVenv } from "../../support/venv.js";
import { BUCKET, MADE, type MatrixClient, type MatrixRow, made, matrixProgram, OBJECT } from "../client.js";
import { packageVersion, prepareVenv, venvProgram } from "../venvs.js";

/** Clients of other languages by their wheels, and programs of Debian. */
export const NATIVE: readonly MatrixRow[] = [
  { name: "CRT", family: "CRT", assumesAtAws: true, ...wheel("awscrt", "crt.py") },
  {
    name: "CRT, old",
    family: null,
    ...wheel("awscrt", "crt.py", "native-old"),
    knownFailures: [
      {
        columns: ["rotation"],
        gets: "fails",
        why: "it does not ask again when its key ends, and signs on with it",
        workaround: "sessions of an hour, for programs that live shorter; a newer release",
      },
    ],
  },
  { name: "pyarrow (C++ SDK)", family: "C++", ...wheel("pyarrow", "arrow.py") },
  { name: "pyarrow (C++ SDK), old", family: null, ...wheel("pyarrow", "arrow.py", "native-old") },
  {
    name: "DuckDB (C++ SDK)",
    family: "C++",
    ...wheel("duckdb", "duck.py"),
    knownFailures: [
      {
        columns: ["rotation"],
        gets: "fails",
        why: "its secret keeps a key past its end, and `REFRESH auto` asks for another only once S3 has refused it",
        workaround: "`CREATE OR REPLACE SECRET` anew before the key ends",
      },
    ],
  },
  {
    name: "s5cmd (Go SDK v1)",
    family: "rclone",
    light: true,
    prepare: () => prepareVenv("native"),
    version: () => firstNumber([venvProgram("native", "s5cmd"), "version"]),
    identity: () =>
      inShell(
        `exec "$1" --endpoint-url "$AWS_ENDPOINT_URL_S3" --retry-count 0 ls "s3://${BUCKET}/"`,
        venvProgram("native", "s5cmd"),
      ),
  },
  {
    name: "rclone (Go SDK v1)",
    family: "rclone",
    light: true,
    prepare: () => prepareDebian("rclone"),
    version: () => firstNumber([inDebian("rclone"), "version"]),
    identity: () =>
      inShell(
        `exec "$@" --s3-env-auth --s3-provider Other --s3-endpoint "$AWS_ENDPOINT_URL_S3" lsf ":s3:${BUCKET}"`,
        inDebian("rclone"),
        ...["--config", "/dev/null", "--retries", "1", "--low-level-retries", "1"],
      ),
  },
  {
    name: "restic (minio-go)",
    family: null,
    light: true,
    prepare: () => prepareDebian("restic"),
    version: () => firstNumber([inDebian("restic"), "version"]),
    // There is no repository in the bucket: it fails, but signs first.
    identity: () =>
      inShell(
        `exec timeout 20 "$@" --repo "s3:$AWS_ENDPOINT_URL_S3/${BUCKET}" cat config`,
        ...[inDebian("restic"), "--no-cache", "--no-lock"],
      ),
    env: { RESTIC_PASSWORD: "not a secret" },
  },
  {
    name: "kubectl (aws eks get-token)",
    family: "botocore",
    // Three programs for each call: slow.
    light: false,
    prepare: () => {
      prepareMotoVenv();
      prepareDebian("kubernetes-client");
    },
    version: () => {
      const kubectl = firstNumber([inDebian("kubernetes-client", "kubectl"), "version", "--client", "--short"]);
      return `${kubectl}, AWS CLI ${firstNumber([inVenv("aws"), "--version"])}`;
    },
    identity: () => [
      ...[process.execPath, resolve("node_modules/tsx/dist/cli.mjs"), matrixProgram("kubectl.child.ts")],
      ...[inDebian("kubernetes-client", "kubectl"), inVenv("aws")],
    ],
  },
  notRun(".NET SDK", "its clients come from NuGet and its runtime from Microsoft alone"),
  notRun("Swift SDK", "its compiler comes from swift.org alone"),
  notRun("PHP SDK (aws-sdk-php)", "it comes from Packagist alone"),
  notRun("Mountpoint for S3", "its program comes from AWS alone; below it is the CRT"),
  notRun("Pulumi", "its command line comes from its maker's site alone"),
];

/** What none of the registries has that the other rows come from: Debian, PyPI, npm, crates.io, Maven Central, Go's proxy. */
function notRun(name: string, why: string): MatrixRow {
  return { name, light: false, notRun: why };
}

/** A program of programs/python with a wheel of PyPI. */
function wheel(name: string, program: string, venv = "native"): Omit<MatrixClient, "name" | "family"> {
  const python = (): string => venvProgram(venv, "python");
  const start = (...words: readonly string[]): readonly string[] => [
    ...[python(), matrixProgram(`python/${program}`)],
    ...words,
  ];
  return {
    light: true,
    prepare: () => prepareVenv(venv),
    version: () => packageVersion(python(), name),
    identity: () => start("identity"),
    loop: (seconds) => start("loop", String(seconds)),
    env: { MATRIX_BUCKET: BUCKET, MATRIX_OBJECT: OBJECT },
  };
}

const APT_HINT = "this row needs a machine with Debian's packages: run `apt-get update` as root";

/** Unpacks a package of the release that this machine has; nothing is installed. */
function prepareDebian(name: string): void {
  const versions = candidate(name) ?? (run(["apt-get", "--quiet", "update"], APT_HINT), candidate(name)) ?? "";
  const make = (): void => {
    const place = join(MADE, name);
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place, { recursive: true });
    run(["sh", "-c", 'cd "$1" && apt-get --quiet download "$2"', "sh", place, name], APT_HINT);
    const archive = readdirSync(place).find((each) => each.endsWith(".deb")) ?? "";
    run(["dpkg-deb", "--extract", join(place, archive), place], APT_HINT);
    rmSync(join(place, archive));
  };
  makeOnce({ suite: "test:matrix", name, home: MADE, sourceDirectory: MADE, sources: [], versions, make });
}

function candidate(name: string): string | undefined {
  const line = run(["apt-cache", "policy", name], APT_HINT)
    .split("\n")
    .find((each) => each.includes("Candidate:"));
  return line?.includes("(none)") ? undefined : line?.trim();
}

function inDebian(name: string, program = name): string {
  return made(join(name, "usr/bin", program));
}

/** The first version that a program says of itself. */
function firstNumber(command: readonly string[]): string {
  const said = run(command, "remove .matrix-clients");
  const version = /\d+\.\d+(?:\.\d+)?/.exec(said)?.[0];
  if (version === undefined) throw new Error(`\`${command.join(" ")}\` says no version: ${said}`);
  return version;
}

/** A script in which `"$@"` are the words: for programs whose client knows no variable for endpoints. */
function inShell(script: string, ...words: readonly string[]): readonly string[] {
  return ["/bin/sh", "-c", script, "sh", ...words];
}
