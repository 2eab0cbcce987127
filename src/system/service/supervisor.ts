/**
 * What starts brokerd for this user and starts it again when it ends: systemd's user manager, or launchd.
 * One installation a user; it belongs to one home (config and state directory) and is left alone by every other.
 */
export interface Supervisor {
  readonly name: "systemd" | "launchd";
  /** Absolute paths of the files that `install` may write: what `uninstall` names. Needs nothing but the environment. */
  readonly files: readonly string[];
  /** Whose installation there is, from its files alone: cheap, for every command. Never rejects. */
  ownership(): Promise<SupervisorOwnership>;
  /** What is installed and what runs. Never rejects: what cannot be asked stands in `problems`. */
  state(): Promise<SupervisorState>;
  /** Whether it can be reached at all, so that an installation can be offered; absent: it always is. */
  isReachable?(): Promise<boolean>;
  /**
   * Writes the files, or writes them anew, and makes the supervisor take them up. Starts nothing.
   * `NotSupported`: no supervisor can be reached, the hint says what is missing or that `brokerctl start` works without.
   * `Conflict`: files there that are not ours, or another home's. On any failure the files are as they were.
   */
  install(options: SupervisorInstall): Promise<SupervisorInstalled>;
  /** Stops brokerd and its sockets, removes exactly what `install` wrote. `Conflict`: they are not ours. */
  uninstall(): Promise<{ readonly removed: readonly string[] }>;
  /** Holds the sockets, where there are some, and starts brokerd. Does not wait until it answers. */
  start(): Promise<void>;
  /** Stops brokerd and whatever would start it again; a later login starts it anew. Waits until it has ended. */
  stop(): Promise<void>;
  /** Ends brokerd, if it runs, and starts it; sockets stay open all the time. */
  restart(): Promise<void>;
}

/** `foreign`: another home's, or files of that name which we did not write. */
export type SupervisorOwnership = "absent" | "ours" | "foreign";

export interface SupervisorState {
  readonly ownership: SupervisorOwnership;
  /** The config that the installation serves; null: there is none, or none that we wrote. */
  readonly configFile: string | null;
  /** brokerd runs now, started by this supervisor. */
  readonly running: boolean;
  /** The supervisor holds our sockets: connecting to them starts brokerd. Always false with launchd. */
  readonly holdsSockets: boolean;
  /** The namespaces of the drop-in are in force (systemd). */
  readonly confined: boolean;
  /** Who owns the Node that programs of the user cannot read and that the installation runs; null: an ordinary one (systemd). */
  readonly unreadableNode: "root" | "user" | null;
  /** What the installation runs, absolute; empty where there is none of ours. */
  readonly command: readonly string[];
  /** What is wrong with it, each with its fix: programs that are gone, a supervisor that does not answer, units out of date. */
  readonly problems: readonly SupervisorProblem[];
}

export interface SupervisorProblem {
  readonly message: string;
  readonly hint: string;
}

export interface SupervisorInstall {
  /** `endpoint.port` of the config. */
  readonly port: number;
  /** Why brokerd may not be confined further, e.g. "source legacy runs a program"; empty: try it. */
  readonly unconfinedBecause: readonly string[];
  /** Why brokerd is to be run by an ordinary Node; undefined: by one that its user cannot read, where that helps. */
  readonly readableBecause?: string;
  /** The config runs programs by name: they are looked for in this shell's PATH. */
  readonly needsPath: boolean;
}

export interface SupervisorInstalled {
  /** Those that were written; empty: everything was so already. */
  readonly written: readonly string[];
  /** Sockets that are held now are not those of the files: brokerd and they must be stopped and started (systemd). */
  readonly socketsChanged?: boolean;
  /** What the user should know: carried variables, a path that may go away, no drop-in and why. */
  readonly notes: readonly string[];
}

/** What a supervisor is made from: `install` writes it down, `ownership` compares it. */
export interface SupervisorPlace {
  /** Of the shell that runs brokerctl. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDir: string;
  readonly uid: number;
  readonly paths: {
    readonly configFile: string;
    readonly stateDir: string;
    readonly runtimeDir: string;
    readonly controlSocket: string;
    readonly logFile: string;
  };
  /** Node, as it was started, and the brokerd.js beside this brokerctl. */
  readonly nodePath: string;
  readonly scriptPath: string;
  readonly run: RunTool;
}

/**
 * Runs systemctl, launchctl and the like to their end. Never rejects: `code` is null when the program is not there,
 * was killed, or took longer than the limit (30 s unless told); `stderr` then says so.
 */
export type RunTool = (
  file: string,
  args: readonly string[],
  options?: { readonly limitMs?: number },
) => Promise<ToolRun>;

export interface ToolRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
