import { join } from "node:path";
import { type AuditFacts, type AuditLine, gapFacts } from "../core/audit-line.js";
import { AUDIT_LOGS, type AuditLogName, type AuditReport, type ChainReport } from "../core/audit-views.js";
import { toBrokerError } from "../core/errors.js";
import type { SecretStore } from "../secrets/secret-store.js";
import type { Cancel, Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import type { SocketProcess, SocketProcesses } from "../system/socket-processes.js";
import { Askers } from "./askers.js";
import type { AuditEvent } from "./audit-event.js";
import { ChainFile, type ChainHead, type ChainLimits, filesSetAside } from "./chain-file.js";
import { ChainQueue } from "./chain-queue.js";
import { factsOf, logOf } from "./facts-of.js";
import { Holders } from "./holders.js";
import { LastRefusals } from "./last-refusals.js";
import { linesHolding, newestLines } from "./newest-lines.js";
import { RepeatedLines, type Repetition } from "./repeated-lines.js";
import { readSeal, type Sealed, writeSeal } from "./seal.js";
import { holdsLine, verifyChain } from "./verify-chain.js";

/** What puts events on record. Never throws, never waits: no client is answered later for it. */
export interface AuditRecorder {
  /** The same object again says that the same happened again: it costs a tenth of another one. */
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
  readonly #refusals = new LastRefusals();
  readonly #holders = new Holders();
  /** What became of events that may come again, as the same object. */
  readonly #told = new WeakMap<
    AuditEvent,
    { readonly asker: SocketProcess | undefined; readonly repetition: Repetition }
  >();
  #cancelSeal: Cancel | undefined;
  #isSealed = true;
  /** Nothing is sealed over an earlier seal that was not held against the files. */
  #isSealChecked = false;
  readonly #broken = new Set<AuditLogName>();
  readonly #watching = new Set<(lines: readonly string[]) => void>();

  constructor(options: AuditLogOptions) {
    this.#options = { ...options, redact: remembering(options.redact) };
    const { clock } = options;
    this.#logs = { audit: this.#log("audit"), refusals: this.#log("refusals") };
    this.#repeated = new RepeatedLines({
      clock,
      append: (facts) => this.#append(facts),
      onCounted: (first, last) => {
        this.#refusals.note(first);
        this.#holders.note(last, clock.now());
      },
    });
    this.#askers = new Askers({ processes: options.processes, clock });
  }

  /** Reads where the logs end and who was served what. Never rejects: a log that cannot be read is tried again. */
  async open(): Promise<void> {
    const { clock, logger } = this.#options;
    for (const log of AUDIT_LOGS) {
      const { file } = this.#logs[log];
      await file.load().catch((err: unknown) => logger.error({ log, err }, "audit log not read yet"));
    }
    // Refusals first: what was served after them is told with them.
    const { refusals, audit } = this.#logs;
    for (const facts of await linesHolding(refusals.file.path)) this.#refusals.note(facts);
    for (const facts of await linesHolding(audit.file.path, '"event":"fetch"')) {
      this.#holders.note(facts, clock.now());
      this.#refusals.note(facts);
    }
  }

  record(event: AuditEvent): void {
    try {
      const now = this.#options.clock.now();
      if (this.#countsAgain(event, now)) return;
      const asked = this.#askerOf(event);
      if (asked instanceof Promise) this.#later(asked.then((asker) => this.#add({ event, asker, now })));
      else this.#add({ event, asker: asked, now });
    } catch (err) {
      this.#options.logger.error({ event: event.event, err }, "not on record");
    }
  }

  /** Who holds what, to this moment. */
  get holders(): Holders {
    this.#repeated.settle();
    return this.#holders;
  }

  /** What was refused last, to this moment. */
  get refusals(): LastRefusals {
    this.#repeated.settle();
    return this.#refusals;
  }

  /** Calls `told` with lines as they stand in the files, as soon as they do; until the cancel that it answers is called. */
  watch(told: (lines: readonly string[]) => void): Cancel {
    this.#watching.add(told);
    return () => this.#watching.delete(told);
  }

  /** The newest lines of both logs, at most `most` of each, in the order of their times; of each log no more than the last 512 KB are read. */
  async newest(most: number): Promise<readonly AuditLine[]> {
    await this.flush();
    const read = AUDIT_LOGS.map((log) => newestLines(this.#logs[log].file.path, most));
    return (await Promise.all(read)).flat().sort((a, b) => Date.parse(a.time) - Date.parse(b.time));
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
    this.#holders.sweep(this.#options.clock.now());
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

  #countsAgain(event: AuditEvent, now: number): boolean {
    const told = this.#told.get(event);
    if (!told) return false;
    const peer = "peer" in event ? event.peer : undefined;
    const isSameAsker = !peer || this.#askers.isStill(peer, told.asker);
    return isSameAsker && this.#repeated.again(told.repetition, now);
  }

  #askerOf(event: AuditEvent): ReturnType<Askers["of"]> {
    if ("peer" in event && event.peer) return this.#askers.of(event.peer);
    if (event.caller?.peer) return this.#askers.of(event.caller.peer);
    const pid = event.caller?.pid;
    return pid === undefined ? undefined : this.#askers.at(pid);
  }

  #later(added: Promise<void>): void {
    this.#lookUps.add(added);
    void added.finally(() => this.#lookUps.delete(added));
  }

  #add(told: Pick<Parameters<typeof factsOf>[0], "event" | "asker" | "now">): void {
    const { event, asker, now } = told;
    const facts = factsOf({ ...told, redact: this.#options.redact });
    this.#repeated.settle();
    this.#holders.note(facts, now);
    this.#refusals.note(facts);
    if (facts.event !== "fetch" && logOf(facts) !== "refusals") return this.#append(facts);
    const repetition = this.#repeated.add(facts);
    if (facts.event === "fetch") this.#told.set(event, { asker, repetition });
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
    return { file, queue: new ChainQueue({ file, clock, maxWaiting, onWritten: (lines) => this.#written(lines) }) };
  }

  #written(lines: readonly string[]): void {
    for (const told of this.#watching) told(lines);
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
