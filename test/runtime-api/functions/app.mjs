import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** Does what `event.do` says: the same in every language that the runtime clients are tested in. */
if (process.env.FAIL_INIT) throw new Error("cannot start");

const acts = {
  echo(event, context) {
    globalThis.console.log("this is a log line");
    return {
      event,
      requestId: context.awsRequestId,
      arn: context.invokedFunctionArn,
      functionName: context.functionName,
      remainingMs: context.getRemainingTimeInMillis(),
      traceId: process.env._X_AMZN_TRACE_ID,
    };
  },
  throw({ message }) {
    throw new RangeError(message);
  },
  hang: () => sleep(3_600_000),
  exit: () => process.exit(7),
  print() {
    for (let line = 0; line < 110_000; line++) process.stdout.write(`${"y".repeat(99)}\n`);
    return "printed";
  },
  large: ({ bytes }) => "x".repeat(bytes),
  length: ({ text }) => text.length,
};

export const handler = async (event, context) => acts[event.do](event, context);
