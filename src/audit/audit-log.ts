import { join } from "node:path";
import { type AuditFacts, gapFacts, parseAuditLine } from "../core/audit-line.js";
import { AUDIT_LOGS, type AuditLogName, type AuditReport, type ChainReport } from "../core/audit-views.js";
import { toBrokerError } from "../core/errors.js";
import { readRegularFile } from "../files/read-small-file.js";
import type { SecretStore } from "../secrets/secret-store.js";
import type { Cancel, Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import type { SocketProcesses } from "../system/socket-processes.js";
import { Askers } from "./askers.js";
import type { AuditEvent } from "./audit-event.js";
import { ChainFile, type ChainHead, type ChainLimits, filesSetAside } from "./chain-file.js";
import { ChainQueue } from "./chain-queue.js";
import { factsOf } from "./facts-of.js";
import { Holders } from "./holders.js";
import { RepeatedLines } from "./repeated-lines.js";
import { readSeal, type Sealed, writeSeal } from "./seal.js";
import { holdsLine, verifyChain } from "./verify-chain.js";

/** What puts events on record. Never throws, never waits: no client is answered later for it. */
export interface AuditRecorder {
  record(event: AuditEvent): void;
}

export interface AuditLogOptions {
  readonly stateDir: string;
  /** Where the ends of the two logs are sealed, while it is open. */
  readonly secrets: Pick<SecretStore, "get" | "put">;
  readonly processes: SocketProcesses;
  readonly redact: (text: string) => string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Tests have smaller ones. */
  readonly limits?: Partial<Readonly<Record<AuditLogName, ChainLimits>>>;
  readonly maxWaiting?: number;
}

/** Lines in memory while the disk takes none: some hundred bytes each. */
const MAX_WAITING = 5000;
const MB = 1024 * 1024;
/** What was done: some months of a busy machine. Refusals rotate by themselves, so that a flood of them pushes nothing else out. */
const LIMITS: Readonly<Record<AuditLogName, ChainLimits>> = {
  audit: { fileBytes: 2 * MB, files: 10 },
  refusals: { fileBytes: MB, files: 4 },
};
/** Each seal writes the whole file of secrets: what comes in a burst is sealed together. */
const SEAL_AFTER_MS = 5000;

interface Log {
  readonly file: ChainFile;
  readonly queue: ChainQueue;
}

/**
 * Who was served what, who was refused what, and what was changed: two logs of one line an event, `audit.jsonl` for what was
 * done and `refusals.jsonl` for what was not, each a chain of hashes whose end is sealed in the secret store.
 */
export class AuditLog implements AuditRecorder {
  readonly #options: AuditLogOptions;
  readonly #logs: Readonly<Record<AuditLogName, Log>>;
  readonly #repeated: RepeatedLines;
  readonly #askers: Askers;
  readonly #lookUps = new Set<Promise<void>>();
  readonly holders = new Holders();
  #cancelSeal: Cancel | undefined;
  #isSealed = true;
  /** Nothing is sealed over an earlier seal that was not held against the files. */
  #isSealChecked = false;
  readonly #broken = new Set<AuditLogName>();

  constructor(options: AuditLogOptions) {
    this.#options = { ...options, redact: remembering(options.redact) };
    const { clock } = options;
    this.#logs = { audit: this.#log("audit"), refusals: this.#log("refusals") };
    this.#repeated = new RepeatedLines({ clock, append: (facts) => this.#append(facts) });
    this.#askers = new Askers({ processes: options.processes, clock });
  }

  /** Reads where the logs end and who was served what. Never rejects: a log that cannot be read is tried again. */
  async open(): Promise<void> {
    const { clock, logger } = this.#options;
    for (const log of AUDIT_LOGS) {
      const { file } = this.#logs[log];
      await file.load().catch((err: unknown) => logger.error({ log, err }, "audit log not read yet"));
    }
    const text = await readRegularFile(this.#logs.audit.file.path).catch(() => "");
    for (const line of text.split("\n")) {
      const facts = line.includes('"event":"fetch"') ? parseAuditLine(line) : undefined;
      if (facts) this.holders.note(facts, clock.now());
    }
  }

  record(event: AuditEvent): void {
    try {
      const now = this.#options.clock.now();
      const asked = this.#askerOf(event);
      if (asked instanceof Promise) this.#later(asked.then((asker) => this.#add({ event, asker, now })));
      else this.#add({ event, asker: asked, now });
    } catch (err) {
      this.#options.logger.error({ event: event.event, err }, "not on record");
    }
  }

  /** Why lines are in memory only, or a file was set aside: a sentence each, for `status`. */
  async warnings(): Promise<readonly string[]> {
    const problems = AUDIT_LOGS.flatMap((log) => {
      const { file, queue } = this.#logs[log];
      return queue.problem === undefined ? [] : [`${file.path} is not written: ${queue.problem}`];
    });
    const aside = (await Promise.all(AUDIT_LOGS.map((log) => filesSetAside(this.#logs[log].file.path)))).flat();
    return [
      ...problems,
      ...aside.map((file) => `${file} lay in the audit log's place and was set aside`),
      ...(this.#broken.size > 0 ? ["the audit log is not as it was sealed: brokerctl audit verify"] : []),
    ];
  }

  /** Writes what waits, but for the counts of this minute; resolves when that is done or has failed. Never rejects. */
  async flush(): Promise<void> {
    await Promise.all(this.#lookUps);
    for (const log of AUDIT_LOGS) await this.#logs[log].queue.flush();
  }

  /** Reads all of both logs and holds them against what was written and sealed. Lines wait meanwhile. */
  async verify(): Promise<AuditReport> {
    await this.flush();
    const sealed = await this.#readSeal();
    const report = (log: AuditLogName): Promise<ChainReport> => {
      const { file, queue } = this.#logs[log];
      return queue.whilePaused(() => verifyChain(file.path, { head: file.head, sealed: sealed.seal?.heads[log] }));
    };
    const logs = { audit: await report("audit"), refusals: await report("refusals") };
    return { logs, sealedAt: sealed.seal?.at ?? null, sealProblem: sealed.problem ?? null };
  }

  /** Every 15 s: closes minutes that are over, tries again what the disk or the secret store did not take. */
  async sweep(): Promise<void> {
    this.#repeated.closeDue();
    this.holders.sweep(this.#options.clock.now());
    if (!this.#isSealed) await this.seal();
  }

  /** Writes and seals what is known now, the counts of this minute too. Never rejects. */
  async close(): Promise<void> {
    this.#askers.stop();
    await this.flush();
    this.#repeated.closeAll();
    await this.flush();
    await this.seal();
  }

  /** Never rejects: while the secret store is closed it is made up for later. */
  async seal(): Promise<void> {
    this.#cancelSeal?.();
    this.#cancelSeal = undefined;
    const { secrets, clock, logger } = this.#options;
    try {
      if (!this.#isSealChecked) await this.#checkSeal();
      const [audit, refusals] = AUDIT_LOGS.map((log) => this.#logs[log].file.head);
      if (!audit || !refusals) return;
      this.#isSealed = true;
      await writeSeal(secrets, { heads: { audit, refusals }, at: clock.now() });
    } catch (error) {
      this.#isSealed = false;
      logger.debug({ code: toBrokerError(error).code }, "audit log not sealed yet");
    }
  }

  #askerOf(event: AuditEvent): ReturnType<Askers["of"]> {
    if ("peer" in event && event.peer) return this.#askers.of(event.peer);
    const pid = event.caller?.pid;
    return pid === undefined ? undefined : this.#askers.at(pid);
  }

  #later(added: Promise<void>): void {
    this.#lookUps.add(added);
    void added.finally(() => this.#lookUps.delete(added));
  }

  #add(told: Pick<Parameters<typeof factsOf>[0], "event" | "asker" | "now">): void {
    const facts = factsOf({ ...told, redact: this.#options.redact });
    this.holders.note(facts, told.now);
    if (facts.event === "fetch" || logOf(facts) === "refusals") this.#repeated.add(facts);
    else this.#append(facts);
  }

  #append(facts: AuditFacts): void {
    this.#logs[logOf(facts)].queue.append(facts);
  }

  #log(name: AuditLogName): Log {
    const { stateDir, clock, limits, maxWaiting = MAX_WAITING } = this.#options;
    const file = new ChainFile({
      path: join(stateDir, `${name}.jsonl`),
      limits: limits?.[name] ?? LIMITS[name],
      clock,
    });
    return { file, queue: new ChainQueue({ file, clock, maxWaiting, onWritten: () => this.#planSeal() }) };
  }

  #planSeal(): void {
    this.#isSealed = false;
    this.#cancelSeal ??= this.#options.clock.after(SEAL_AFTER_MS, () => void this.seal());
  }

  async #readSeal(): Promise<{ readonly seal?: Sealed | undefined; readonly problem?: string }> {
    try {
      return { seal: await readSeal(this.#options.secrets) };
    } catch (error) {
      return { problem: toBrokerError(error).message };
    }
  }

  /** What was sealed before this process: is it still in the files? Rejects while the secret store is closed. */
  async #checkSeal(): Promise<void> {
    const sealed = await readSeal(this.#options.secrets);
    for (const log of AUDIT_LOGS) {
      const head = sealed?.heads[log];
      const { file, queue } = this.#logs[log];
      await file.load();
      if (!head || (await queue.whilePaused(() => holdsLine(file.path, head)))) continue;
      this.#tellBroken(log, head);
      // It is in the chain before a seal covers the chain again.
      await queue.flush();
    }
    this.#isSealChecked = true;
  }

  #tellBroken(log: AuditLogName, { n }: ChainHead): void {
    const { clock, logger } = this.#options;
    const detail = `line number ${n} was sealed, and is not in the log that this start found`;
    this.#broken.add(log);
    logger.error({ log, n }, "the audit log is not as it was sealed");
    this.#logs[log].queue.append(gapFacts({ code: "SealBroken", detail, now: clock.now() }));
  }
}

/** What was done stands apart from what was not. */
function logOf({ outcome }: AuditFacts): AuditLogName {
  return outcome === "refused" || outcome === "failed" ? "refusals" : "audit";
}

/** As many names, programs and directories as a busy machine has. */
const MAX_REMEMBERED = 1000;

/** The same few texts stand in every line, and a redactor is a dozen searches. */
function remembering(redact: (text: string) => string): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    const redacted = known.get(text) ?? redact(text);
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(text, redacted);
    return redacted;
  };
}
