#!/usr/bin/env node
import { readFileSync } from "node:fs";

/**
 * The entry of the command line: the only place of it that reads the process's arguments and environment, and that ends
 * it. `--version` is answered before anything else is loaded.
 */
const SIGNAL_PATIENCE_MS = 200;
/** What shells add to the number of the signal that ended a command. */
const SIGNAL_BASE = 128;

const argv = process.argv.slice(2);
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  readonly version: string;
};
if (argv.length === 1 && argv[0] === "--version") process.stdout.write(`brokerctl ${version}\n`);
else await main();

async function main(): Promise<void> {
  const [{ runCli }, { realSurroundings }] = await Promise.all([
    import("./cli/cli.js"),
    import("./cli/real-surroundings.js"),
  ]);
  const daemonScript = new URL("./brokerd.js", import.meta.url);
  const onReaderGone = (): never => process.exit(0);
  const onOutputLost = (reason: string): never => {
    process.stderr.write(`brokerctl: error: cannot write the output: ${reason}\n`);
    process.exit(1);
  };
  const world = realSurroundings({ process, env: process.env, version, daemonScript, onReaderGone, onOutputLost });
  const outcome = await runCli(argv, world);
  if (typeof outcome === "number") process.exitCode = outcome;
  else await dieBy(outcome.signal);
}

/** As the child died: a shell then knows that Ctrl-C was meant for it as well. */
async function dieBy(signal: NodeJS.Signals): Promise<void> {
  const { constants } = await import("node:os");
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // Still here: whoever started us has it ignored (nohup).
  setTimeout(() => process.exit(SIGNAL_BASE + constants.signals[signal]), SIGNAL_PATIENCE_MS);
}
