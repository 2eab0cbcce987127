import { connect, type Socket } from "node:net";
import { BrokerError, type BrokerErrorCode } from "../core/errors.js";
import {
  HANDOFFS,
  type Handoff,
  LAUNCH_PATH,
  LAUNCH_PROTOCOL,
  LaunchLines,
  type LaunchRequest,
  MAX_LATER_LINE,
  MAX_LAUNCH_BYTES,
  parseLaunchLine,
  renderLaunchLines,
  renderLaunchRequest,
} from "./launch-contract.js";
import type { LeaseAccess } from "./lease-contract.js";

/** What a launch answers of a lease: enough for variables. */
export interface LaunchedAccess extends Omit<LeaseAccess, "lease"> {
  readonly lease: { readonly id: string; readonly role: string | null };
}

export type Launched =
  | { readonly handoff: Handoff }
  /** The lease ends with `connection`, or with the command that it is told; of `env` with neither. */
  | { readonly access: LaunchedAccess; readonly connection: OpenLaunch };

export interface LaunchDial {
  readonly socketPath: string;
  /** Of the client: version, pid, lease. */
  readonly identity: Readonly<Record<string, string>>;
}

/** The answer, and brokerd's version; `launched` undefined: it does not speak this form, or has no place for one more connection. */
export interface LaunchAnswered {
  readonly launched: Launched | undefined;
  readonly version: string | undefined;
}

/** Asks once. Rejects with the system's own error of the connection, and with brokerd's own where that refuses. */
export async function askLaunch(
  dial: LaunchDial,
  request: LaunchRequest,
  signal?: AbortSignal,
): Promise<LaunchAnswered> {
  const { socket, answer, lines } = await exchange(dial, request, signal);
  const values = answer && new Map(answer.map(parseLaunchLine).filter((line) => line !== undefined));
  const version = values?.get("version");
  try {
    return { launched: values && launchedOf(values, { dial, socket, lines }), version };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

interface Exchanged {
  readonly socket: Socket;
  /** undefined: another status than 101, or the connection was closed before the end of an answer. */
  readonly answer: readonly string[] | undefined;
  /** What reads on behind the answer. */
  readonly lines: LaunchLines;
}

function exchange(
  { socketPath, identity }: LaunchDial,
  request: LaunchRequest,
  signal?: AbortSignal,
): Promise<Exchanged> {
  const lines = new LaunchLines();
  const answered = new AnswerReader(lines);
  return new Promise((resolve, reject) => {
    const socket = connect({ path: socketPath });
    const settle = (finish: () => void): void => {
      signal?.removeEventListener("abort", abort);
      socket.removeAllListeners().on("error", () => undefined);
      finish();
    };
    const abort = (): void =>
      settle(() => {
        socket.destroy();
        reject(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
      });
    signal?.addEventListener("abort", abort, { once: true });
    let isConnected = false;
    socket.once("connect", () => (isConnected = true));
    // Of one that was made, an end without an answer is as one that is not understood.
    socket.once("error", (error) =>
      settle(() => (isConnected ? resolve({ socket, answer: undefined, lines }) : reject(error))),
    );
    socket.once("close", () => settle(() => resolve({ socket, answer: undefined, lines })));
    socket.on("data", (bytes: Buffer) => {
      const answer = answered.take(bytes);
      if (answer === "more") return;
      settle(() => {
        if (answer === undefined) socket.destroy();
        resolve({ socket, answer, lines });
      });
    });
    socket.write(headOf(identity) + renderLaunchRequest(request));
  });
}

function headOf(identity: Readonly<Record<string, string>>): string {
  const fields = { Host: "credbroker", Connection: "Upgrade", Upgrade: LAUNCH_PROTOCOL, ...identity };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${LAUNCH_PATH} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** The head of an answer, then its lines up to the empty one. */
class AnswerReader {
  readonly #lines: LaunchLines;
  #head = "";
  #isBehindHead = false;
  readonly #answer: string[] = [];

  constructor(lines: LaunchLines) {
    this.#lines = lines;
  }

  take(bytes: Buffer): "more" | readonly string[] | undefined {
    if (this.#isBehindHead) return this.#takeLines(bytes);
    this.#head += bytes.toString("latin1");
    const end = this.#head.indexOf("\r\n\r\n");
    if (!"HTTP/1.1 101 ".startsWith(this.#head.slice(0, 13)) || this.#head.length > MAX_LAUNCH_BYTES) return undefined;
    if (end === -1) return "more";
    this.#isBehindHead = true;
    return this.#takeLines(Buffer.from(this.#head.slice(end + 4), "latin1"));
  }

  #takeLines(bytes: Buffer): "more" | readonly string[] | undefined {
    for (const line of this.#lines.push(bytes, MAX_LAUNCH_BYTES) ?? [""]) {
      // What follows the answer in the same read is a notice at most.
      if (line === "") return this.#answer[0]?.startsWith("launch ") === true ? this.#answer : undefined;
      this.#answer.push(line);
    }
    return "more";
  }
}

interface Behind {
  readonly dial: LaunchDial;
  readonly socket: Socket;
  readonly lines: LaunchLines;
}

function launchedOf(values: ReadonlyMap<string, string>, behind: Behind): Launched {
  const code = values.get("error");
  if (code !== undefined) {
    const message = values.get("message") ?? "brokerd refused, and did not say why";
    throw new BrokerError(code as BrokerErrorCode, message, { hint: values.get("hint") });
  }
  const handoff = HANDOFFS.find((one) => one === values.get("handoff"));
  if (handoff !== undefined) {
    behind.socket.destroy();
    return { handoff };
  }
  const text = (name: string): string => {
    const value = values.get(name);
    if (value !== undefined) return value;
    throw new BrokerError("InternalError", `brokerd answered a launch without ${name}`, { hint: "brokerctl restart" });
  };
  const access = {
    lease: { id: text("lease"), role: values.get("role") ?? null },
    token: text("token"),
    leaseUrl: text("lease-url"),
    credentialsUrl: text("credentials-url"),
    region: values.get("region") ?? null,
  };
  return { access, connection: new OpenLaunch(behind, access.token) };
}

/** brokerd comes back within seconds, or when it is started by hand. */
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;

/**
 * The open connection of a launch. Where brokerd ends it, a command that runs is told to the next brokerd: nothing depends on it
 * but notices, and that the lease ends at once with the command.
 */
export class OpenLaunch {
  readonly #dial: LaunchDial;
  readonly #token: string;
  #socket: Socket | undefined;
  #lines: LaunchLines;
  #child: number | undefined;
  #isClosed = false;
  #retryMs = FIRST_RETRY_MS;
  #retry: NodeJS.Timeout | undefined;
  /** Called with the text of each notice, which is of one line and holds no control characters. */
  onNotice: (text: string) => void = () => undefined;

  constructor({ dial, socket, lines }: Behind, token: string) {
    this.#dial = dial;
    this.#token = token;
    this.#lines = lines;
    this.#follow(socket);
  }

  /** The command runs: the lease ends with it from now on. */
  tellChild(pid: number): void {
    this.#child = pid;
    this.#socket?.write(renderLaunchLines([["child", String(pid)]]));
  }

  /** The command has ended, or there is none: the lease ends. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#socket?.end();
  }

  #follow(socket: Socket): void {
    this.#socket = socket;
    // It keeps no process alive: what waits is the command.
    socket.unref();
    socket.on("error", () => undefined);
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
    socket.once("end", () => socket.destroy());
    socket.once("close", () => this.#lost());
    if (socket.destroyed) this.#lost();
  }

  #take(bytes: Buffer): void {
    const lines = this.#lines.push(bytes, MAX_LATER_LINE);
    if (!lines) this.#socket?.destroy();
    for (const line of lines ?? []) {
      const [name, value] = parseLaunchLine(line) ?? [];
      if (name === "notice" && value !== undefined) this.onNotice(value);
    }
  }

  #lost(): void {
    this.#socket = undefined;
    if (this.#isClosed || this.#child === undefined) return;
    this.#retry = setTimeout(() => void this.#attach(), this.#retryMs).unref();
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  async #attach(): Promise<void> {
    try {
      const { socket, answer, lines } = await exchange(this.#dial, { kind: "attach", token: this.#token });
      const isAttached = answer?.some((line) => line.startsWith("lease ")) === true;
      if (!isAttached || this.#isClosed || this.#child === undefined) return void socket.destroy();
      this.#lines = lines;
      this.#retryMs = FIRST_RETRY_MS;
      this.#follow(socket);
      this.tellChild(this.#child);
    } catch {
      this.#lost();
    }
  }
}
