import { runAtOnce } from "../support/processes.js";
import { inVenv } from "../support/venv.js";
import { BURST, type MatrixBench } from "./bench.js";
import { matrixHome } from "./homes.js";
import type { MeasuredBurst } from "./results.js";

/** As many `aws --profile` as a script may start; each starts Python, and brokerctl as its `credential_process`. */
const PROGRAMS = 100;
const LIMIT_SECONDS = 500;

/** A user after `profiles sync`, who starts them all at once; one AssumeRole is what they may cost. */
export async function burst(bench: MatrixBench, date: string): Promise<MeasuredBurst> {
  const { directory, env } = matrixHome("default keys");
  const shell = bench.shell({ kind: "empty", directory, env }, "burst");
  const synced = await shell.script("brokerctl profiles sync");
  if (synced.code !== 0) throw new Error(`profiles sync: ${synced.stderr}`);
  const command = [inVenv("aws"), "sts", "get-caller-identity", "--profile", BURST.name];
  const outcomes = await runAtOnce(PROGRAMS, command, { env: shell.env, seconds: LIMIT_SECONDS });
  const right = outcomes.filter(({ code, stdout }) => code === 0 && stdout.includes(BURST.arn));
  for (const { code, stderr } of outcomes) if (code !== 0) process.stderr.write(`aws --profile: ${stderr.trim()}\n`);
  const assumed = bench.callsOf("broker").filter(({ roleArn }) => roleArn === BURST.roleArn);
  return { date, programs: PROGRAMS, failures: PROGRAMS - right.length, upstreamCalls: assumed.length };
}
