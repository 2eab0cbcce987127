import type { Writable } from "node:stream";
import { hasErrno } from "../core/errno.js";

export interface StreamEnds {
  /** The terminal or the reader of the pipe is gone, e.g. `head` has enough. Called once. */
  readonly onClosed?: () => void;
  /** Anything else, such as a full disk: what was written is lost. Called once. */
  readonly onFailed?: (error: Error) => void;
}

/**
 * A terminal or pipe that is gone must not end the process: without a listener the first write to it throws `EPIPE`
 * as an uncaught exception.
 */
export function guardStandardStreams(
  streams: readonly Writable[] = [process.stdout, process.stderr],
  { onClosed, onFailed }: StreamEnds = {},
): void {
  let told = false;
  for (const stream of streams) {
    stream.on("error", (error) => {
      if (told) return;
      told = true;
      if (hasErrno(error, "EPIPE", "EIO", "ERR_STREAM_DESTROYED")) onClosed?.();
      else onFailed?.(error);
    });
  }
}
