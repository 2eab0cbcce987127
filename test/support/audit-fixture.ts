import type { AuditEvent } from "../../src/audit/audit-event.js";
import { AuditLog, type AuditLogOptions } from "../../src/audit/audit-log.js";
import type { AuditReport, ChainFinding } from "../../src/core/audit-views.js";
import { redactText } from "../../src/system/redact.js";
import type { SocketProcess } from "../../src/system/socket-processes.js";
import { MemorySecretStore } from "../fakes/memory-secret-store.js";
import { FakeClock } from "./fake-clock.js";
import { memoryLogger } from "./memory-logger.js";
import { tempDir } from "./temp-dir.js";

/** What brokerd itself is: of another user's processes nothing is looked up. */
export const OWN_UID = process.getuid?.() ?? 0;

/** An audit log over a directory of its own, with processes that a test names by their inodes. */
export class AuditFixture {
  readonly stateDir = tempDir("audit");
  readonly clock = new FakeClock();
  readonly secrets = new MemorySecretStore();
  readonly logger = memoryLogger();
  /** By inode, and by pid. */
  readonly programs = new Map<number, SocketProcess>();
  walks = 0;
  log = this.#open();

  /** As a new process would: what was in memory only is gone. */
  async restart(options: Partial<AuditLogOptions> = {}): Promise<void> {
    this.log = this.#open(options);
    await this.log.open();
  }

  #open(options: Partial<AuditLogOptions> = {}): AuditLog {
    const { stateDir, clock, secrets, logger } = this;
    const processes = {
      processOf: async ({ inode }: { inode: number }) => {
        this.walks++;
        return this.programs.get(inode);
      },
      processAt: async (pid: number) => this.programs.get(pid),
    };
    return new AuditLog({ stateDir, clock, secrets, logger, processes, redact: redactText, ...options });
  }

  /** Records, and waits until it is written. */
  async record(...events: readonly AuditEvent[]): Promise<void> {
    for (const event of events) this.log.record(event);
    await this.log.verify();
  }
}

export function findingsOf({ logs }: AuditReport): readonly ChainFinding[] {
  return [...logs.audit.findings, ...logs.refusals.findings];
}

/** A fetch that was served on the lease `ide`, with what is `told` of it beside. */
export function served(told: Partial<Extract<AuditEvent, { event: "fetch" | "refused" }>> = {}): AuditEvent {
  return { event: "fetch", outcome: "served", lease: { id: "ide-id", name: "ide" }, role: "dev", ...told };
}

/** An event of its own, never put together with others. */
export function used(role: string): AuditEvent {
  return { event: "use", outcome: "done", lease: { id: "default", name: "default" }, role };
}
