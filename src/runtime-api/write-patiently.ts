import type { Writable } from "node:stream";

/**
 * Writes and waits until the stream wants more, so that what passes through us never piles up here. A reader that has
 * gone (`| head`) is no failure: the chunk is let go.
 */
export async function writePatiently(stream: Writable, chunk: Buffer): Promise<void> {
  if (!stream.writable || stream.destroyed || stream.write(chunk)) return;
  await new Promise<void>((resolve) => {
    const go = (): void => {
      for (const event of WAKING) stream.off(event, go);
      resolve();
    };
    for (const event of WAKING) stream.once(event, go);
  });
}

const WAKING = ["drain", "close", "error"] as const;
