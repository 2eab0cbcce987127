import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import type { BrokerPaths } from "../system/paths.js";
import type { InheritedSockets } from "../system/socket-activation.js";

/** Everything a daemon takes from outside; the entry fills it from the process, tests by hand. */
export interface DaemonOptions {
  readonly paths: BrokerPaths;
  /** Cleaned (system/clean-environment). */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Begins a new log file; undefined: the log is a stream. */
  readonly rotateLog?: (() => Promise<void>) | undefined;
  /** 0 ≤ x < 1, for jitter. */
  readonly random: () => number;
  readonly version: string;
  readonly pid: number;
  /** For `{user}` and `{host}` in role_session_name. */
  readonly user: string;
  readonly host: string;
  /** How the keychain child is started. */
  readonly keychainChild: { readonly nodePath: string; readonly scriptPath: string };
  /** Stays up without a valid config, and serves around bad entries of it (`degraded`); a foreground daemon gives up instead. */
  readonly supervised: boolean;
  /** The unit that started us takes from our programs what they may need: right only while there are none. */
  readonly hardened?: boolean;
  /** Sockets that a service manager holds for us: the port is theirs, whatever the config says. */
  readonly inherited?: InheritedSockets | undefined;
  /** Epoch milliseconds: when who starts us began to want that; a `brokerctl stop` after it keeps us from starting. */
  readonly wantedSince?: number | undefined;
  /** `brokerctl stop` was asked for. */
  readonly onStopRequested: () => void;
}
