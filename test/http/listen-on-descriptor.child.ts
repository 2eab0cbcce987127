import { toBrokerError } from "../../src/core/errors.js";
import { listenOnDescriptor } from "../../src/http/listen.js";
import { SystemClock } from "../../src/system/clock.js";
import { memoryLogger } from "../support/memory-logger.js";

/** Started by listen.test.ts with a listening socket as descriptor 3. */
const listening = listenOnDescriptor((_request, response) => response.end("from the child"), {
  fd: 3,
  clock: new SystemClock(),
  logger: memoryLogger(),
});
const said = await listening.then(
  () => "listening",
  (error: unknown) => `${toBrokerError(error).code}: ${toBrokerError(error).message}`,
);
process.stdout.write(said);
