import { Collected, run } from "../support/invoke-locally.js";

/** Runs a function that hangs, in the directory given, and exits in the middle of it. */
const logs = new Collected();
const script =
  "echo $$ > self; curl -s -o /dev/null http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next; echo taken; sleep 3600";
void run({ command: ["bash", "-c", script], cwd: process.argv[2] ?? ".", logs });
await logs.holds("taken");
process.exit(3);
