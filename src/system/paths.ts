/** Where everything of one installation lies (interface §1). All absolute. */
export interface BrokerPaths {
  readonly configFile: string;
  /** 0700: sealed files, leases, lock, log, markers. */
  readonly stateDir: string;
  /** 0700: the control socket. */
  readonly runtimeDir: string;
  /** At most 103 bytes. */
  readonly controlSocket: string;
  readonly logFile: string;
}
