import { serveHandler } from "./runtime-api/node-client/serve-handler.js";
import { SystemClock } from "./system/clock.js";

/** Node's own handle, as far as it is needed here. */
interface WithHandle {
  readonly _handle?: { readonly setBlocking?: (blocking: boolean) => void };
}

/**
 * The runtime interface client of Node functions: `node lambda-bootstrap.mjs FILE.EXPORT [tsx|ESBUILD]`, in the directory of the function's
 * code, with `AWS_LAMBDA_RUNTIME_API` set. The function's code runs in this very process, as it does in Lambda.
 */
const { argv, env } = process;
// A pipe is written to in the background otherwise: what a handler printed last would be lost when it exits or is ended.
for (const stream of [process.stdout, process.stderr] as WithHandle[]) stream._handle?.setBlocking?.(true);

// A wrapper (AWS_LAMBDA_EXEC_WRAPPER) says another one by the variable.
const handler = env["_HANDLER"] ?? argv[2];
const runtimeApi = env["AWS_LAMBDA_RUNTIME_API"];
if (handler === undefined || runtimeApi === undefined) {
  process.stderr.write("lambda-bootstrap: needs a handler (FILE.EXPORT) and AWS_LAMBDA_RUNTIME_API\n");
  process.exitCode = 1;
} else {
  const taskRoot = env["LAMBDA_TASK_ROOT"] ?? process.cwd();
  const exit = (code: number): void => process.exit(code);
  await serveHandler({ handler, typescript: argv[3], taskRoot, runtimeApi, env, exit, clock: new SystemClock() });
}
