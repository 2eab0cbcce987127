import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeOnce, run } from "../../../scripts/set-up.js";
import { MADE, type MatrixClient, type MatrixRow, made, matrixProgram } from "../client.js";
import { GO_HINT } from "./go.js";

/** The backends are modules of their own in its repository, which the release has by their paths: here by the release's commit. */
const RELEASE = { module: "github.com/hashicorp/terraform", version: "v1.11.4", package: "." } as const;
const COMMIT = "v0.0.0-20250409131005-35645b8fca68";
const OPENTOFU = { module: "github.com/opentofu/opentofu", version: "v1.12.6", package: "./cmd/tofu" } as const;

/** Programs as their makers build them, from the module proxy: minutes each the first time. */
export const TERRAFORM: readonly MatrixRow[] = [
  // Its SDK is from before `aws login`, of which doctor speaks.
  { name: "Terraform (S3 backend)", ...s3Backend("terraform", { ...RELEASE, modulesAt: COMMIT }), family: null },
  { name: "OpenTofu (S3 backend)", ...s3Backend("tofu", OPENTOFU) },
];

interface GoRelease {
  readonly module: string;
  readonly version: string;
  /** What is built of it. */
  readonly package: string;
  /** Version of the modules that its go.mod has by a path. */
  readonly modulesAt?: string;
}

function s3Backend(program: string, release: GoRelease): Omit<MatrixClient, "name"> {
  const source = matrixProgram("terraform");
  return {
    family: "Go v2",
    light: false,
    prepare: () => {
      const versions = `${run(["go", "version"], GO_HINT)}\0${Object.values(release).join("\0")}`;
      const make = (): void => build(program, release);
      makeOnce({
        suite: "test:matrix",
        name: program,
        home: MADE,
        sourceDirectory: source,
        sources: [],
        versions,
        make,
      });
    },
    version: () => release.version.slice(1),
    identity: () => {
      const script =
        'work=$(mktemp -d) && cp "$1" "$work" && cd "$work" && { "$2" init -input=false -no-color; code=$?; rm -r "$work"; exit $code; }';
      return ["/bin/sh", "-c", script, "sh", join(source, "main.tf"), made(`${program}/${program}`)];
    },
    env: { CHECKPOINT_DISABLE: "1", TF_CLI_CONFIG_FILE: "/dev/null" },
  };
}

function build(program: string, { module, version, package: target, modulesAt }: GoRelease): void {
  const said = run(["go", "mod", "download", "-json", `${module}@${version}`], GO_HINT);
  const { Dir: directory } = JSON.parse(said) as { readonly Dir: string };
  const place = join(MADE, program);
  mkdirSync(place, { recursive: true });
  const command = ["go", "build", "-C", directory, "-o", join(place, program)];
  if (modulesAt === undefined) {
    run([...command, target], GO_HINT, { CGO_ENABLED: "0" });
    return;
  }
  const modfile = join(place, "go.mod");
  const byPath = /^(replace (\S+)) => \.\/.*$/gm;
  const its = readFileSync(join(directory, "go.mod"), "utf8").replaceAll(byPath, `$1 => $2 ${modulesAt}`);
  // Newer compilers refuse settings that they no longer know.
  writeFileSync(modfile, its.replaceAll(/^godebug .*$/gm, ""));
  copyFileSync(join(directory, "go.sum"), join(place, "go.sum"));
  run([...command, `-modfile=${modfile}`, "-mod=mod", target], GO_HINT, { CGO_ENABLED: "0" });
}
