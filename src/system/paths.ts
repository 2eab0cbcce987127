import { statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";

/** Where the files of one installation are (docs/install.md). All absolute. */
export interface BrokerPaths {
  /** What holds all the others, where one directory does: CREDBROKER_HOME, or ours on macOS. */
  readonly home?: string;
  readonly configFile: string;
  /** 0700: sealed files, leases, lock, log, markers. */
  readonly stateDir: string;
  /** 0700: the control socket. */
  readonly runtimeDir: string;
  /** At most 103 bytes. */
  readonly controlSocket: string;
  readonly logFile: string;
}

export interface PathInputs {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly homeDir: string;
  readonly uid: number;
  /** Whether a directory of this user exists there; asked for `/run/user/UID` only. */
  readonly isOwnDirectory?: (path: string, uid: number) => boolean;
}

/** sun_path of macOS is 104 bytes with its final NUL; beyond it Node 20 and 22 listen on a cut name, silently. */
const MAX_SOCKET_PATH_BYTES = 103;

export function resolvePaths(inputs: PathInputs): BrokerPaths {
  const { home, configDir, stateDir, runtimeDir } = directoriesOf(inputs);
  const controlSocket = join(runtimeDir, "control.sock");
  checkSocketPath(controlSocket);
  return {
    ...(home !== undefined && { home }),
    configFile: join(configDir, "config.yaml"),
    stateDir,
    runtimeDir,
    controlSocket,
    logFile: join(stateDir, "brokerd.log"),
  };
}

interface Directories {
  readonly home?: string;
  readonly configDir: string;
  readonly stateDir: string;
  readonly runtimeDir: string;
}

function directoriesOf(inputs: PathInputs): Directories {
  const { env, platform } = inputs;
  if (env["CREDBROKER_HOME"]) return under(checkAbsolute("CREDBROKER_HOME", env["CREDBROKER_HOME"]));
  if (inputs.homeDir === "") throw noHome();
  const home = checkAbsolute("the home directory", inputs.homeDir);
  if (platform === "darwin") return under(join(home, "Library", "Application Support", "credbroker"));
  return xdgDirectories(home, inputs);
}

/** Of this user; empty where neither HOME nor the system's list of users names one. */
export function homeDirectory(): string {
  try {
    return homedir();
  } catch {
    return "";
  }
}

function noHome(): BrokerError {
  return new BrokerError("UsageInvalid", "this user has no home directory: HOME is not set, or empty", {
    hint: "export HOME=/home/you, or CREDBROKER_HOME=DIR",
  });
}

function under(directory: string): Directories {
  return {
    home: directory,
    configDir: directory,
    stateDir: join(directory, "state"),
    runtimeDir: join(directory, "run"),
  };
}

function xdgDirectories(home: string, { env, uid, isOwnDirectory = ownDirectoryExists }: PathInputs): Directories {
  const stateDir = join(xdg(env["XDG_STATE_HOME"]) ?? join(home, ".local", "state"), "credbroker");
  const runtimeBase = runtimeDirectoryOf({ env, uid, isOwnDirectory });
  return {
    configDir: join(xdg(env["XDG_CONFIG_HOME"]) ?? join(home, ".config"), "credbroker"),
    stateDir,
    runtimeDir: runtimeBase === undefined ? join(stateDir, "run") : join(runtimeBase, "credbroker"),
  };
}

/** `XDG_RUNTIME_DIR`; where the shell has none (cron, `ssh host command`, su) that of this user's sessions, if there is one. */
export function runtimeDirectoryOf({
  env,
  uid,
  isOwnDirectory = ownDirectoryExists,
}: Pick<PathInputs, "env" | "uid" | "isOwnDirectory">): string | undefined {
  const ofLogin = `/run/user/${uid}`;
  return xdg(env["XDG_RUNTIME_DIR"]) ?? (isOwnDirectory(ofLogin, uid) ? ofLogin : undefined);
}

/** XDG base directory specification: a relative path is invalid and is to be ignored, an empty one is unset. */
function xdg(value: string | undefined): string | undefined {
  return value !== undefined && isAbsolute(value) ? value : undefined;
}

function checkAbsolute(name: string, path: string): string {
  if (isAbsolute(path)) return path;
  throw new BrokerError("UsageInvalid", `${name} is not an absolute path: ${path}`, {
    hint: `export CREDBROKER_HOME="$PWD"/${shellQuote(path)}`,
  });
}

function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_SOCKET_PATH_BYTES) return;
  throw new BrokerError(
    "UsageInvalid",
    `the path of the control socket has ${bytes} bytes, at most ${MAX_SOCKET_PATH_BYTES} work: ${path}`,
    { hint: "export CREDBROKER_HOME=/a/shorter/directory" },
  );
}

function ownDirectoryExists(path: string, uid: number): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.isDirectory() && found.uid === uid;
}

/** There while the port is known to have been another program's: the next start then makes every lease token anew. */
export function takenPortMarker(stateDir: string): string {
  return join(stateDir, "port-was-taken");
}
