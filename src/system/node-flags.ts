/**
 * How the Node of brokerd is started, everywhere: by `brokerctl start`, the units, the LaunchAgent, and bin/brokerd (a test
 * compares). No prototype is reached by `__proto__`. Never `throw` in place of `delete`: Node's own parser reads the header fields
 * of requests and answers by name, outside of every handler, and would end the process. None of V8's own: with another set of
 * them Node compiles its own modules from their source, a fifth of a start; what `--disallow-code-generation-from-strings` did, does
 * `hardenProcess`.
 */
export const DAEMON_NODE_FLAGS = ["--disable-proto=delete"] as const;
/** Of units of an earlier version: they stay allowed. */
export const FORMER_NODE_FLAGS = ["--disallow-code-generation-from-strings"] as const;

/** With those that not every Node knows, for one that runs now: `known` is its own. */
export function daemonNodeFlags(known: ReadonlySet<string> = process.allowedNodeEnvironmentFlags): readonly string[] {
  const noDebugger = "--disable-sigusr1";
  return known.has(noDebugger) ? [noDebugger, ...DAEMON_NODE_FLAGS] : DAEMON_NODE_FLAGS;
}
