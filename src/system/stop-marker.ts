import { join } from "node:path";
import { BrokerError } from "../core/errors.js";
import { NodeFileSystem, writeFileAtomic } from "../files/atomic-file.js";
import { readAtOnce } from "../files/read-small-file.js";

/**
 * When `brokerctl stop` last ran, so that what began before it does not bring the daemon back after it has said that it
 * stopped: a command that waits for a socket, a daemon that is still being loaded.
 */
export async function markStopped(stateDir: string, now: number): Promise<void> {
  await writeFileAtomic(new NodeFileSystem(), markerIn(stateDir), Buffer.from(`${now}\n`));
}

/** Both in epoch milliseconds: when what may not outlive a stop began, and what the clock says now. */
export interface Wish {
  readonly since: number;
  readonly now: number;
}

/**
 * Throws `DaemonUnreachable` where brokerd was stopped after it was asked for. A marker from the future says that
 * the clock was set back: it is ignored, or nothing could start until then.
 */
export function refuseIfStopped(stateDir: string, { since, now }: Wish): void {
  const stoppedAt = readMarker(markerIn(stateDir));
  if (!(stoppedAt > since && stoppedAt <= now)) return;
  throw new BrokerError("DaemonUnreachable", "brokerd was stopped after this command had begun, and stays so", {
    hint: "brokerctl start",
  });
}

function markerIn(stateDir: string): string {
  return join(stateDir, "stopped-at");
}

/** NaN: there is none, or none that can be read; an unreadable marker keeps no command from starting brokerd. */
function readMarker(path: string): number {
  try {
    return Number.parseInt(readAtOnce(path), 10);
  } catch {
    return Number.NaN;
  }
}
