import { describe, expect, it } from "vitest";
import type { Lease, LeaseHolder } from "../../src/core/lease.js";
import type { LeaseRegistry } from "../../src/leases/lease-registry.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { LeaseFixture } from "../support/lease-fixture.js";
import { seededRandom } from "../support/random.js";

const MINUTE = 60_000;

interface Expected {
  token: string;
  role: string | null;
  readonly follows: boolean;
  readonly expiresAt: number | null;
  readonly holder?: LeaseHolder;
  temporary?: { readonly until: number; readonly thenRole: string | null } | undefined;
}

/** What the leases should be, in the plainest way: a map, looked at by the clock. */
class Model {
  readonly leases = new Map<string, Expected>();
  readonly ended = new Map<string, number>();

  end(id: string, now: number): void {
    this.ended.set(this.leases.get(id)!.token, now);
    this.leases.delete(id);
  }

  roleOf(lease: Expected, now: number): string | null {
    if (lease.temporary && now >= lease.temporary.until) {
      lease.role = lease.temporary.thenRole;
      lease.temporary = undefined;
    }
    if (lease.role !== null || !lease.follows) return lease.role;
    return this.roleOf(this.leases.get("default")!, now);
  }
}

class Walk {
  readonly fixture = new LeaseFixture();
  readonly model = new Model();
  readonly #random: () => number;
  leases!: LeaseRegistry;
  #names = 0;
  #pids = 100;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)]!;
  }

  async start(): Promise<void> {
    this.leases = await this.fixture.start();
    const lease = this.leases.select({ by: "default" });
    if (!this.model.leases.has("default")) await this.#remember(lease);
  }

  async step(): Promise<string> {
    const action = this.pick([
      this.#named,
      this.#child,
      this.#pinned,
      this.#use,
      this.#use,
      this.#rotate,
      this.#revoke,
      this.#pass,
      this.#processEnds,
      this.#touch,
      this.#restart,
      this.#failedWrite,
      this.#lockedStore,
    ]);
    await action.call(this);
    return action.name;
  }

  async #remember(lease: Lease, token?: string): Promise<void> {
    this.model.leases.set(lease.id, {
      token: token ?? (await this.leases.access(lease)).reveal(),
      role: lease.role,
      follows: lease.kind !== "default" && lease.kind !== "pinned",
      expiresAt: lease.expiresAt,
      ...(lease.holder && { holder: lease.holder }),
    });
  }

  #liveId(): string {
    const now = this.fixture.clock.now();
    return this.pick(
      [...this.model.leases].filter(([, { expiresAt }]) => expiresAt === null || now < expiresAt).map(([id]) => id),
    );
  }

  #end(): number | null {
    return this.pick([null, this.fixture.clock.now() + MINUTE, this.fixture.clock.now() + 60 * MINUTE]);
  }

  async #named(): Promise<void> {
    const name = `name-${this.#names++}`;
    await this.#remember(
      await this.leases.createNamed({ name, role: this.pick([null, "dev"]), expiresAt: this.#end() }),
    );
  }

  async #child(): Promise<void> {
    const holder = this.fixture.processes.start(this.#pids++);
    const { lease, token } = await this.leases.createChild({
      role: this.pick([null, "prod"]),
      holder,
      expiresAt: this.#end(),
    });
    await this.#remember(lease, token.reveal());
  }

  async #pinned(): Promise<void> {
    const lease = await this.leases.pinned(this.pick(["dev", "prod", "audit"]));
    if (!this.model.leases.has(lease.id)) await this.#remember(lease);
  }

  async #use(): Promise<void> {
    const id = this.#liveId();
    if (this.leases.select({ by: "id", id }).kind === "pinned") return;
    const role = this.pick([null, "dev", "prod", "audit"]);
    const now = this.fixture.clock.now();
    const until = this.pick([undefined, now + MINUTE]);
    await this.leases.assign(id, role, until === undefined ? {} : { until });
    const lease = this.model.leases.get(id)!;
    this.model.roleOf(lease, now);
    const thenRole = lease.temporary ? lease.temporary.thenRole : lease.role;
    lease.temporary = until === undefined ? undefined : { until, thenRole };
    lease.role = role;
  }

  async #rotate(): Promise<void> {
    const id = this.#liveId();
    const lease = this.model.leases.get(id)!;
    const { token } = await this.leases.rotate(id);
    this.model.ended.set(lease.token, this.fixture.clock.now());
    lease.token = token.reveal();
  }

  async #revoke(): Promise<void> {
    const id = this.#liveId();
    if (id === "default") return;
    await this.leases.revoke(id);
    this.model.end(id, this.fixture.clock.now());
  }

  async #pass(): Promise<void> {
    this.fixture.clock.jump(this.pick([1000, 30_000, MINUTE, 10 * MINUTE]));
    if (this.pick([true, false])) await this.leases.sweep();
  }

  async #processEnds(): Promise<void> {
    const pids = [...this.model.leases.values()].flatMap(({ holder }) => (holder ? [holder.pid] : []));
    if (pids.length === 0) return;
    this.fixture.processes.end(this.pick(pids));
    await this.leases.sweep();
  }

  async #touch(): Promise<void> {
    this.leases.lookup.touch(this.leases.select({ by: "id", id: this.#liveId() }));
  }

  async #restart(): Promise<void> {
    if (this.pick([true, false])) await this.leases.flush();
    await this.start();
  }

  /** On a full disk nothing is granted; the next sweep with space brings the file up to date. */
  async #failedWrite(): Promise<void> {
    this.fixture.faults.diskFull = true;
    const name = `name-${this.#names++}`;
    const error = await brokerErrorOf(() => this.leases.createNamed({ name, role: null, expiresAt: null }));
    expect(error.code).toBe("StoreUnavailable");
    this.fixture.faults.diskFull = false;
    await this.leases.sweep();
  }

  async #lockedStore(): Promise<void> {
    this.fixture.secrets.locked = true;
    this.leases = await this.fixture.startLocked();
    await this.expectAsModelled("locked");
    this.fixture.secrets.locked = false;
    await this.leases.reconcile();
  }

  async expectAsModelled(after: string): Promise<void> {
    const now = this.fixture.clock.now();
    this.#endWhatRanOut(now);
    for (const [id, expected] of this.model.leases) {
      const lease = this.leases.resolve(expected.token);
      expect(lease.id, after).toBe(id);
      expect(this.leases.roleOf(lease), after).toBe(this.model.roleOf(expected, now));
    }
    for (const token of this.model.ended.keys()) {
      expect((await brokerErrorOf(() => this.leases.resolve(token))).code, after).toBe("LeaseEnded");
    }
    const listed = this.leases.list().map(({ id }) => id);
    expect(new Set(listed), after).toEqual(new Set(this.model.leases.keys()));
  }

  #endWhatRanOut(now: number): void {
    for (const [id, { expiresAt, holder }] of this.model.leases) {
      const gone = holder && this.fixture.processes.startTimeOf(holder.pid) !== holder.startTime;
      if (gone || (expiresAt !== null && now >= expiresAt)) this.model.end(id, now);
    }
  }
}

describe("leases under any sequence of operations, restarts, locks and full disks", () => {
  it.each(Array.from({ length: 15 }, (_, seed) => seed))("are what was acknowledged (seed %i)", async (seed) => {
    const walk = new Walk(seed);
    await walk.start();

    for (let step = 0; step < 80; step++) await walk.expectAsModelled(`step ${step}: ${await walk.step()}`);
  });

  it("stay whole when everything is asked at once", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const holder = fixture.processes.start(7);

    const tokens = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        if (index % 3 === 0) return (await leases.rotate("default")).token.reveal();
        if (index % 3 === 1) return (await leases.createChild({ role: null, holder, expiresAt: null })).token.reveal();
        await leases.assign("default", `role-${index}`);
        return (await leases.access(await leases.pinned(`role-${index % 5}`))).reveal();
      }),
    );
    const good = (registry: LeaseRegistry): readonly string[] =>
      tokens.filter((token) => {
        try {
          return registry.resolve(token);
        } catch {
          return false;
        }
      });

    const afterwards = await fixture.start();
    expect(good(afterwards)).toEqual(good(leases));
    expect(new Set(good(leases)).size).toBe(1 + 20 + 5);
    const listed = (registry: LeaseRegistry): readonly unknown[] =>
      [...registry.list()].sort((a, b) => a.id.localeCompare(b.id));
    expect(listed(afterwards)).toEqual(listed(leases));
    expect(afterwards.roleOf(afterwards.select({ by: "default" }))).toBe("role-59");
  });
});
