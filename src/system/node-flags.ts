/**
 * How the Node of brokerd is started, everywhere: by `brokerctl start`, the units, the LaunchAgent, and bin/brokerd (a test
 * compares). No prototype is reached by `__proto__`, no text becomes code.
 */
export const DAEMON_NODE_FLAGS = ["--disable-proto=throw", "--disallow-code-generation-from-strings"] as const;

/** With those that not every Node knows, for one that runs now: `known` is its own. */
export function daemonNodeFlags(known: ReadonlySet<string> = process.allowedNodeEnvironmentFlags): readonly string[] {
  const noDebugger = "--disable-sigusr1";
  return known.has(noDebugger) ? [noDebugger, ...DAEMON_NODE_FLAGS] : DAEMON_NODE_FLAGS;
}
