import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { CLI_2_9, type DebianPackages, debianRoot } from "../../support/debian-root.js";
import { type MatrixClient, type MatrixRow, matrixProgram } from "../client.js";
import { OLD_RELEASE } from "./python.js";

/** The newest of Debian, which moves: the table says which version it was. */
const NEWEST = "forky";
const CLI = { name: `awscli-${NEWEST}`, suite: NEWEST, packages: ["awscli"] } as const;
const RUBY = { name: `ruby-${NEWEST}`, suite: NEWEST, packages: ["ruby", "ruby-aws-sdk-core"] } as const;
const OLD_RUBY = { name: "ruby-bookworm", suite: "bookworm", packages: RUBY.packages } as const;
const PHP = { name: `php-${NEWEST}`, suite: NEWEST, packages: ["php-cli", "php-xml", "php-async-aws-core"] } as const;
const OLD_PHP = { name: "php-bookworm", suite: "bookworm", packages: PHP.packages } as const;

const IDENTITY = ["sts", "get-caller-identity"];
/** Asks again each second, 40 times. */
const WAIT = ["iam", "wait", "instance-profile-exists", "--instance-profile-name", "missing"];

export const DEBIAN: readonly MatrixRow[] = [
  fromDebian(CLI, "awscli", {
    name: "AWS CLI v2",
    family: "AWS CLI v2",
    identity: () => awsCli(CLI, IDENTITY),
    loop: () => awsCli(CLI, WAIT),
  }),
  fromDebian(CLI_2_9, "awscli", {
    name: "AWS CLI v2, old",
    family: "AWS CLI v2",
    notForetold: OLD_RELEASE,
    identity: () => awsCli(CLI_2_9, IDENTITY),
    loop: () => awsCli(CLI_2_9, WAIT),
  }),
  fromDebian(RUBY, "ruby-aws-sdk-core", {
    name: "Ruby SDK",
    family: "Ruby",
    identity: () => ruby(RUBY),
    loop: (seconds) => [...ruby(RUBY), String(seconds)],
  }),
  fromDebian(OLD_RUBY, "ruby-aws-sdk-core", {
    name: "Ruby SDK, old",
    family: null, // doctor speaks of releases that know the variable
    knownFailures: [
      {
        columns: ["env: *", "exec: *", "as url", "as header", "as token-file", "use", "rotation"],
        gets: "–",
        why: "it does not know `AWS_CONTAINER_CREDENTIALS_FULL_URI`, and never asks",
        workaround: "a newer `aws-sdk-core`, or `exec --as static`",
      },
    ],
    identity: () => ruby(OLD_RUBY),
    loop: (seconds) => [...ruby(OLD_RUBY), String(seconds)],
  }),
  fromDebian(PHP, "php-async-aws-core", {
    name: "async-aws (PHP)",
    family: "async-aws",
    as: "url",
    knownFailures: [
      {
        columns: ["as header"],
        gets: "uns",
        why: "it does not know `AWS_CONTAINER_AUTHORIZATION_TOKEN`, and goes on unsigned when it is refused",
        workaround: "`exec --as url` or `--as token-file`",
      },
    ],
    identity: () => php(PHP),
    loop: (seconds) => [...php(PHP), String(seconds)],
  }),
  fromDebian(OLD_PHP, "php-async-aws-core", {
    name: "async-aws (PHP), old",
    family: null, // doctor speaks of releases that know the variable
    as: "url",
    knownFailures: [
      {
        columns: ["env: *", "exec: *", "as url", "as header", "as token-file", "use", "rotation"],
        gets: "uns",
        why: "it does not know `AWS_CONTAINER_CREDENTIALS_FULL_URI`, and goes on unsigned",
        workaround: "a newer `async-aws/core`, or `exec --as static`",
      },
    ],
    identity: () => php(OLD_PHP),
    loop: (seconds) => [...php(OLD_PHP), String(seconds)],
  }),
];

function fromDebian(
  packages: DebianPackages,
  versionOf: string,
  part: Omit<MatrixClient, "light" | "prepare" | "version">,
): MatrixClient {
  return {
    ...{ light: true, ...part },
    prepare: () => void debianRoot(packages),
    version: () => debianVersion(debianRoot(packages), versionOf),
  };
}

/** As its changelog says: what is unpacked is on no list of installed packages. */
function debianVersion(root: string, name: string): string {
  const changelog = gunzipSync(readFileSync(join(root, "usr/share/doc", name, "changelog.Debian.gz"))).toString();
  const [, version = "unknown"] = /\((?:\d+:)?([^)-]+)/.exec(changelog) ?? [];
  return version;
}

/** With the libraries of its own release, without a chroot: the user's files are where they are. */
function programIn(root: string, path: string): readonly string[] {
  const libraries = ["usr/lib/x86_64-linux-gnu", "usr/lib"].map((directory) => join(root, directory)).join(":");
  return [join(root, "lib64/ld-linux-x86-64.so.2"), "--library-path", libraries, join(root, path)];
}

function awsCli(packages: DebianPackages, words: readonly string[]): readonly string[] {
  const root = debianRoot(packages);
  const python = programIn(root, "usr/bin/python3");
  // The old one does not know AWS_ENDPOINT_URL.
  const script = 'exec "$@" --endpoint-url "$AWS_ENDPOINT_URL"';
  const home = `PYTHONHOME=${join(root, "usr")}`;
  return ["/usr/bin/env", home, "/bin/sh", "-c", script, "sh", ...python, join(root, "usr/bin/aws"), ...words];
}

function ruby(packages: DebianPackages): readonly string[] {
  const root = debianRoot(packages);
  const library = join(root, "usr/lib/ruby");
  const [release = ""] = readdirSync(library).filter((name) => /^\d/.test(name));
  const native = join(root, "usr/lib/x86_64-linux-gnu/ruby");
  const places = [
    ...[join(library, "vendor_ruby"), join(library, release)],
    ...[join(native, release), join(native, "vendor_ruby", release)],
    ...[join(root, "usr/share/rubygems-integration/all/gems"), join(library, "gems", release, "gems")].flatMap(libsOf),
  ];
  const [, version = ""] = /^(\d+\.\d+)/.exec(release) ?? [];
  return [...programIn(root, `usr/bin/ruby${version}`), "-I", places.join(":"), matrixProgram("identity.rb")];
}

function libsOf(gems: string): readonly string[] {
  return readdirSync(gems).map((gem) => join(gems, gem, "lib"));
}

function php(packages: DebianPackages): readonly string[] {
  const root = debianRoot(packages);
  const [program = ""] = readdirSync(join(root, "usr/bin")).filter((name) => /^php\d/.test(name));
  const [extensions = ""] = readdirSync(join(root, "usr/lib/php")).filter((name) => /^\d{8}$/.test(name));
  const settings = {
    extension_dir: join(root, "usr/lib/php", extensions),
    include_path: join(root, "usr/share/php"),
  };
  const loaded = ["xml", "simplexml"].flatMap((name) => ["-d", `extension=${name}.so`]);
  const options = Object.entries(settings).flatMap(([name, value]) => ["-d", `${name}=${value}`]);
  return [...programIn(root, `usr/bin/${program}`), "-n", ...options, ...loaded, matrixProgram("identity.php")];
}
