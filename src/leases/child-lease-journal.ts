import { fieldsOf, versionedJson } from "../core/json-fields.js";
import type { Lease } from "../core/lease.js";
import type { JournalFile } from "../files/journal-file.js";
import type { Logger } from "../system/logger.js";
import { type EndedToken, parseEnded, parseLease } from "./lease-records.js";

/** Of leases that end with a process. */
export interface ChildRecords {
  readonly leases: readonly Lease[];
  readonly ended: readonly EndedToken[];
}

/** Since it is known what made a lease. A file of an older version is written anew before it gets another line. */
const VERSION = 3;
/** Before leases had scopes, and after that. */
const OLDER_VERSIONS = [1, 2];
/** More lines than this beside what they come to: the file is written anew. */
const SURPLUS_LINES = 2000;

/**
 * `child-leases.jsonl`: leases that end with a process, a line for each change, without fsync. After the end of the machine their
 * processes are gone, and they with them; after that of brokerd every line is there. `exec` waits for no disk.
 */
export class ChildLeaseJournal {
  readonly #file: JournalFile;
  readonly #logger: Logger;
  #lines = 0;
  #isOlder = false;

  constructor(file: JournalFile, logger: Logger) {
    this.#file = file;
    this.#logger = logger;
  }

  /** What cannot be understood, and what follows it, is set aside. Rejects where a newer version wrote it, or it cannot be read. */
  async read(): Promise<ChildRecords> {
    const found = await this.#file.read(parseLines);
    if (!found) return { leases: [], ended: [] };
    const { problem, isOlder, ...records } = found;
    this.#lines = found.count;
    this.#isOlder = isOlder;
    if (problem !== undefined) {
      const path = await this.#file.setAside();
      this.#logger.warn({ path, problem }, "a broken file of leases was set aside");
      await this.rewrite(records);
    }
    return records;
  }

  /** `all`: what the file comes to with the changes. */
  async write(changes: ChildRecords, all: () => ChildRecords): Promise<void> {
    const lines = changeLines(changes);
    const isLong = this.#lines > SURPLUS_LINES && this.#lines > 2 * (all().leases.length + all().ended.length);
    if (!isLong && !this.#isOlder && (await this.#file.append(lines))) {
      this.#lines += lines.length;
      return;
    }
    await this.rewrite(all());
  }

  async rewrite(all: ChildRecords): Promise<void> {
    const lines = linesOf(all);
    await this.#file.replace(lines);
    this.#isOlder = false;
    this.#lines = lines.length;
  }
}

/** A token that ended first: its lease may go on with another. */
function changeLines({ leases, ended }: ChildRecords): readonly string[] {
  return [
    ...ended.map((token) => JSON.stringify({ ended: token })),
    ...leases.map((lease) => JSON.stringify({ lease })),
  ];
}

function linesOf(records: ChildRecords): readonly string[] {
  return [JSON.stringify({ version: VERSION }), ...changeLines(records)];
}

interface Parsed extends ChildRecords {
  readonly count: number;
  readonly problem: string | undefined;
  readonly isOlder: boolean;
}

function parseLines([first, ...lines]: readonly string[]): Parsed {
  const leases = new Map<string, Lease>();
  const ended = new Map<string, EndedToken>();
  let problem: string | undefined;
  let isOlder = false;
  try {
    isOlder = versionIn(first ?? "") !== VERSION;
    for (const [index, line] of lines.entries()) takeLine(line, `line ${index + 2}`, { leases, ended });
  } catch (error) {
    if (error instanceof NewerVersion) throw error;
    problem = error instanceof Error ? error.message : "not understood";
  }
  return { leases: [...leases.values()], ended: [...ended.values()], count: lines.length + 1, problem, isOlder };
}

class NewerVersion extends Error {}

function versionIn(line: string): unknown {
  try {
    const content = versionedJson(line, VERSION, OLDER_VERSIONS);
    return (content as { readonly version: number }).version;
  } catch (error) {
    const isNewer = error instanceof Error && error.message.includes("newer version");
    throw isNewer ? new NewerVersion(error.message) : error;
  }
}

interface Found {
  readonly leases: Map<string, Lease>;
  readonly ended: Map<string, EndedToken>;
}

function takeLine(line: string, at: string, { leases, ended }: Found): void {
  const { values } = fieldsOf(JSON.parse(line), at, ["lease", "ended"]);
  if (values.has("ended")) {
    const token = parseEnded(values.get("ended"), at);
    ended.set(token.tokenHash, token);
    if (leases.get(token.leaseId)?.tokenHash === token.tokenHash) leases.delete(token.leaseId);
  }
  if (!values.has("lease")) return;
  const lease = parseLease(values.get("lease"), at);
  if (lease.kind !== "child" || !lease.holder) throw new Error(`${at} is of a lease that ends with no process`);
  leases.set(lease.id, lease);
}
