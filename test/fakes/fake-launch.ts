import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type {
  ControlError,
  ControlOperation,
  ControlRequest,
  ControlResponse,
  RoleView,
} from "../../src/control-api/contract.js";
import {
  LAUNCH_PATH,
  type LaunchLine,
  LaunchLines,
  type LaunchRequest,
  MAX_LAUNCH_BYTES,
  parseLaunchRequest,
  pidInLine,
  renderLaunchLines,
} from "../../src/control-api/launch-contract.js";
import type { LeaseAccess } from "../../src/control-api/lease-contract.js";

/** The daemon that a launch is answered by: each step is one of its operations, and on its list of calls. */
export interface LaunchedBy {
  readonly version: string;
  readonly defaultRole: string | null;
  readonly roles: readonly RoleView[];
  call<O extends ControlOperation>(operation: O, request: ControlRequest<O>): ControlResponse<O>;
}

/** One connection of a launch, as brokerd answers it. */
export class FakeLaunch {
  readonly #socket: Duplex;
  readonly #daemon: LaunchedBy;
  readonly #input = new LaunchLines();
  #request: string[] | undefined = [];
  #leaseId: string | undefined;
  #child: number | undefined;

  constructor({ url }: IncomingMessage, socket: Duplex, daemon: LaunchedBy) {
    this.#socket = socket;
    this.#daemon = daemon;
    if (url !== LAUNCH_PATH) socket.destroy();
    // A client that ends with a line of ours unread.
    socket.on("error", () => this.#clientGone());
    socket.on("data", (bytes: Buffer) => this.take(bytes));
    socket.once("end", () => this.#clientGone());
    socket.resume();
  }

  take(bytes: Buffer): void {
    for (const line of this.#input.push(bytes, MAX_LAUNCH_BYTES) ?? []) {
      if (this.#request === undefined) this.#takeLater(line);
      else if (line !== "") this.#request.push(line);
      else this.#answer(this.#request);
    }
  }

  /** brokerd ends: no lease ends with it. */
  drop(): void {
    this.#leaseId = undefined;
    this.#socket.destroy();
  }

  /** For the client's terminal. */
  notice(text: string): void {
    this.#socket.write(renderLaunchLines([["notice", text]]));
  }

  #answer(lines: readonly string[]): void {
    this.#request = undefined;
    const request = parseLaunchRequest(lines);
    if ("problem" in request) throw new Error(request.problem);
    const { version } = this.#daemon;
    if (request.onlyVersion !== undefined && request.onlyVersion !== version)
      return this.#end([["handoff", "version"]]);
    try {
      const answer = this.#access(request);
      if (typeof answer === "string") return this.#end([["handoff", answer]]);
      if (request.kind === "env") return this.#end(linesOf(answer));
      this.#leaseId = answer.lease.id;
      this.#write(linesOf(answer));
    } catch (thrown) {
      const { code, message } = (thrown as { readonly error: ControlError }).error;
      const told = [["error", code] as const, ["message", message] as const];
      this.#end(told);
    }
  }

  #access({ kind, role: named, like, pid = 0, forSeconds }: LaunchRequest): LeaseAccess | "guard" | "no-role" {
    const daemon = this.#daemon;
    const lease = like === undefined ? ({ by: "default" } as const) : ({ by: "token", token: like } as const);
    const role = named ?? daemon.call("lease-show", { lease }).role ?? daemon.defaultRole;
    if (role === null) return "no-role";
    if (daemon.roles.some(({ name, guard }) => name === named && guard !== null)) return "guard";
    daemon.call("warm", { role });
    if (kind === "env") return daemon.call("lease-access", { pinnedRole: role });
    const seconds = kind === "credential-process" ? 60 : forSeconds;
    const terms = { ...(seconds !== undefined && { forSeconds: seconds }), ...(like !== undefined && { like }) };
    return daemon.call("lease-child", { role: named ?? null, pid, ...terms });
  }

  #takeLater(line: string): void {
    this.#child = pidInLine(line, "child");
    if (this.#child === undefined || this.#leaseId === undefined) return;
    this.#daemon.call("lease-hand-over", { id: this.#leaseId, pid: this.#child });
    this.#socket.write(renderLaunchLines([["held", String(this.#child)]]));
  }

  #clientGone(): void {
    const id = this.#leaseId;
    this.drop();
    if (id === undefined || (this.#child !== undefined && isRunning(this.#child))) return;
    this.#daemon.call("lease-revoke", { lease: { by: "id", id } });
  }

  #write(lines: readonly LaunchLine[]): void {
    const head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: credbroker-launch\r\n\r\n";
    const first: readonly LaunchLine[] = [
      ["launch", "1"],
      ["version", this.#daemon.version],
    ];
    this.#socket.write(`${head}${renderLaunchLines([...first, ...lines])}\n`);
  }

  #end(lines: readonly LaunchLine[]): void {
    this.#write(lines);
    this.#socket.end();
  }
}

function linesOf({ lease, token, leaseUrl, credentialsUrl, region }: LeaseAccess): readonly LaunchLine[] {
  return [
    ["lease", lease.id],
    ["token", token],
    ["lease-url", leaseUrl],
    ["credentials-url", credentialsUrl],
    ...(region === null ? [] : [["region", region] as const]),
  ];
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
