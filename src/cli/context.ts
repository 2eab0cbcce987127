import type { Readable, Writable } from "node:stream";
import type { ControlClient } from "../control-api/client.js";
import type { Clock } from "../system/clock.js";
import type { BrokerPaths } from "../system/paths.js";
import type { Supervisor, ToolRun } from "../system/service/supervisor.js";
import type { SpawnedDaemon } from "../system/spawn-daemon.js";
import type { OwnTerminal } from "./guard/terminal.js";
import type { Output } from "./terminal/output.js";
import type { Prompts } from "./terminal/prompts.js";
import type { TextStream } from "./terminal/screen.js";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The process and machine as a command meets them; the entry gives the real ones, tests their own. */
export interface CliHost {
  readonly version: string;
  readonly env: Environment;
  /** Throws `UsageInvalid` where that directory has been removed. */
  readonly cwd: () => string;
  readonly pid: number;
  readonly homeDir: string;
  /** Node and the script that run now. */
  readonly files: { readonly node: string; readonly brokerctl: string };
  readonly clock: Clock;
  readonly stdinIsTTY: boolean;
  /** Opened when first read: a command that is run in our place reads it instead. */
  readonly stdin: () => Readable;
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  /** The same two for what passes through us: bytes, and as fast as their readers read. */
  readonly streams: () => { readonly stdout: Writable; readonly stderr: Writable };
  /** What is written is read to its end now; the process goes on. */
  readonly endStdout: () => void;
  readonly prompts: Prompts;
  /** The terminal that this process has, whatever its standard streams are; undefined: none. To be closed. */
  readonly openTerminal: () => Promise<OwnTerminal | undefined>;
  /** Throws where no valid place can be named. */
  readonly paths: () => BrokerPaths;
  /** Never starts a daemon. `as`: for another lease than that of our variables. */
  readonly connect: (as?: { readonly leaseToken: string }) => Promise<ControlClient>;
  /** When this process began, by the clock (epoch milliseconds). */
  readonly startedAt: () => number;
  /** Starts brokerd in the background; does not wait for it. It ends by itself where brokerd was stopped after `wantedSince`. */
  readonly launchDaemon: (wantedSince: number) => Promise<SpawnedDaemon>;
  /** Runs brokerd to its end, for what it does without serving. Never rejects. */
  readonly runBrokerd: (args: readonly string[]) => Promise<ToolRun>;
  /** What this platform has to start brokerd at login; undefined: nothing that we know. */
  readonly supervisor: () => Promise<Supervisor | undefined>;
  /** False: there is none that holds the control socket of a home. A look, where the supervisor itself takes long to load. */
  readonly mayBeHeld: () => boolean;
}

/** All that a command may touch. */
export interface CliContext extends CliHost {
  readonly output: Output;
  /** Starts the daemon when it is not running (unless CREDBROKER_NO_AUTOSTART=1). */
  readonly client: ControlClient;
  /** For `status`, `stop`, `logs`: takes the daemon as it is. */
  readonly quietClient: ControlClient;
  /** The user can be asked: stdin and stderr are terminals. */
  readonly interactive: boolean;
}
