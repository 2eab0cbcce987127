import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import type { Outcome } from "./broker.js";
import { tempDir } from "./temp-dir.js";

const ROOT = resolve(".");

/** A registry that does not answer fails the test, and does not hang it. */
const LIMIT_MS = 150_000;
/** How this machine reaches the registry, and what was downloaded already: npm finds it in files that HOME and prefix hide. */
const NPM_SETTINGS = ["cache", "registry", "cafile", "proxy", "https-proxy", "noproxy"];
const NETWORK = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"];

/** `npm pack` of this source, under another version where one is given. */
export function pack(version?: string): string {
  const source = version === undefined ? ROOT : copyOfPackage(version);
  const target = tempDir("tarball", "input");
  const [packed] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", target], {
      cwd: source,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }),
  ) as [{ readonly filename: string }];
  return join(target, packed.filename);
}

export interface Checkout {
  readonly umask: string;
  readonly TZ: string;
  /** When every file was changed last; absent: now. */
  readonly touched?: Date;
}

/** The hash of what `npm pack` makes, with its scripts and without a launcher, of a clean checkout at `directory`. */
export function packCheckout(directory: string, { umask, TZ, touched }: Checkout): string {
  const tracked = execFileSync("git", ["ls-files", "-z"], { encoding: "utf8" }).split("\0");
  for (const name of tracked.filter((name) => name !== "" && existsSync(join(ROOT, name)))) {
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
    if (touched) utimesSync(join(directory, name), touched, touched);
  }
  symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
  const shell = `umask ${umask}; exec npm pack --json --pack-destination .`;
  const printed = execFileSync("sh", ["-c", shell], {
    ...{ cwd: directory, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
    // Without Zig, which would compile its libraries for a quarter of an hour: what it builds is compared by itself.
    env: { ...process.env, TZ, ZIG: undefined, CI: undefined },
  });
  const [packed] = JSON.parse(printed.slice(printed.indexOf("["))) as [{ readonly integrity: string }];
  return packed.integrity;
}

/** The files that `npm pack` takes, and package.json with the version. */
function copyOfPackage(version: string): string {
  const directory = tempDir("source", "input");
  const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    readonly files: readonly string[];
  };
  for (const name of manifest.files.filter((name) => !name.startsWith("!"))) {
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  }
  writeFileSync(join(directory, "package.json"), JSON.stringify({ ...manifest, version }, null, 2));
  return directory;
}

/** PATH of a machine with Node, npm and a POSIX system, and without any compiler, make or Python. */
export function pathWithoutCompilers(): string {
  const directory = tempDir("path", "input");
  const node = dirname(process.execPath);
  const tools = [
    "sh",
    "env",
    "dirname",
    "basename",
    "sed",
    "mkdir",
    "cat",
    "ls",
    "rm",
    "uname",
    "readlink",
    "tty",
    "stty",
  ];
  for (const tool of tools) {
    const found = which(tool);
    if (found !== undefined) symlinkSync(found, join(directory, tool));
  }
  for (const tool of ["node", "npm"]) symlinkSync(realpathSync(join(node, tool)), join(directory, tool));
  return directory;
}

export interface NpmOptions {
  readonly path?: string;
  readonly home?: string;
}

/** Runs a program with npm's settings and otherwise nothing of this machine's user. */
export function runBare(command: readonly string[], { path, home }: NpmOptions = {}): Outcome {
  const [file = "", ...args] = command;
  const env = {
    PATH: path ?? process.env["PATH"] ?? "",
    HOME: home ?? tempDir("npm-home", "input"),
    ...registrySettings(),
  };
  const limits = { cwd: ROOT, encoding: "utf8", timeout: LIMIT_MS, killSignal: "SIGKILL" } as const;
  const { status, signal, stdout, stderr } = spawnSync(file, args, { env, ...limits });
  return { code: status, signal, stdout, stderr };
}

/** Installs a tarball globally below a fresh prefix, or the one given, and returns that. */
export function installPacked(tarball: string, prefix = tempDir("prefix", "input")): string {
  const { code, stderr } = runBare(npmInstallCommand(prefix, tarball));
  if (code !== 0) throw new Error(`npm install failed:\n${stderr}`);
  return prefix;
}

export function npmInstallCommand(prefix: string, tarball: string): readonly string[] {
  return ["npm", "install", "--global", "--prefix", prefix, "--ignore-scripts", "--no-audit", "--no-fund", tarball];
}

/** Paths of all files below a directory, relative to it. */
export function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

/** A directory of the package inside a prefix. */
export function packageIn(prefix: string): string {
  return join(prefix, "lib", "node_modules", "credbroker");
}

let way: Readonly<Record<string, string>> | undefined;

/** How npm reaches the registry here, as variables; its cache is this machine's. */
export function registrySettings(): Readonly<Record<string, string>> {
  if (way) return way;
  const shown = execFileSync("npm", ["config", "ls", "--long", "--json"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const settings = JSON.parse(shown) as Readonly<Record<string, unknown>>;
  const ofNpm = NPM_SETTINGS.map((name) => [`npm_config_${name.replaceAll("-", "_")}`, settings[name]] as const);
  const ofShell = NETWORK.flatMap((name) => [name, name.toLowerCase()]).map(
    (name) => [name, process.env[name]] as const,
  );
  const ofTests = [
    ["npm_config_update_notifier", "false"],
    // What was downloaded already is not asked for again: the lists of 125 packages take longer than all the rest.
    ["npm_config_prefer_offline", "true"],
  ] as const;
  way = Object.fromEntries(
    [...ofNpm, ...ofShell, ...ofTests].filter(
      (pair): pair is [string, string] => typeof pair[1] === "string" && pair[1] !== "",
    ),
  );
  return way;
}

function which(tool: string): string | undefined {
  const directories = (process.env["PATH"] ?? "").split(delimiter);
  return directories.map((directory) => join(directory, tool)).find((path) => existsSync(path));
}
