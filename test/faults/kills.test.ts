import { describe, it } from "vitest";
import { canarySecretKey } from "../support/canaries.js";
import { ACCOUNT, USER_KEY } from "../support/in-process-broker.js";
import { seededRandom } from "../support/random.js";
import { type Bed, codeOf, HANGS_MS, IS_FULL, pause, SEED, withReadyBed } from "./bed.js";
import { Verdict } from "./verdict.js";

const KILLS = IS_FULL ? 300 : 30;
/** Several writes fit into it, on any machine that starts brokerd at all. */
const LATEST_KILL_MS = 250;

/** Of one user, so that credentials can be fetched with each. */
const KEYS = Array.from({ length: 10 }, (_, index) => ({
  accessKeyId: `AKIA000000000000${1000 + index}`,
  secretAccessKey: canarySecretKey(String(index)),
}));
const USERS = [USER_KEY, ...KEYS].map((key) => ({ ...key, account: ACCOUNT, userName: "me" }));

/** What a user was told is done; `pending` was asked for and not answered, and may be done or not. */
interface Told<T> {
  value: T;
  pending?: { readonly value: T };
}

/** Writers run beside each other, each with one request under way. */
class Writers {
  readonly #bed: Bed;
  readonly #random: () => number;
  #count = 0;
  #isOver = false;
  acknowledged = 0;
  readonly key: Told<string> = { value: "0001" };
  readonly defaultRole: Told<string> = { value: "dev" };
  /** Tokens by name; null: revoked. */
  readonly leases = new Map<string, Told<string | null>>();
  /** Tokens that were refused from the moment at which that was answered. */
  readonly dead = new Set<string>();

  constructor(bed: Bed, random: () => number) {
    this.#bed = bed;
    this.#random = random;
  }

  /** Until brokerd is gone. */
  async write(): Promise<void> {
    this.#isOver = false;
    const writers = [() => this.#writeKey(), () => this.#writeLease(), () => this.#writeRole()];
    await Promise.all(writers.map((writer) => this.#repeat(writer)));
  }

  end(): void {
    this.#isOver = true;
  }

  async #repeat(write: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      const isAnswered = await write().then(
        () => true,
        () => false,
      );
      if (!isAnswered) return;
      this.acknowledged++;
    }
  }

  async #writeKey(): Promise<void> {
    const key = KEYS[this.#count++ % KEYS.length]!;
    await this.#tell(this.key, key.accessKeyId.slice(-4), () =>
      this.#bed.broker.call("keys-add", { source: "ops-keys", ...key, replace: true }),
    );
  }

  async #writeRole(): Promise<void> {
    const role = this.defaultRole.value === "dev" ? "prod" : "dev";
    await this.#tell(this.defaultRole, role, () => this.#bed.broker.call("use", { lease: { by: "default" }, role }));
  }

  /** Of ten names: made, rotated, revoked. */
  async #writeLease(): Promise<void> {
    const name = `lease-${Math.floor(this.#random() * 10)}`;
    const lease = { by: "name", name } as const;
    const told = this.leases.get(name) ?? { value: null };
    this.leases.set(name, told);
    const former = told.value;
    if (former === null) {
      // Its token is not known before it is answered: `unknown` until then.
      told.pending = { value: "unknown" };
      told.value = (await this.#bed.broker.call("lease-create", { name, role: "dev" })).token;
    } else if (this.#random() < 0.5) {
      told.pending = { value: "unknown" };
      told.value = (await this.#bed.broker.call("lease-rotate", { lease })).token;
      this.dead.add(former);
    } else {
      told.pending = { value: null };
      await this.#bed.broker.call("lease-revoke", { lease });
      told.value = null;
      this.dead.add(former);
    }
    delete told.pending;
  }

  async #tell<T>(told: Told<T>, value: T, write: () => Promise<unknown>): Promise<void> {
    told.pending = { value };
    await write();
    told.value = value;
    delete told.pending;
  }
}

describe("SIGKILL at random moments under writes", () => {
  it(`loses nothing that was acknowledged: ${KILLS} kills`, { timeout: HANGS_MS }, async () => {
    const verdict = new Verdict();
    const random = seededRandom(SEED);
    await withReadyBed({ verdict, name: "kills", aws: { users: USERS } }, async (bed) => {
      await bed.broker.call("use", { lease: { by: "default" }, role: "dev" });
      const writers = new Writers(bed, random);
      const steady = await bed.access("prod");
      for (let kill = 0; kill < KILLS; kill++) {
        const writing = writers.write();
        await pause(random() * LATEST_KILL_MS);
        await bed.end("SIGKILL");
        writers.end();
        await writing;
        await bed.mustStart();
        await compare(bed, writers, verdict);
        await bed.askUntil(steady, ({ status }) => status === 200);
      }
      const leftovers = bed.files().filter((name) => /\.tmp|~$/.test(name));
      verdict.conclude({
        case: `${KILLS} × SIGKILL under three writers`,
        expected: "every acknowledged key, lease, token, revocation and role is there; no file is left over",
        got: `${writers.acknowledged} acknowledged, ${leftovers.length} files left over, ${bed.waited}`,
        holds: writers.acknowledged > KILLS && leftovers.length === 0 && bed.quick,
        proves: ["C10", "C12", "C16"],
      });
    });
  });
});

/** Takes what is there as acknowledged from here on. */
async function compare(bed: Bed, writers: Writers, verdict: Verdict): Promise<void> {
  const status = await bed.broker.call("status", {});
  const broken = status.daemon.warnings.filter((warning) => warning.includes("broken"));
  verdict.look("lost", broken[0]);

  const { keys } = await bed.broker.call("keys-list", {});
  settle(writers.key, keys[0]?.accessKeyIdSuffix ?? "", (what) => verdict.look("lost", what && `key: ${what}`));
  settle(writers.defaultRole, status.defaultRole ?? "", (what) => verdict.look("lost", what && `role: ${what}`));

  const there = new Map<string, string>();
  for (const { name } of (await bed.broker.call("lease-list", {})).leases) {
    if (!name?.startsWith("lease-")) continue;
    there.set(name, (await bed.broker.call("lease-access", { lease: { by: "name", name } })).token);
  }
  for (const [name, told] of writers.leases) {
    settle(told, there.get(name) ?? null, (what) => verdict.look("lost", what && `${name}: ${what}`));
  }
  for (const token of [...writers.dead].slice(-5)) {
    const answer = await bed.get(`http://127.0.0.1:${bed.port}/lease/${token}`);
    verdict.look("leaked", answer.status === 403 ? undefined : `a token that was ended: ${codeOf(answer)}`);
  }
}

/** Either what was acknowledged, or what was under way. */
function settle<T extends string | null>(told: Told<T>, found: T, look: (wrong: string | undefined) => void): void {
  const { value, pending } = told;
  const isPending = found === pending?.value || (pending?.value === "unknown" && found !== null);
  const suits = found === value || isPending;
  look(suits ? undefined : `acknowledged ${mask(value)}, found ${mask(found)}`);
  told.value = found;
  delete told.pending;
}

function mask(value: string | null): string {
  return value === null ? "none" : value.slice(0, 8);
}
