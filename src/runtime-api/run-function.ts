import type { InvocationOutcome } from "./invocation-outcome.js";
import { Sandbox, type SandboxEvent, type SandboxOptions } from "./sandbox.js";

export type RunFunctionOptions = SandboxOptions & Omit<SandboxEvent, "isKept">;

/**
 * Runs one invocation in a fresh runtime, as a cold start of Lambda does, and ends the runtime with all that it started.
 * Whatever the function does is an outcome; it rejects when the command cannot be run, or when `signal` says so.
 */
export async function runFunction(options: RunFunctionOptions): Promise<InvocationOutcome> {
  const sandbox = new Sandbox(options);
  try {
    return await sandbox.invoke({ ...options, isKept: false });
  } finally {
    await sandbox.close();
  }
}
