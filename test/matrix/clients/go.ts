import { join } from "node:path";
import { makeOnce, run } from "../../../scripts/set-up.js";
import { BUCKET, MADE, type MatrixClient, type MatrixRow, made, matrixProgram } from "../client.js";

interface GoProgram extends Pick<MatrixClient, "name" | "family" | "env" | "knownFailures"> {
  /** Of programs/. */
  readonly directory: string;
  /** Whose version it is. */
  readonly module: string;
  /** Another go.mod beside the program: older releases of the same modules. */
  readonly modfile?: string;
}

export const GO: readonly MatrixRow[] = [
  goRow({
    name: "Go SDK v2",
    family: "Go v2",
    directory: "go-v2",
    module: "github.com/aws/aws-sdk-go-v2",
  }),
  goRow({
    name: "Go SDK v2, old",
    // Doctor speaks for the newest release.
    family: null,
    directory: "go-v2",
    module: "github.com/aws/aws-sdk-go-v2",
    modfile: "old.mod",
  }),
  goRow({ name: "Go SDK v1", family: "Go v1", directory: "go-v1", module: "github.com/aws/aws-sdk-go" }),
  goRow({
    name: "minio-go",
    family: null,
    directory: "minio-go",
    module: "github.com/minio/minio-go/v7",
    env: { MATRIX_BUCKET: BUCKET },
  }),
];

export const GO_HINT = "Go 1.26 or newer is needed as `go` (https://go.dev/dl), and must reach the module proxy";

function goRow({ directory, module, modfile = "go.mod", ...row }: GoProgram): MatrixClient {
  const source = matrixProgram(directory);
  const name = modfile === "go.mod" ? directory : `${directory}-${modfile.replace(".mod", "")}`;
  const binary = `${name}/identity`;
  const make = (): void => {
    const build = ["go", "build", "-C", source, `-modfile=${modfile}`, "-o", join(MADE, binary), "."];
    run(build, GO_HINT, { CGO_ENABLED: "0" });
  };
  const sources = ["main.go", modfile, modfile.replace(".mod", ".sum")];
  return {
    ...row,
    light: false,
    prepare: () => {
      const versions = run(["go", "version"], GO_HINT);
      makeOnce({ suite: "test:matrix", name, home: MADE, sourceDirectory: source, sources, versions, make });
    },
    version: () => versionIn(made(binary), module),
    identity: () => [made(binary), "identity"],
    loop: (seconds) => [made(binary), "loop", String(seconds)],
  };
}

/** As the linker wrote it into the program. */
function versionIn(binary: string, module: string): string {
  const lines = run(["go", "version", "-m", binary], GO_HINT).split("\n");
  const found = lines.map((line) => line.trim().split("\t")).find(([kind, name]) => kind === "dep" && name === module);
  if (found?.[2] === undefined) throw new Error(`${binary} was not built with ${module}`);
  return found[2].replace(/^v/, "");
}
