import type { Writable } from "node:stream";
import { hasErrno } from "./system-error.js";

/**
 * A terminal or pipe that is gone must not end the process: without a listener the first write to it throws `EPIPE`
 * as an uncaught exception. `onClosed` hears of it once, e.g. for a program whose reader (`head`) has enough.
 */
export function guardStandardStreams(
  streams: readonly Writable[] = [process.stdout, process.stderr],
  onClosed: () => void = () => undefined,
): void {
  let told = false;
  for (const stream of streams) {
    stream.on("error", (error) => {
      if (told || !hasErrno(error, "EPIPE", "EIO", "ERR_STREAM_DESTROYED")) return;
      told = true;
      onClosed();
    });
  }
}
