import type { IncomingHttpHeaders } from "node:http";
import type { Duplex } from "node:stream";
import {
  LAUNCH_PROTOCOL,
  LAUNCH_VERSION,
  type LaunchLine,
  LaunchLines,
  type LaunchRequest,
  MAX_LATER_LINE,
  MAX_LAUNCH_BYTES,
  parseLaunchRequest,
  pidInLine,
  renderLaunchLines,
} from "../../control-api/launch-contract.js";
import type { LastRefusal } from "../../core/audit-views.js";
import { BrokerError, toBrokerError } from "../../core/errors.js";
import { Mutex } from "../../core/serial.js";
import type { Cancel } from "../../system/clock.js";
import { callerOf } from "../caller.js";
import type { ControlServices, SessionNotice } from "../control-services.js";
import { explainMiss } from "../explain-miss.js";
import type { ControlCall } from "../handlers/handler.js";
import type { Operations } from "../operations.js";
import { type LaunchAnswer, launch } from "./launch.js";
import { LaunchedLease } from "./launched-lease.js";

/** Between the head and the end of the request: a program sends both in one write. */
const REQUEST_MS = 2000;
/** A client says which command runs, once, or once more after a restart of brokerd. */
const MAX_LATER_LINES = 64;
/** How long what was written last may take to leave before the socket is destroyed. */
const LAST_BYTES_MS = 1000;

/** A client that is refused asks again and again: its terminal is told once in this time. */
const NOTICE_MS = 60_000;
/** A client that reads nothing is told nothing more. */
const MAX_UNREAD_BYTES = 4096;

const HEAD = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${LAUNCH_PROTOCOL}\r\n\r\n`;

export interface LaunchConnectionOptions {
  readonly socket: Duplex;
  readonly headers: IncomingHttpHeaders;
  readonly services: ControlServices;
  readonly operations: Operations;
}

/** One connection of a launch: its request, its answer, and what follows until one side ends it (control-api/launch-contract). */
export class LaunchConnection {
  readonly #options: LaunchConnectionOptions;
  readonly #socket: Duplex;
  readonly #call: ControlCall;
  readonly #gone = new AbortController();
  readonly #input = new LaunchLines();
  #received = 0;
  #requestLines: string[] | undefined = [];
  #laterLines = 0;
  /** The answer, then each later line, then the end: one after the other. */
  readonly #steps = new Mutex();
  #cancelLate: Cancel = () => undefined;
  #lease: LaunchedLease | undefined;
  #isOver = false;
  #stopWatching: Cancel = () => undefined;
  #noticedAt: number | undefined;

  constructor(options: LaunchConnectionOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#call = { signal: this.#gone.signal, caller: callerOf(options.headers, options.services) };
  }

  /** `head`: what came behind the upgrade's head already. */
  begin(head: Buffer): void {
    const socket = this.#socket;
    socket.on("error", () => this.#clientGone());
    socket.once("end", () => this.#clientGone());
    socket.once("close", () => this.#gone.abort());
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
    this.#cancelLate = this.#options.services.clock.after(REQUEST_MS, () =>
      this.#refuse("the request did not come in time"),
    );
    if (head.length > 0) this.#take(head);
    socket.resume();
  }

  /** A notice that is for this terminal where the role of its lease comes from one of the notice's sources. */
  tell({ sources, text }: SessionNotice): void {
    const source = this.#isOver ? undefined : this.#lease?.source();
    if (source !== undefined && sources.has(source)) this.#notice(text);
  }

  /** brokerd ends the connection, and no lease with it. */
  drop(): void {
    this.#isOver = true;
    this.#cancelLate();
    this.#stopWatching();
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#received += bytes.length;
    const lines = this.#input.push(bytes, this.#requestLines ? MAX_LAUNCH_BYTES : MAX_LATER_LINE);
    if (!lines) return this.#refuse("a line is too long");
    for (const line of lines) this.#takeLine(line);
    if (this.#requestLines && this.#received > MAX_LAUNCH_BYTES) this.#refuse("the request is too long");
  }

  #takeLine(line: string): void {
    if (this.#isOver) return;
    const request = this.#requestLines;
    if (!request) return this.#takeLater(line);
    if (line !== "") return void request.push(line);
    this.#requestLines = undefined;
    this.#cancelLate();
    void this.#steps.run(() => this.#answer(request));
  }

  #takeLater(line: string): void {
    if (++this.#laterLines > MAX_LATER_LINES) return this.drop();
    const pid = pidInLine(line, "child");
    if (pid === undefined) return;
    void this.#steps.run(async () => {
      const isHeld = await this.#lease?.handOver(pid);
      if (isHeld === true) this.#write([["held", String(pid)]]);
    });
  }

  async #answer(lines: readonly string[]): Promise<void> {
    const { services } = this.#options;
    try {
      const request = parseLaunchRequest(lines);
      if ("problem" in request) throw new BrokerError("NotSupported", request.problem, { hint: "brokerctl restart" });
      await services.config.takeUpEdit();
      this.#send(await this.#do(request));
      if (this.#lease) this.#watch(this.#lease);
    } catch (thrown) {
      const error = toBrokerError(explainMiss(thrown, services));
      if (error.code === "InternalError") services.logger.error({ err: thrown }, "a launch failed");
      this.#end(errorLines(error));
    }
  }

  async #do(request: LaunchRequest): Promise<LaunchAnswer> {
    const { services, operations } = this.#options;
    const parts = { services, operations, call: this.#call };
    if (request.kind === "attach") {
      this.#lease = LaunchedLease.attached(request.token ?? "", parts);
      return { attached: this.#lease.id };
    }
    const answer = await launch(request, parts);
    if ("access" in answer && answer.stays)
      this.#lease = new LaunchedLease(answer.access.lease.id, request.kind, parts);
    return answer;
  }

  /** Many SDKs do not show what they were told. */
  #watch({ id }: LaunchedLease): void {
    if (this.#isOver) return;
    const { refusals } = this.#options.services.audit;
    this.#stopWatching = refusals.watch(id, (refusal) => this.#noticeRefusal(refusal));
  }

  #noticeRefusal({ code, message, hint }: Pick<LastRefusal, "code" | "message" | "hint">): void {
    const { clock, config } = this.#options.services;
    const now = clock.now();
    const isRecent = this.#noticedAt !== undefined && Math.abs(now - this.#noticedAt) < NOTICE_MS;
    // What is still on its way needs no one.
    if (code === "CredentialsPending" || isRecent || config.current()?.notices === "off") return;
    if (this.#notice([message ?? code, ...(hint === null ? [] : [hint])].join(": "))) this.#noticedAt = now;
  }

  /** False: what was written before was not read. */
  #notice(text: string): boolean {
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) return false;
    this.#write([["notice", text]]);
    return true;
  }

  #send(answer: LaunchAnswer): void {
    if ("handoff" in answer) return this.#end([["handoff", answer.handoff]]);
    if ("attached" in answer) return this.#write([["lease", answer.attached]], "answer");
    const { lease, token, leaseUrl, credentialsUrl, region } = answer.access;
    const lines: readonly LaunchLine[] = [
      ["lease", lease.id],
      ["token", token],
      ["lease-url", leaseUrl],
      ["credentials-url", credentialsUrl],
      ...(lease.role === null ? [] : [["role", lease.role] as const]),
      ...(region === null ? [] : [["region", region] as const]),
    ];
    if (answer.stays) this.#write(lines, "answer");
    else this.#end(lines);
  }

  #write(lines: readonly LaunchLine[], as: "answer" | "later" = "later"): void {
    if (!this.#socket.writable) return;
    this.#socket.write(as === "answer" ? this.#rendered(lines) : renderLaunchLines(lines));
  }

  #rendered(lines: readonly LaunchLine[]): string {
    const first: readonly LaunchLine[] = [
      ["launch", LAUNCH_VERSION],
      ["version", this.#options.services.daemon.version],
    ];
    return `${HEAD}${renderLaunchLines([...first, ...lines])}\n`;
  }

  #refuse(problem: string): void {
    this.#end(errorLines(new BrokerError("UsageInvalid", problem, { hint: "brokerctl restart" })));
  }

  /** Nothing follows, and no lease hangs on the connection. */
  #end(lines: readonly LaunchLine[]): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelLate();
    const cancel = this.#options.services.clock.after(LAST_BYTES_MS, () => this.#socket.destroy());
    this.#socket.end(this.#rendered(lines), () => {
      cancel();
      this.#socket.destroy();
    });
  }

  /** It closed its end, or died. */
  #clientGone(): void {
    this.#gone.abort();
    this.#cancelLate();
    this.#stopWatching();
    const wasOver = this.#isOver;
    this.#isOver = true;
    this.#socket.destroy();
    if (!wasOver) void this.#steps.run(async () => this.#lease?.clientGone());
  }
}

function errorLines({ code, message, hint }: BrokerError): readonly LaunchLine[] {
  return [["error", code], ["message", message], ...(hint === undefined ? [] : [["hint", hint] as const])];
}
