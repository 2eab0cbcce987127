import type { AuditLog } from "../audit/audit-log.js";
import type { PageOperationsRun } from "../control/page/page-operations.js";
import type { PageFinding } from "../control-api/ui-contract.js";
import { BrokerError } from "../core/errors.js";
import type { ServerLimits } from "../http/limited-server.js";
import { type Listener, listenOnAddress } from "../http/listen.js";
import type { Cancel, Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import type { PeerIdentity } from "../system/peer-identity.js";
import { EventStreams } from "./event-streams.js";
import { createPageApp } from "./page-app.js";
import { readPageFiles } from "./page-files.js";
import { PageSessions } from "./page-sessions.js";

export interface PagesOptions {
  /** Of the page's files. */
  readonly directory: string;
  readonly operations: PageOperationsRun;
  readonly peers: PeerIdentity;
  readonly audit: Pick<AuditLog, "record" | "watch">;
  readonly clock: Clock;
  readonly logger: Logger;
}

const LOOPBACK = "127.0.0.1";

/** A browser sends what cookies every server on 127.0.0.1 has set. Pages of one person need few connections. */
const LIMITS: Partial<ServerLimits> = { maxHeaderSize: 64 * 1024, maxConnections: 128, maxAnswering: 96 };

/**
 * The port for pages: a free one, bound while there is a link that may still be used, a page, or one that was there less than a
 * quarter of an hour ago. Each time it is another one, and all secrets end with it.
 */
export class Pages {
  readonly #options: PagesOptions;
  readonly #sessions: PageSessions;
  readonly #streams: EventStreams;
  #listening: Promise<Listener> | undefined;
  #cancelClose: Cancel | undefined;
  #cancelWatch: Cancel | undefined;
  #isStopped = false;

  constructor(options: PagesOptions) {
    this.#options = options;
    this.#sessions = new PageSessions(options.clock);
    this.#streams = new EventStreams(options.clock, () => this.#plan());
  }

  /** A link that is good once. Rejects with `DaemonUnreachable` once brokerd ends. */
  async open(findings: readonly PageFinding[]): Promise<{ readonly url: string; readonly expiresAt: number }> {
    if (this.#isStopped) throw new BrokerError("DaemonUnreachable", "brokerd ends", { hint: "brokerctl start" });
    const listening = (this.#listening ??= this.#listen());
    const { port } = await listening;
    // It was closed just now.
    if (this.#listening !== listening) return this.open(findings);
    const { secret, expiresAt } = this.#sessions.newLink({ at: this.#options.clock.now(), findings });
    this.#plan();
    return { url: `http://${LOOPBACK}:${port ?? 0}/#${secret}`, expiresAt };
  }

  /** Something of `status` is another: a page that is open asks again. */
  changed(): void {
    this.#streams.changed();
  }

  /** brokerd ends: pages are told so. */
  stop(): Promise<void> {
    this.#isStopped = true;
    return this.#close();
  }

  async #listen(): Promise<Listener> {
    const { directory, operations, peers, audit, clock, logger } = this.#options;
    // First, so that a `#close` meanwhile finds it.
    const cancelWatch = (this.#cancelWatch = audit.watch((lines) => this.#streams.audit(lines)));
    try {
      const files = await readPageFiles(directory);
      const app = createPageApp({
        ...{ files, operations, peers, audit, logger },
        ...{ sessions: this.#sessions, streams: this.#streams, onChanged: () => this.#plan() },
      });
      return await listenOnAddress(app, { host: LOOPBACK, port: 0, clock, logger, limits: LIMITS });
    } catch (error) {
      cancelWatch();
      this.#listening = undefined;
      throw error;
    }
  }

  /** When the last page is gone for its time, the port is. */
  #plan(): void {
    this.#cancelClose?.();
    const left = this.#sessions.sweep();
    if (!left) return void this.#close();
    const wait = Math.max(0, left.nextEnd - this.#options.clock.now());
    this.#cancelClose = this.#options.clock.after(wait, () => this.#plan());
  }

  async #close(): Promise<void> {
    this.#cancelClose?.();
    this.#cancelWatch?.();
    this.#sessions.forgetAll();
    this.#streams.end();
    const listening = this.#listening;
    this.#listening = undefined;
    const listener = await listening?.catch(() => undefined);
    await listener?.close();
  }
}
