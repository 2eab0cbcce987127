import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";

/** design §5: everything is re-planned this often on the wall clock, whatever the timers did. */
const SWEEP_MS = 15_000;
/** More than this beside the plan is a suspend or a set clock, not a busy machine. */
const JUMP_MS = 30_000;

export interface SweepOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** `jumpedMs`: how far the wall clock moved beside the time that passed (suspend, NTP); 0 in ordinary times. */
  readonly sweep: (jumpedMs: number) => Promise<void>;
}

/** Runs `sweep` every 15 s until the returned function is called; a failing sweep is logged, the next one comes. */
export function startSweeping({ clock, logger, sweep }: SweepOptions): () => void {
  let stopped = false;
  let last = clock.now();
  let cancel = (): void => undefined;
  const tick = async (): Promise<void> => {
    const passed = clock.now() - last;
    last = clock.now();
    const beside = passed - SWEEP_MS;
    const jumpedMs = Math.abs(beside) > JUMP_MS ? beside : 0;
    if (jumpedMs !== 0) logger.info({ jumpedMs }, "wall clock jumped");
    await sweep(jumpedMs).catch((error: unknown) => logger.error({ err: error }, "sweep failed"));
    plan();
  };
  const plan = (): void => {
    if (!stopped) cancel = clock.after(SWEEP_MS, () => void tick());
  };
  plan();
  return () => {
    stopped = true;
    cancel();
  };
}
