import { prepareMotoVenv } from "../../../scripts/moto-venv.js";
import { program } from "../../clients/aws-clients.js";
import { inVenv } from "../../support/venv.js";
import { type MatrixClient, type MatrixRow, matrixProgram } from "../client.js";
import { packageVersion, prepareVenv, venvProgram } from "../venvs.js";

/** Of `.venv`, which the other suites use, too. */
const NEWEST = { prepare: prepareMotoVenv, python: () => inVenv("python") } as const;
const OLD = inVenvOf("old");
const DATA = inVenvOf("data");
const SAM = inVenvOf("sam");
const MCP = inVenvOf("mcp");

/** `aws iam wait` is the one command of the AWS CLI that asks again and again: here 40 times, for a user who never comes. */
const WAIT = ["iam", "wait", "instance-profile-exists", "--instance-profile-name", "missing"];
const IDENTITY = ["sts", "get-caller-identity"];
/** By each client of S3 that reads no file of ~/.aws and the token from a file only. */
const TOKEN_FILE_ONLY = {
  columns: ["as url", "as header"],
  gets: "–",
  why: "`object_store` reads the token from a file only",
  workaround: "`exec --as token-file`, `env --as token-file`",
} as const;

/** Of releases from before it and before AWS_ENDPOINT_URL. */
export const OLD_RELEASE = [
  { homes: ["aws login"], why: "this release does not know `login_session`, and goes on to the lease" },
  { homes: ["role"], why: "its AssumeRole goes to AWS itself, since it does not know AWS_ENDPOINT_URL" },
] as const;

export const PYTHON: readonly MatrixRow[] = [
  row(NEWEST, "awscli", {
    name: "AWS CLI v1",
    family: "botocore",
    identity: () => [inVenv("aws"), ...IDENTITY],
    loop: () => [inVenv("aws"), ...WAIT],
  }),
  row(OLD, "awscli", {
    name: "AWS CLI v1, old",
    family: "botocore",
    notForetold: OLD_RELEASE,
    // AWS_ENDPOINT_URL is newer than it.
    identity: () => oldCli(IDENTITY),
    loop: () => oldCli(WAIT),
  }),
  row(NEWEST, "boto3", {
    name: "boto3",
    family: "botocore",
    identity: () => [inVenv("python"), program("identity.py")],
    loop: (seconds) => [inVenv("python"), program("identity.py"), String(seconds)],
  }),
  row(OLD, "boto3", {
    name: "boto3, old",
    family: "botocore",
    notForetold: OLD_RELEASE,
    identity: () => [OLD.python(), program("identity.py")],
    loop: (seconds) => [OLD.python(), program("identity.py"), String(seconds)],
  }),
  row(SAM, "aws-sam-cli", {
    name: "SAM CLI",
    slow: true,
    family: "botocore",
    env: { SAM_CLI_TELEMETRY: "0" },
    // It asks CloudFormation for a stack that is not there: it fails, but signs first.
    identity: () => [venvProgram("sam", "sam"), "list", "stack-outputs", "--stack-name", "nothing"],
  }),
  row(MCP, "awslabs.iam-mcp-server", {
    name: "MCP server (awslabs.iam-mcp-server)",
    slow: true,
    family: "botocore",
    identity: () => [MCP.python(), matrixProgram("mcp.py")],
    loop: (seconds) => [MCP.python(), matrixProgram("mcp.py"), String(seconds)],
  }),
  objectStore("obstore", { name: "obstore", family: "object_store" }),
  objectStore("polars", {
    name: "Polars",
    family: "Polars",
    knownFailures: [
      TOKEN_FILE_ONLY,
      {
        columns: ["*: default keys"],
        gets: "U",
        why: "it reads `~/.aws/credentials` by itself, whatever the variables say",
        workaround: "`storage_options` from `polars.CredentialProviderAWS()`, which works in every form",
      },
    ],
  }),
  objectStore("deltalake", { name: "delta-rs", family: "object_store" }),
  s3("minio", { name: "minio-py", family: null }),
];

type Part = Omit<MatrixClient, "light" | "prepare" | "version">;

interface Venv {
  readonly prepare: () => void;
  readonly python: () => string;
}

function inVenvOf(name: string): Venv {
  return { prepare: () => prepareVenv(name), python: () => venvProgram(name, "python") };
}

function row({ prepare, python }: Venv, packageName: string, part: Part): MatrixClient {
  return { ...part, light: true, prepare, version: () => packageVersion(python(), packageName) };
}

/** Its name in programs/s3.py is its package's. */
function s3(packageName: string, part: Omit<Part, "identity" | "loop">): MatrixClient {
  const command = (...words: readonly string[]): readonly string[] => [
    DATA.python(),
    matrixProgram("s3.py"),
    packageName,
    ...words,
  ];
  return row(DATA, packageName, { ...part, identity: () => command(), loop: (seconds) => command(String(seconds)) });
}

function objectStore(packageName: string, part: Omit<Part, "identity" | "loop">): MatrixClient {
  return s3(packageName, { as: "token-file", knownFailures: [TOKEN_FILE_ONLY], ...part });
}

function oldCli(words: readonly string[]): readonly string[] {
  const script = 'exec "$0" -m awscli "$@" --endpoint-url "$AWS_ENDPOINT_URL"';
  return ["/bin/sh", "-c", script, OLD.python(), ...words];
}
