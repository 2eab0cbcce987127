import type { AuditRecorder } from "../audit/audit-log.js";
import type { NoticeSetting } from "../config/config.js";
import type { SessionNotice, SessionNotices } from "../control/control-services.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import { loginCommandOf } from "../core/login-command.js";
import { refreshWindows } from "../core/refresh-windows.js";
import { type Source, sourceOf } from "../core/role.js";
import { sessionOf } from "../core/sso-session.js";
import type { RoleSnapshot } from "../credentials/credentials-registry.js";
import type { SessionEnd, SourceReadiness } from "../credentials/sources/source-provider.js";
import type { Clock } from "../system/clock.js";
import type { DesktopNotices } from "../system/desktop-notices.js";
import type { Logger } from "../system/logger.js";

/** Time to come back to the desk; of a session that is short itself, the last quarter. */
const AHEAD_MS = 15 * 60_000;
const AHEAD_SHARE = 0.25;

export interface SessionEndsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly audit: AuditRecorder;
  /** Of the config in force. */
  readonly sources: () => Iterable<Source>;
  readonly setting: () => NoticeSetting;
  readonly readiness: (source: Source) => Promise<SourceReadiness>;
  readonly roles: () => readonly RoleSnapshot[];
  readonly desktop: DesktopNotices;
}

/** A login, by whichever sources share it. */
interface Session {
  readonly key: string;
  readonly sources: readonly [Source, ...Source[]];
  readonly command: string;
}

interface Known {
  /** It was good when it was looked at last. */
  readonly isLive: boolean;
  /** Of its end, ahead or after it. */
  readonly isTold: boolean;
}

/**
 * Tells a person once that a login ends, before it does where that is known: on the desktop, and on the terminals of commands
 * whose role comes from it. Only logins that programs used lately: of others no one misses the end.
 */
export class SessionEnds implements SessionNotices {
  readonly #options: SessionEndsOptions;
  readonly #known = new Map<string, Known>();
  /** Sessions that persons are ending just now, and how many of them. */
  readonly #byPerson = new Map<string, number>();
  readonly #watchers = new Set<(notice: SessionNotice) => void>();

  constructor(options: SessionEndsOptions) {
    this.#options = options;
  }

  /** Every 15 s. */
  async sweep(): Promise<void> {
    const used = this.#rolesInUse();
    const sessions = sessionsOf(this.#options.sources());
    for (const session of sessions) {
      if (session.sources.some(({ name }) => used.has(name))) await this.#look(session);
    }
    const keys = new Set(sessions.map(({ key }) => key));
    for (const key of this.#known.keys()) if (!keys.has(key)) this.#known.delete(key);
  }

  watch(told: (notice: SessionNotice) => void): () => void {
    this.#watchers.add(told);
    return () => this.#watchers.delete(told);
  }

  async byPerson<T>(source: string, end: () => Promise<T>): Promise<T> {
    const sessions = sessionsOf(this.#options.sources());
    const key = sessions.find(({ sources }) => sources.some(({ name }) => name === source))?.key ?? "";
    this.#byPerson.set(key, (this.#byPerson.get(key) ?? 0) + 1);
    try {
      return await end();
    } finally {
      const others = (this.#byPerson.get(key) ?? 1) - 1;
      if (others === 0) this.#byPerson.delete(key);
      else this.#byPerson.set(key, others);
      this.#known.delete(key);
    }
  }

  /**
   * For a schedule: tells that the source's login is needed, or will be before `next` (epoch ms). Resolves with what was said;
   * undefined: there is nothing to say. Rejects with StoreLocked.
   */
  async remind(name: string, next: number): Promise<string | undefined> {
    const session = sessionsOf(this.#options.sources()).find(({ sources }) => sources.some((one) => one.name === name));
    if (!session) throw notInForce(name);
    const { needs, end } = await this.#options.readiness(session.sources[0]);
    if (isLoginNeeded(needs)) return this.#tell(session, `${nameOf(session)} is needed`);
    return end && end.at < next ? this.#tellAhead(session, end) : undefined;
  }

  async #look(session: Session): Promise<void> {
    const found = await this.#options.readiness(session.sources[0]).catch((error: unknown) => toBrokerError(error));
    if (this.#byPerson.has(session.key)) return;
    const known = this.#known.get(session.key) ?? { isLive: false, isTold: false };
    if (!(found instanceof BrokerError)) {
      if (found.needs === undefined) this.#isGood(session, known, found.end);
      else if (isLoginNeeded(found.needs)) this.#isOver(session, known);
    } else if (found.code === "StoreLocked") {
      // Who locks the store ends its sessions, and knows it.
      this.#known.set(session.key, { ...known, isLive: false });
    }
  }

  #isGood(session: Session, { isTold }: Known, end: SessionEnd | undefined): void {
    const isNear = end !== undefined && this.#isNear(end);
    this.#known.set(session.key, { isLive: true, isTold: isNear });
    if (isNear && !isTold) this.#tellAhead(session, end);
  }

  #isOver(session: Session, { isLive, isTold }: Known): void {
    this.#known.set(session.key, { isLive: false, isTold: isTold || isLive });
    if (isLive && !isTold) this.#tell(session, this.#over(session));
  }

  #isNear({ at, since = 0 }: SessionEnd): boolean {
    return this.#options.clock.now() >= at - Math.min(AHEAD_MS, AHEAD_SHARE * (at - since));
  }

  /** Without --force, `brokerctl login` does nothing while a login is good. */
  #tellAhead(session: Session, end: SessionEnd): string {
    return this.#tell({ ...session, command: `${session.command} --force` }, this.#ahead(session, end), end.at);
  }

  #ahead(session: Session, { at }: SessionEnd): string {
    const minutes = Math.ceil((at - this.#options.clock.now()) / 60_000);
    const distance = minutes <= 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
    return `${nameOf(session)} ends at ${this.#timeOf(at)}, in ${distance}`;
  }

  #over(session: Session): string {
    const used = this.#rolesInUse();
    const ends = session.sources
      .flatMap(({ name }) => used.get(name) ?? [])
      .flatMap(({ held }) => (held ? [refreshWindows(held).advertisedExpiration] : []));
    const first = Math.min(...ends);
    const served = Number.isFinite(first) ? `; what it gave is served until ${this.#timeOf(first)}` : "";
    return `${nameOf(session)} has ended${served}`;
  }

  /** In the person's own zone; with the day where it is not today's. */
  #timeOf(instant: number): string {
    const [date, time] = [new Date(instant), new Date(instant).toTimeString().slice(0, 5)];
    const isToday = date.toDateString() === new Date(this.#options.clock.now()).toDateString();
    return isToday ? time : `${time} (${date.toDateString()})`;
  }

  /** `what` becomes the title on the desktop. Answers the whole sentence. */
  #tell({ sources, command }: Session, what: string, until?: number): string {
    const { logger, audit, setting, desktop } = this.#options;
    const sentence = `${what}: ${command}`;
    const [{ name: source }] = sources;
    const now = setting();
    logger.info({ source, until, notices: now }, sentence);
    audit.record({ event: "notice", outcome: "done", source, until, detail: sentence });
    if (now === "off") return sentence;
    const notice = { sources: new Set(sources.map(({ name }) => name)), text: sentence };
    for (const told of this.#watchers) told(notice);
    if (now === "on") void desktop.show({ title: `credbroker: ${what}`, text: command }).then(this.#logProblem);
    return sentence;
  }

  readonly #logProblem = (reason: string | undefined): void => {
    if (reason !== undefined) this.#options.logger.info({ reason }, "no notice on the desktop");
  };

  /** By their sources: those that a client asked for since they were idle last. */
  #rolesInUse(): ReadonlyMap<string, readonly RoleSnapshot[]> {
    const used = new Map<string, RoleSnapshot[]>();
    for (const snapshot of this.#options.roles()) {
      if (snapshot.lastRequestedAt === undefined) continue;
      const { name } = sourceOf(snapshot.role);
      used.set(name, [...(used.get(name) ?? []), snapshot]);
    }
    return used;
  }
}

function isLoginNeeded(needs: SourceReadiness["needs"]): boolean {
  return needs === "LoginRequired" || needs === "MfaRequired";
}

function notInForce(name: string): BrokerError {
  return new BrokerError("ConfigInvalid", `source ${name} is not in force`, { hint: "brokerctl status" });
}

function nameOf({ sources }: Session): string {
  const names = sources.map(({ name }) => name).join(", ");
  return sources[0].type === "keys" ? `the MFA session of ${names}` : `the login of ${names}`;
}

/** Of the sources that a person logs in to. */
function sessionsOf(sources: Iterable<Source>): readonly Session[] {
  const sessions = new Map<string, Session>();
  for (const source of sources) {
    const command = loginCommandOf(source);
    if (command === undefined) continue;
    const key = sessionKeyOf(source);
    const former = sessions.get(key);
    sessions.set(
      key,
      former ? { ...former, sources: [...former.sources, source] } : { key, sources: [source], command },
    );
  }
  return [...sessions.values()];
}

/** Defined otherwise, it is another session. */
function sessionKeyOf(source: Source): string {
  return source.type === "sso" ? `sso ${sessionOf(source).id}` : JSON.stringify(source);
}
