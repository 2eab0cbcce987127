import type { Lease } from "../core/lease.js";
import { JournalFile, type JournalWrites } from "../files/journal-file.js";
import { StateFile, type WriteAtomic } from "../files/state-file.js";
import type { Logger } from "../system/logger.js";
import { ChildLeaseJournal, type ChildRecords } from "./child-lease-journal.js";
import { type EndedToken, type LeaseRecords, parseLeaseRecords, renderLeaseRecords } from "./lease-records.js";
import { EMPTY_SNAPSHOT, type LeaseSnapshot, recordsOf, snapshotOf } from "./lease-snapshot.js";

export interface LeaseStoreOptions {
  /** `leases.json`; the journal of child leases lies beside it. */
  readonly path: string;
  readonly writeAtomic: WriteAtomic;
  readonly journal?: JournalWrites | undefined;
  readonly logger: Logger;
}

/** The leases on disk: those that last in `leases.json`, durably; those that end with a process in a journal, without fsync. */
export class LeaseStore {
  readonly #file: StateFile;
  readonly #journal: ChildLeaseJournal;
  /** What both files come to. */
  #written: LeaseSnapshot = EMPTY_SNAPSHOT;
  /** What the files hold is not just that: an older version wrote them, or a write failed somewhere on its way. */
  #isOff = false;

  constructor({ path, writeAtomic, journal: writes, logger }: LeaseStoreOptions) {
    this.#file = new StateFile({ path, writeAtomic, what: "leases" });
    const file = new JournalFile({ path: journalPath(path), what: "leases", ...(writes && { writes }) });
    this.#journal = new ChildLeaseJournal(file, logger);
  }

  async read(): Promise<LeaseRecords> {
    const records = await this.#file.read(parseLeaseRecords);
    const found = joined(records, await this.#journal.read());
    this.#isOff = (records?.leases.some(isChild) ?? false) || (records?.pinnedNow?.length ?? 0) > 0;
    this.#written = snapshotOf(found);
    return found;
  }

  /** Whether writing it is a durable write. */
  lasts(snapshot: LeaseSnapshot): boolean {
    return this.#isOff || changesBetween(this.#written, snapshot).lasting;
  }

  /** What differs from what was written last; after a failure, all. */
  async write(snapshot: LeaseSnapshot): Promise<void> {
    const isOff = this.#isOff;
    const { children, lasting } = changesBetween(this.#written, snapshot);
    this.#isOff = true;
    const allChildren = (): ChildRecords => partOf(snapshot, isChild);
    if (isOff) await this.#journal.rewrite(allChildren());
    else if (children.leases.length + children.ended.length > 0) await this.#journal.write(children, allChildren);
    if (isOff || lasting) {
      const all = partOf(snapshot, isLasting);
      await this.#file.write(renderLeaseRecords({ ...all, rotationDue: [...snapshot.rotationDue] }));
    }
    this.#isOff = false;
    this.#written = snapshot;
  }
}

function journalPath(path: string): string {
  return path.replace(/leases\.json$/, "child-leases.jsonl");
}

function isChild({ kind }: Pick<Lease, "kind">): boolean {
  return kind === "child";
}

function isLasting(record: Pick<Lease, "kind">): boolean {
  return !isChild(record);
}

function partOf(snapshot: LeaseSnapshot, isPart: (record: Pick<Lease, "kind">) => boolean): ChildRecords {
  const { leases, ended } = recordsOf(snapshot);
  return { leases: leases.filter(isPart), ended: ended.filter(isPart) };
}

/** Of child leases in both, as after a crash between the two writes of an upgrade, the journal knows better. */
function joined(records: LeaseRecords | undefined, children: ChildRecords): LeaseRecords {
  const { leases, ended, ...rest } = records ?? { leases: [], ended: [], rotationDue: [] };
  const known = new Set([...children.leases.map(({ id }) => id), ...children.ended.map(({ leaseId }) => leaseId)]);
  const hashes = new Set(children.ended.map(({ tokenHash }) => tokenHash));
  return {
    ...rest,
    leases: [...leases.filter(({ id, kind }) => kind !== "child" || !known.has(id)), ...children.leases],
    ended: [...ended.filter(({ tokenHash }) => !hashes.has(tokenHash)), ...children.ended],
  };
}

interface Changes {
  /** New or changed leases, and tokens that ended. */
  readonly children: ChildRecords;
  /** Whether `leases.json` is to be written. */
  readonly lasting: boolean;
}

/** Records never change, they are replaced. */
function changesBetween(before: LeaseSnapshot, after: LeaseSnapshot): Changes {
  const changed = [...after.leases.values()].filter((lease) => before.leases.get(lease.id) !== lease);
  const ended = newlyEnded(before, after);
  return {
    children: { leases: changed.filter(isChild), ended: ended.filter(isChild) },
    lasting: changed.some(isLasting) || ended.some(isLasting) || isLastingGone(before, after),
  };
}

function newlyEnded(before: LeaseSnapshot, after: LeaseSnapshot): readonly EndedToken[] {
  if (before.ended === after.ended) return [];
  const known = new Set(before.ended);
  return after.ended.filter((token) => !known.has(token));
}

function isLastingGone(before: LeaseSnapshot, after: LeaseSnapshot): boolean {
  for (const lease of before.leases.values()) if (isLasting(lease) && !after.leases.has(lease.id)) return true;
  const lastingEnded = ({ ended }: LeaseSnapshot): number =>
    ended.reduce((sum, token) => sum + Number(isLasting(token)), 0);
  if (before.ended !== after.ended && lastingEnded(before) !== lastingEnded(after)) return true;
  const [then, now] = [before.rotationDue, after.rotationDue];
  return then !== now && (then.size !== now.size || [...then].some((id) => !now.has(id)));
}
