import type { AuditFacts } from "../core/audit-line.js";
import type { Holder, LastUser } from "../core/audit-views.js";

/** Beyond it the one that ends first is forgotten: as many as a busy machine has in an hour. */
const MAX_HOLDERS = 2000;
const MAX_LAST_USERS = 4000;

/** What the log remembers of what was served: who holds which role's credentials until when. */
export class Holders {
  readonly #holders = new Map<string, Holder>();
  readonly #lastUsers = new Map<string, LastUser>();

  /** A line of the log: only what was served counts. */
  note(facts: AuditFacts, now: number): void {
    const { event, outcome, lease, role, pid, program, cwd } = facts;
    if (event !== "fetch" || outcome !== "served" || lease === null || role === null) return;
    if (pid !== null || program !== null) this.#noteLastUser(lease, { pid, program, cwd });
    this.#noteHolder(facts, { lease, role, now });
  }

  /** Of a role, of a lease, or of both; the latest end first. */
  find(wanted: { readonly role?: string; readonly lease?: string }, now: number): readonly Holder[] {
    return [...this.#holders.values()]
      .filter(({ role, lease, until }) => {
        const isMeant = role === (wanted.role ?? role) && lease === (wanted.lease ?? lease);
        return isMeant && until > now;
      })
      .sort((a, b) => b.until - a.until);
  }

  lastUserOf(lease: string): LastUser | undefined {
    return this.#lastUsers.get(lease);
  }

  /** What has ended. */
  sweep(now: number): void {
    for (const [key, { until }] of this.#holders) if (until <= now) this.#holders.delete(key);
  }

  #noteHolder(facts: AuditFacts, { lease, role, now }: { lease: string; role: string; now: number }): void {
    const until = Date.parse(facts.until ?? "");
    if (!(until > now)) return;
    const { lease_name: leaseName = null, uid, pid, program, cwd } = facts;
    const lastServedAt = Date.parse(facts.time);
    const holder = { lease, leaseName, role, uid, pid, program, cwd, lastServedAt, until };
    const key = JSON.stringify([lease, role, uid, program, cwd]);
    const known = this.#holders.get(key);
    this.#holders.set(key, known ? laterOf(known, holder) : holder);
    if (this.#holders.size > MAX_HOLDERS) this.#forgetFirst(now);
  }

  #noteLastUser(lease: string, user: LastUser): void {
    this.#lastUsers.delete(lease);
    this.#lastUsers.set(lease, user);
    const [oldest] = this.#lastUsers.keys();
    if (this.#lastUsers.size > MAX_LAST_USERS && oldest !== undefined) this.#lastUsers.delete(oldest);
  }

  #forgetFirst(now: number): void {
    this.sweep(now);
    if (this.#holders.size <= MAX_HOLDERS) return;
    const [first] = [...this.#holders].sort(([, a], [, b]) => a.until - b.until);
    if (first) this.#holders.delete(first[0]);
  }
}

/** Credentials that were served earlier may end later. */
function laterOf(known: Holder, holder: Holder): Holder {
  return { ...holder, pid: holder.pid ?? known.pid, until: Math.max(holder.until, known.until) };
}
