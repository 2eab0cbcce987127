import { type Grant, isExpired, type Lease, labelOf, leaseAt } from "../core/lease.js";
import type { ProcessTable } from "../system/process-identity.js";
import { nameTaken } from "./lease-errors.js";
import type { EndedToken, LeaseRecords } from "./lease-records.js";
import { withoutGrants, withRolesRenamed } from "./lease-terms.js";

/** How long an ended token is answered `LeaseEnded`; after that it is as unknown as any other. */
const ENDED_KEPT_MS = 24 * 60 * 60_000;
/** Every `credential-process` leaves an ended child lease; a tool that calls it in a loop must not fill the file. */
const MAX_ENDED_CHILDREN = 200;

/** All leases at one moment: an immutable value, replaced as a whole, so that a failed write changes nothing. */
export interface LeaseSnapshot {
  /** Live ones by id. */
  readonly leases: ReadonlyMap<string, Lease>;
  readonly ended: readonly EndedToken[];
  readonly rotationDue: ReadonlySet<string>;
}

export const EMPTY_SNAPSHOT: LeaseSnapshot = { leases: new Map(), ended: [], rotationDue: new Set() };

export function snapshotOf({ leases, ended, rotationDue }: LeaseRecords): LeaseSnapshot {
  return { leases: new Map(leases.map((lease) => [lease.id, lease])), ended, rotationDue: new Set(rotationDue) };
}

export function recordsOf({ leases, ended, rotationDue }: LeaseSnapshot): LeaseRecords {
  return { leases: [...leases.values()], ended, rotationDue: [...rotationDue] };
}

/** Finds leases by token and name. It follows the snapshots: a change costs what has changed, and a comparison of the others. */
export class LeaseIndex {
  readonly #byHash = new Map<string, Lease>();
  readonly #byName = new Map<string, Lease>();
  readonly #bySocket = new Map<string, Lease>();
  readonly byHash: ReadonlyMap<string, Lease> = this.#byHash;
  readonly byName: ReadonlyMap<string, Lease> = this.#byName;
  readonly bySocket: ReadonlyMap<string, Lease> = this.#bySocket;
  endedByHash: ReadonlyMap<string, EndedToken> = new Map();
  endedById: ReadonlyMap<string, EndedToken> = new Map();
  #followed = EMPTY_SNAPSHOT;

  follow(next: LeaseSnapshot): void {
    const former = this.#followed;
    this.#followed = next;
    if (former.leases !== next.leases) {
      // First what goes: a new lease may have the name of one that ends with the same change.
      for (const lease of former.leases.values()) if (next.leases.get(lease.id) !== lease) this.#remove(lease);
      for (const lease of next.leases.values()) if (former.leases.get(lease.id) !== lease) this.#add(lease);
    }
    if (former.ended === next.ended) return;
    this.endedByHash = new Map(next.ended.map((token) => [token.tokenHash, token]));
    this.endedById = new Map(next.ended.map((token) => [token.leaseId, token]));
  }

  #add(lease: Lease): void {
    this.#byHash.set(lease.tokenHash, lease);
    if (lease.name !== undefined) this.#byName.set(lease.name, lease);
    if (lease.socket !== undefined) this.#bySocket.set(lease.socket, lease);
  }

  #remove({ tokenHash, name, socket }: Lease): void {
    this.#byHash.delete(tokenHash);
    if (name !== undefined) this.#byName.delete(name);
    if (socket !== undefined) this.#bySocket.delete(socket);
  }
}

/** Adds a lease or replaces the one with its id. */
export function withLease(snapshot: LeaseSnapshot, lease: Lease): LeaseSnapshot {
  return withEach(snapshot, [lease]);
}

/** Of many leases at once: one copy, however many there are. The same object if none. */
export function withEach(snapshot: LeaseSnapshot, changed: readonly Lease[]): LeaseSnapshot {
  if (changed.length === 0) return snapshot;
  const leases = new Map(snapshot.leases);
  for (const lease of changed) leases.set(lease.id, lease);
  return { ...snapshot, leases };
}

/** What `change` answers for each live lease; those that it answers as they are do not count as changed. */
export function changedLeases(snapshot: LeaseSnapshot, change: (lease: Lease) => Lease): readonly Lease[] {
  return [...snapshot.leases.values()].flatMap((lease) => {
    const changed = change(lease);
    return changed === lease ? [] : [changed];
  });
}

/** The leases whose roles have other names now. Throws `Conflict` where another lease of `env ROLE` has a name that one would get. */
export function renamedLeases(
  snapshot: LeaseSnapshot,
  rename: (role: string) => string,
  named: (name: string) => Lease | undefined,
): readonly Lease[] {
  const changed = changedLeases(snapshot, (lease) => withRolesRenamed(lease, rename));
  for (const { id, name } of changed) {
    const other = name === undefined ? undefined : named(name);
    if (name !== undefined && other && other.id !== id) throw nameTaken(name);
  }
  return changed;
}

/** Ends live leases: their tokens are refused from now on. What their programs made is from whom they were made by. */
export function withoutLeases(snapshot: LeaseSnapshot, ended: readonly Lease[], now: number): LeaseSnapshot {
  const leases = new Map(snapshot.leases);
  const rotationDue = new Set(snapshot.rotationDue);
  const gone = new Map(ended.map((lease) => [lease.id, lease]));
  for (const id of gone.keys()) {
    leases.delete(id);
    rotationDue.delete(id);
  }
  for (const lease of leases.values()) {
    if (lease.from !== undefined && gone.has(lease.from)) leases.set(lease.id, leftBy(lease, gone));
  }
  return { leases, rotationDue, ended: [...snapshot.ended, ...ended.map((lease) => endedToken(lease, now))] };
}

function leftBy({ from: maker, ...lease }: Lease, gone: ReadonlyMap<string, Lease>): Lease {
  let from = maker;
  const passed = new Set<string>();
  while (from !== undefined && gone.has(from) && !passed.has(from)) {
    passed.add(from);
    from = gone.get(from)?.from;
  }
  return from === undefined || gone.has(from) ? lease : { ...lease, from };
}

/** The hash of a lease's next token. */
export interface NextToken {
  readonly lease: Lease;
  readonly hash: string;
}

/** Gives leases other tokens; the old ones are refused from now on. */
export function withTokens(snapshot: LeaseSnapshot, tokens: readonly NextToken[], now: number): LeaseSnapshot {
  const rotationDue = new Set(snapshot.rotationDue);
  // The placeholder of a lease whose rotation is due was never given out: there is no old token to refuse.
  const refused = tokens.filter(({ lease }) => !rotationDue.delete(lease.id));
  const next = withEach(
    snapshot,
    tokens.map(({ lease, hash }) => ({ ...lease, tokenHash: hash })),
  );
  return { ...next, ended: [...snapshot.ended, ...refused.map(({ lease }) => endedToken(lease, now))], rotationDue };
}

/** Revokes leases' tokens before the secret store can take the next ones: these are hashes of tokens never given out. */
export function withRotationDue(
  snapshot: LeaseSnapshot,
  placeholders: readonly NextToken[],
  now: number,
): LeaseSnapshot {
  const revoked = withTokens(snapshot, placeholders, now);
  const ids = placeholders.map(({ lease }) => lease.id);
  return { ...revoked, rotationDue: new Set([...revoked.rotationDue, ...ids]) };
}

interface EndedLease {
  readonly lease: Lease;
  readonly why: "expired" | "holder gone";
}

interface EndedGrant {
  readonly lease: Lease;
  readonly grant: Grant;
}

export interface Sweep {
  /** The same object if nothing changed. */
  readonly snapshot: LeaseSnapshot;
  readonly ended: readonly EndedLease[];
  /** Of leases that go on. */
  readonly endedGrants: readonly EndedGrant[];
}

/** Ends leases that have expired or lost their process, lets `use --for` fall back, drops tokens that ended long ago. */
export function sweepLeases(snapshot: LeaseSnapshot, now: number, processes: ProcessTable): Sweep {
  const ended: EndedLease[] = [];
  const endedGrants: EndedGrant[] = [];
  const changed: Lease[] = [];
  const startTimeOf = onceEach(processes);
  for (const lease of snapshot.leases.values()) {
    const why = reasonToEnd(lease, now, startTimeOf);
    const after = why ? lease : settled(lease, now);
    if (why) ended.push({ lease, why });
    if (after === lease) continue;
    changed.push(after);
    for (const grant of lease.grants ?? []) if (isOver(grant, now)) endedGrants.push({ lease, grant });
  }
  let swept = withEach(snapshot, changed);
  if (ended.length > 0) {
    const leases = ended.map(({ lease }) => lease);
    swept = withoutLeases(swept, leases, now);
  }
  return { snapshot: withoutForgotten(swept, now), ended, endedGrants };
}

/** Looks each process up once: one may hold thousands of leases. */
function onceEach(processes: ProcessTable): ProcessTable["startTimeOf"] {
  const known = new Map<number, string | undefined>();
  return (pid) => {
    if (!known.has(pid)) known.set(pid, processes.startTimeOf(pid));
    return known.get(pid);
  };
}

/** As it stands now, without grants that are over. */
function settled(lease: Lease, now: number): Lease {
  return withoutGrants(leaseAt(lease, now), (grant) => isOver(grant, now));
}

function isOver({ until }: Grant, now: number): boolean {
  return now >= until;
}

function endedToken(lease: Lease, now: number): EndedToken {
  return {
    tokenHash: lease.tokenHash,
    leaseId: lease.id,
    kind: lease.kind,
    label: labelOf(lease),
    endedAt: now,
  };
}

function reasonToEnd(
  lease: Lease,
  now: number,
  startTimeOf: ProcessTable["startTimeOf"],
): EndedLease["why"] | undefined {
  if (isExpired(lease, now)) return "expired";
  if (lease.holder && startTimeOf(lease.holder.pid) !== lease.holder.startTime) return "holder gone";
  return undefined;
}

/** Drops what has been ended for a day, and the oldest ended child leases beyond their limit. The same object if none. */
function withoutForgotten(snapshot: LeaseSnapshot, now: number): LeaseSnapshot {
  let childrenToDrop = snapshot.ended.filter(({ kind }) => kind === "child").length - MAX_ENDED_CHILDREN;
  const ended = snapshot.ended.filter((token) => {
    const surplus = token.kind === "child" && childrenToDrop-- > 0;
    return !surplus && now < token.endedAt + ENDED_KEPT_MS;
  });
  return ended.length === snapshot.ended.length ? snapshot : { ...snapshot, ended };
}
