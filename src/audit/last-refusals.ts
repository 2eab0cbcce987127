import type { AuditFacts } from "../core/audit-line.js";
import type { LastRefusal } from "../core/audit-views.js";

/** Of leases and of processes each; beyond it the one that was refused longest ago is forgotten. */
const MAX_REMEMBERED = 1000;

/** What each lease and each process was last refused: many SDKs do not show what they were told. */
export class LastRefusals {
  readonly #byLease = new Map<string, LastRefusal>();
  readonly #byPid = new Map<number, LastRefusal>();

  readonly #watchers = new Map<string, Set<(refusal: LastRefusal) => void>>();

  /** Calls `told` each time when a client of the lease is refused at the endpoint, until the cancel that it answers is called. */
  watch(lease: string, told: (refusal: LastRefusal) => void): () => void {
    const watchers = this.#watchers.get(lease) ?? new Set();
    this.#watchers.set(lease, watchers.add(told));
    return () => {
      watchers.delete(told);
      if (watchers.size === 0 && this.#watchers.get(lease) === watchers) this.#watchers.delete(lease);
    };
  }

  /** A line of the log. */
  note(facts: AuditFacts): void {
    const { event, outcome, lease, pid } = facts;
    if (outcome === "refused" || outcome === "failed") {
      this.#refused(facts);
      if (event === "fetch" || event === "refused") this.#tell(lease ?? "");
    }
    if (event !== "fetch" || outcome !== "served") return;
    const at = Date.parse(facts.time);
    markServed(this.#byLease, lease, at);
    markServed(this.#byPid, pid, at);
  }

  /** The later one of the two; undefined: nothing is known. */
  find({
    lease,
    pid,
  }: {
    readonly lease?: string | undefined;
    readonly pid?: number | undefined;
  }): LastRefusal | undefined {
    const found = [
      lease === undefined ? undefined : this.#byLease.get(lease),
      pid === undefined ? undefined : this.#byPid.get(pid),
    ].filter((one) => one !== undefined);
    return found.sort((a, b) => b.at - a.at)[0];
  }

  #tell(lease: string): void {
    const refusal = this.#byLease.get(lease);
    if (refusal) for (const told of this.#watchers.get(lease) ?? []) told(refusal);
  }

  #refused(facts: AuditFacts): void {
    const { lease, role, pid, program, cwd, caller_lease: caller } = facts;
    const refusal: LastRefusal = {
      ...{ code: facts.code ?? "InternalError", message: facts.message ?? null, hint: facts.hint ?? null },
      ...{ at: Date.parse(facts.time), lease, leaseName: facts.lease_name ?? null, role },
      ...{ pid, program, cwd, servedSince: null },
    };
    if (lease !== null) put(this.#byLease, lease, refusal);
    if (caller !== undefined && caller !== lease) put(this.#byLease, caller, refusal);
    if (pid !== null) put(this.#byPid, pid, refusal);
  }
}

function put<K>(refusals: Map<K, LastRefusal>, key: K, refusal: LastRefusal): void {
  refusals.delete(key);
  refusals.set(key, refusal);
  const [oldest] = refusals.keys();
  if (refusals.size > MAX_REMEMBERED && oldest !== undefined) refusals.delete(oldest);
}

function markServed<K>(refusals: Map<K, LastRefusal>, key: K | null, at: number): void {
  if (key === null) return;
  const refusal = refusals.get(key);
  if (refusal?.servedSince === null && at >= refusal.at) refusals.set(key, { ...refusal, servedSince: at });
}
