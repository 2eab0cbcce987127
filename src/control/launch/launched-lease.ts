import type { LaunchKind } from "../../control-api/launch-contract.js";
import { BrokerError } from "../../core/errors.js";
import { sourceOf } from "../../core/role.js";
import type { LaunchParts } from "./launch.js";

/** The lease on a connection: who holds it, and what becomes of it when the client is gone. */
export class LaunchedLease {
  readonly id: string;
  readonly #kind: LaunchKind;
  readonly #parts: LaunchParts;
  /** The command, once the client has named it. */
  #child: number | undefined;

  constructor(id: string, kind: LaunchKind, parts: LaunchParts) {
    this.id = id;
    this.#kind = kind;
    this.#parts = parts;
  }

  /** A child lease that another connection made. Throws `LeaseUnknown`, `LeaseEnded`, or `UsageInvalid` of another kind of lease. */
  static attached(token: string, parts: LaunchParts): LaunchedLease {
    const lease = parts.services.leases.resolve(token);
    if (lease.kind === "child") return new LaunchedLease(lease.id, "attach", parts);
    throw new BrokerError("UsageInvalid", `lease ${lease.name ?? lease.id} ends with no process`);
  }

  /** True: the lease ends with the process from now on. False: that has ended, or the lease has. */
  async handOver(pid: number): Promise<boolean> {
    this.#child = pid;
    if (!this.#isLive()) return false;
    const { operations, call, services } = this.#parts;
    try {
      return (await operations.run("lease-hand-over", { id: this.id, pid }, call)).handedOver;
    } catch (err) {
      services.logger.warn({ err, lease: this.id, pid }, "a lease was not handed over");
      return false;
    }
  }

  /** What does not end here, because its command runs, ends with the next sweep after that. Never rejects. */
  async clientGone(): Promise<void> {
    if (!this.#isLive() || this.#stays()) return;
    const { operations, call, services } = this.#parts;
    try {
      await operations.run("lease-revoke", { lease: { by: "id", id: this.id } }, call);
    } catch (err) {
      services.logger.warn({ err, lease: this.id }, "a lease did not end with its connection");
    }
  }

  /** Behind the role that it has now; undefined: it has none, or has ended. */
  source(): string | undefined {
    const { leases, credentials } = this.#parts.services;
    if (!this.#isLive()) return undefined;
    const role = credentials.peek(leases.roleOf(leases.select({ by: "id", id: this.id })) ?? "")?.role;
    return role && sourceOf(role).name;
  }

  #stays(): boolean {
    if (this.#child === undefined) return this.#kind === "attach";
    return this.#parts.services.processes.startTimeOf(this.#child) !== undefined;
  }

  #isLive(): boolean {
    try {
      return this.#parts.services.leases.select({ by: "id", id: this.id }).id === this.id;
    } catch {
      return false;
    }
  }
}
