import type { AuditRecorder } from "../audit/audit-log.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import type { ProcessTable } from "../system/process-identity.js";
import { changedLeases, type LeaseSnapshot, type Sweep, sweepLeases, withEach } from "./lease-snapshot.js";
import type { LeaseState } from "./lease-state.js";
import { setBack } from "./lease-terms.js";
import type { LeaseTokens } from "./lease-tokens.js";

export interface LeaseUpkeepOptions {
  readonly state: LeaseState;
  readonly tokens: LeaseTokens;
  readonly clock: Clock;
  readonly processes: ProcessTable;
  readonly logger: Logger;
  readonly audit: AuditRecorder | undefined;
}

/** What becomes of leases without a caller: time passes, a process ends, what is only in memory is saved. */
export class LeaseUpkeep {
  readonly #of: LeaseUpkeepOptions;

  constructor(options: LeaseUpkeepOptions) {
    this.#of = options;
  }

  /** Ends what has run out or lost its process, applies fall-backs, saves uses. Never rejects. */
  async sweep(): Promise<void> {
    const { state, tokens, clock, processes } = this.#of;
    if (!state.loaded) return;
    await state.exclusive(async () => {
      const sweep = sweepLeases(state.snapshot, clock.now(), processes);
      if (sweep.snapshot !== state.snapshot || state.writeDue) await this.#saveQuietly(sweep.snapshot);
      this.#report(sweep);
      await tokens.drop(sweep.ended.map(({ lease }) => lease));
    });
  }

  /** No grant lasts longer because the wall clock was set back. Never rejects. */
  async clockSetBack(ms: number): Promise<void> {
    const { state } = this.#of;
    if (!state.loaded) return;
    await state.exclusive(async () => {
      const changed = changedLeases(state.snapshot, (lease) => setBack(lease, ms));
      if (changed.length > 0) await this.#saveQuietly(withEach(state.snapshot, changed));
    });
  }

  /** Saves what is only in memory: last uses, ends whose write failed. */
  async flush(): Promise<void> {
    const { state } = this.#of;
    if (!state.loaded) return;
    await state.exclusive(async () => {
      if (state.writePending) await state.applyThenSave(state.snapshot);
    });
  }

  #report({ ended, endedGrants }: Sweep): void {
    const { logger, audit } = this.#of;
    for (const { lease, why } of ended) {
      logger.info({ lease: lease.id, name: lease.name, why }, "lease ended");
      audit?.record({ event: "lease-ended", outcome: "done", lease, role: lease.role, detail: why });
    }
    for (const { lease, grant } of endedGrants) {
      audit?.record({ event: "grant-ended", outcome: "done", lease, role: grant.role, request: grant.request });
    }
  }

  /** The next sweep tries again. */
  async #saveQuietly(snapshot: LeaseSnapshot): Promise<void> {
    try {
      await this.#of.state.applyThenSave(snapshot);
    } catch (err) {
      this.#of.logger.warn({ err }, "leases could not be saved");
    }
  }
}
