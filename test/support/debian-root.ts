import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** Packages of a release, with all that they need. */
export interface DebianPackages {
  /** Part of the directory's name: says what is in it, and which versions where `packages` pins them. */
  readonly name: string;
  readonly suite: string;
  /** As apt-get takes them: `php`, `awscli=2.9.19-*`. */
  readonly packages: readonly string[];
}

/** The two AWS CLIs of version 2 that Debian's releases have: before and after endpoint variables and PKCE. */
export const CLI_2_9 = awsCli("bookworm", "2.9.19");
export const CLI_2_23 = awsCli("trixie", "2.23.6");

/** Another number for another layout: what older code left is made anew. */
const LAYOUT = 1;
const PLACE = resolve("node_modules/.cache/credbroker-clients");
const LIMIT_MS = 10 * 60_000;
/** What a run mounts something on, and where. */
export const MOUNT_POINTS = { home: "home/user", hosts: "etc/hosts", authority: "etc/test-authority.pem" } as const;

function awsCli(suite: string, version: string): DebianPackages & { readonly version: string } {
  return { version, name: `awscli-${version}`, suite, packages: [`awscli=${version}-*`] };
}

/**
 * A directory with packages of a release and all they need, down to libc, to be used with chroot or with its own loader:
 * unpacked from the machine's mirror, nothing installed and no root needed. Made once, then kept below node_modules.
 * What cannot be had is a failure that says what to do, never a reason to skip.
 */
export function debianRoot(wanted: DebianPackages): string {
  const root = join(PLACE, `${wanted.name}-${LAYOUT}`);
  if (existsSync(root)) return root;
  const work = join(PLACE, `making-${wanted.name}-${process.pid}`);
  rmSync(work, { recursive: true, force: true });
  try {
    const archives = download(wanted, work);
    const unpacked = join(work, "root");
    layOut(unpacked);
    for (const archive of archives) unpack(archive, unpacked);
    finish(unpacked);
    // Another run may have been quicker.
    if (!existsSync(root)) renameSync(unpacked, root);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return root;
}

/** All packages of the closure, as files. */
function download({ suite, packages }: DebianPackages, work: string): readonly string[] {
  for (const directory of ["lists/partial", "cache/archives/partial", "state"]) {
    mkdirSync(join(work, directory), { recursive: true });
  }
  writeFileSync(join(work, "sources.list"), `deb ${mirror()} ${suite} main\n`);
  writeFileSync(join(work, "status"), "");
  const settings = {
    "Dir::Etc::sourcelist": join(work, "sources.list"),
    "Dir::Etc::sourceparts": "-",
    "Dir::State": join(work, "state"),
    "Dir::State::lists": join(work, "lists"),
    "Dir::State::status": join(work, "status"),
    "Dir::Cache": join(work, "cache"),
    "APT::Sandbox::User": "root",
    "Debug::NoLocking": "true",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  run(["apt-get", ...options, "--quiet", "update"], `Debian's ${suite} must be had from the machine's mirror`);
  const install = ["install", "--yes", "--download-only", "--no-install-recommends", ...packages];
  run(["apt-get", ...options, "--quiet", ...install], `not all are in ${suite}: move the pins to what is`);
  const archives = join(work, "cache", "archives");
  return readdirSync(archives)
    .filter((name) => name.endsWith(".deb"))
    .map((name) => join(archives, name));
}

/** Whichever mirror of Debian this machine uses. */
function mirror(): string {
  const hint = "these tests need a machine with Debian's packages: run `apt-get update` as root";
  const known = (): string | undefined => {
    const ask = ["apt-get", "indextargets", "Created-By: Packages", "Origin: Debian", "--format", "$(REPO_URI)"];
    // A security mirror holds updates only.
    const uris = run(ask, hint).split("\n");
    return uris.find((uri) => uri !== "" && !uri.includes("security"));
  };
  const found = known();
  if (found !== undefined) return found;
  // A machine that never fetched its lists knows no mirror yet.
  run(["apt-get", "--quiet", "update"], hint);
  const now = known();
  if (now === undefined) throw new Error(hint);
  return now;
}

/** /bin and the like lead into /usr, as on every merged Debian; packages must find them so. */
function layOut(root: string): void {
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    mkdirSync(join(root, "usr", name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
}

function unpack(archive: string, root: string): void {
  const script =
    'dpkg-deb --fsys-tarfile "$1" | tar --extract --keep-directory-symlink --no-same-owner --directory "$2"';
  run(["bash", "-o", "pipefail", "-c", script, "bash", archive, root], "dpkg-deb and tar are needed");
}

function finish(root: string): void {
  for (const directory of ["dev", "tmp", MOUNT_POINTS.home]) mkdirSync(join(root, directory), { recursive: true });
  for (const file of [MOUNT_POINTS.hosts, MOUNT_POINTS.authority, "dev/null", "dev/urandom"]) {
    writeFileSync(join(root, file), "");
  }
  // Names come from the hosts file alone: nothing here may ask a name server.
  writeFileSync(join(root, "etc/nsswitch.conf"), "hosts: files\npasswd: files\n");
}

function run(command: readonly string[], hint: string): string {
  const [program = "", ...args] = command;
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", timeout: LIMIT_MS });
  if (status === 0) return stdout;
  throw new Error(`\`${command.join(" ")}\` failed: ${error?.message ?? `${stdout}${stderr}`.trim()}\n${hint}`);
}
