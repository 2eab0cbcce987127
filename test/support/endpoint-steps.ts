import { BrokerError } from "../../src/core/errors.js";
import { grantDigest } from "../../src/core/guard.js";
import { hashLeaseToken, type Lease } from "../../src/core/lease.js";
import type { Role } from "../../src/core/role.js";
import type { LeaseSnapshot } from "../../src/leases/lease-snapshot.js";
import type { PeerVerdict } from "../../src/system/peer-identity.js";
import type { EndpointSide } from "./endpoint-side.js";
import { seededRandom } from "./random.js";
import { keysSource, roleOn } from "./roles.js";

export const OWN_UID = process.getuid?.() ?? 0;
const SLOTS = 6;
const SOURCE = keysSource("ops-keys");
const GUARD = { guard: { confirm: "terminal", reason: false, maxLeaseSeconds: 3600 } } as const;
const ROLES: Readonly<Record<string, Role>> = {
  dev: roleOn(SOURCE, "dev"),
  ops: roleOn(SOURCE, "ops"),
  prod: roleOn(SOURCE, "prod", GUARD),
};
/** Of each kind a few: names of leases, whose tokens follow from them. */
const LEASES = ["default", "ide", "pinned", "shell-1", "shell-2"] as const;
const LOCKED = new BrokerError("StoreLocked", "the secret store is locked", { hint: "brokerctl unlock" });
const MINUTE_MS = 60_000;

/** A token that looks like any other. */
export function tokenOf(name: string): string {
  return `brk_${name.padEnd(43, "x").replaceAll(/[^\w-]/g, "_")}`;
}

const HEADERS: readonly string[] = [
  ...["Accept: application/json", "Accept: */*", "Accept-Encoding: identity", "accept-encoding: gzip", "TE: trailers"],
  ...["User-Agent: python-urllib3/2.7.0", "user-agent: aws-sdk-cpp/1.11.800", "Connection: keep-alive"],
  ...["Amz-Sdk-Request: attempt=1; max=3", "sec-fetch-mode: cors", "Sec-Fetch-Site: none", "Content-Length: 0"],
  ...["X-Api-Key: y", "__proto__: 1", "constructor: 2", `X-A: ${"x".repeat(300)}`, "X-B:"],
];
const HOSTILE_HEADERS: readonly string[] = [
  ...["Origin: null", "Referer: http://x/", "Cookie: a=b", "Sec-Fetch-Site: cross-site", "Via: 1.1 x"],
  ...["X-Forwarded-For: 1.1.1.1", "Forwarded: for=1.1.1.1", "Content-Length: 3", "Expect: 100-continue"],
  ...["Upgrade: h2c", "Connection: close", "Host: evil.example", "Authorization: nonsense", "Content-Length: 00"],
];
const HOSTS = ["127.0.0.1:PORT", "127.0.0.1:PORT", "127.0.0.1", "localhost:PORT", "[::1]", "LOCALHOST"];
const BAD_HOSTS = ["evil.example", "127.0.0.1:1", "", "0.0.0.0:PORT"];
const BAD_TARGETS = [
  "/",
  "/lease/",
  "/creds/",
  "/CREDS",
  "/creds?a=b",
  "//creds",
  "/healthz",
  "http://127.0.0.1/creds",
];

/**
 * Steps that a seed decides: requests, mostly good and mostly as the one before on their connection, and between them
 * everything that changes what a request is answered. Both sides take each step.
 */
export class EndpointSteps {
  readonly #sides: readonly EndpointSide[];
  readonly #random: () => number;
  readonly #last = new Map<number, string>();
  #inode = 1;
  #roles = { ...ROLES };
  #snapshot: LeaseSnapshot = { leases: new Map(), ended: [], rotationDue: new Set() };

  constructor(sides: readonly EndpointSide[], seed: number) {
    this.#sides = sides;
    this.#random = seededRandom(seed);
  }

  async begin(): Promise<void> {
    for (const name of LEASES) this.#put(this.#leaseNamed(name, "dev"));
    await this.#apply();
    await this.#configure();
  }

  /** One request with what comes before it; the answer of each side. */
  async next(): Promise<{ readonly request: string; readonly answers: readonly string[] }> {
    if (this.#oneIn(25)) await this.#change();
    const slot = this.#below(SLOTS);
    if (this.#oneIn(12)) this.#reconnect(slot);
    const request = this.#oneIn(4) ? this.#request() : (this.#last.get(slot) ?? this.#request());
    // Behind a request that ends its connection Node takes another for malformed, and the connection is dropped: had the answer left?
    const mayRepeat = !request.includes("Connection: close");
    const bytes = mayRepeat && this.#oneIn(60) ? request + request : request;
    const answers = await Promise.all(this.#sides.map((side) => side.ask(slot, bytes)));
    if (answers[0]?.includes(" 200 ")) this.#last.set(slot, request);
    else if (this.#oneIn(2)) this.#last.delete(slot);
    return { request: bytes, answers };
  }

  #reconnect(slot: number): void {
    const inode = this.#inode++;
    const peer = { uid: OWN_UID, inode };
    const verdicts: readonly PeerVerdict[] = [
      { kind: "other", peer: { uid: 61_236, inode } },
      { kind: "late" },
      { kind: "half-closed" },
      { kind: "not-checked" },
    ];
    const verdict = this.#oneIn(6) ? this.#oneOf(verdicts) : ({ kind: "own", peer } as const);
    const atOnce = this.#oneIn(3);
    for (const side of this.#sides) {
      side.hangUp(slot);
      side.nextPeer = { verdict, atOnce };
    }
  }

  #request(): string {
    const token = tokenOf(this.#oneIn(10) ? "unknown" : this.#oneOf(LEASES));
    const byPath = this.#oneIn(2);
    const fields = [`Host: ${this.#oneIn(40) ? this.#oneOf(BAD_HOSTS) : this.#oneOf(HOSTS)}`];
    if (!byPath) fields.push(`${this.#oneOf(["Authorization", "authorization"])}: ${this.#scheme()}${token}`);
    for (let more = this.#below(4); more > 0; more--) fields.push(this.#oneOf(HEADERS));
    if (this.#oneIn(20)) fields.splice(this.#below(fields.length + 1), 0, this.#oneOf(HOSTILE_HEADERS));
    const target = this.#oneIn(25) ? this.#oneOf(BAD_TARGETS) : byPath ? `/lease/${token}` : "/creds";
    const method = this.#oneIn(25) ? this.#oneOf(["HEAD", "POST", "OPTIONS", "DELETE"]) : "GET";
    const version = this.#oneIn(60) ? "1.0" : "1.1";
    return `${method} ${target} HTTP/${version}\r\n${fields.join("\r\n")}\r\n\r\n`;
  }

  #scheme(): string {
    return this.#oneIn(20) ? "Basic " : this.#oneOf(["", "", "Bearer ", "bearer  "]);
  }

  async #change(): Promise<void> {
    const changes = [
      () => this.#startOver(),
      () => this.#startOver(),
      () => this.#startOver(),
      () => this.#move(),
      () => this.#end(),
      () => this.#grant(),
      () => this.#configure(),
      () => this.#upstream(),
      () => this.#pass(),
      () => this.#pass(),
    ];
    await this.#oneOf(changes)();
  }

  /** Otherwise most would be refused before long. */
  async #startOver(): Promise<void> {
    for (const name of LEASES) this.#put(this.#leaseNamed(name, this.#oneOf(["dev", "ops"])));
    await this.#apply();
    this.#roles = { ...ROLES };
    for (const side of this.#sides) {
      side.denied = "";
      side.credentials.block(undefined);
      side.credentials.configure(Object.values(this.#roles), 8 * 60 * MINUTE_MS);
    }
  }

  async #move(): Promise<void> {
    const lease = this.#leaseNamed(this.#oneOf(LEASES), this.#oneOf(["dev", "ops", "prod", "gone", null]));
    const until = this.#now() + this.#oneOf([500, MINUTE_MS, 30 * MINUTE_MS]);
    const temporary = this.#oneIn(4) ? { temporary: { until, thenRole: "ops" } } : {};
    this.#put({ ...lease, ...temporary, expiresAt: this.#oneIn(3) ? until : null });
    await this.#apply();
  }

  async #end(): Promise<void> {
    const lease = this.#snapshot.leases.get(this.#oneOf(LEASES));
    if (!lease) return;
    const leases = new Map(this.#snapshot.leases);
    leases.delete(lease.id);
    const ended = { tokenHash: lease.tokenHash, leaseId: lease.id, label: lease.id, kind: lease.kind };
    this.#snapshot = { ...this.#snapshot, leases, ended: [{ ...ended, endedAt: this.#now() }] };
    for (const side of this.#sides) await side.leases.applyThenSave(this.#snapshot);
  }

  async #grant(): Promise<void> {
    const lease = this.#snapshot.leases.get(this.#oneOf(LEASES));
    if (!lease) return;
    const digest = grantDigest(this.#roles["prod"] ?? ROLES["prod"]!);
    const grant = { role: "prod", digest, grantedAt: this.#now(), until: this.#now() + 5 * MINUTE_MS };
    this.#put({ ...lease, role: "prod", followsDefault: false, grants: this.#oneIn(3) ? [] : [grant] });
    await this.#apply();
  }

  async #configure(): Promise<void> {
    this.#roles = { ...ROLES };
    if (this.#oneIn(3))
      this.#roles["dev"] = roleOn(SOURCE, "dev", this.#oneIn(2) ? GUARD : ({ externalId: "x" } as object));
    if (this.#oneIn(4)) delete this.#roles["ops"];
    for (const { credentials } of this.#sides) credentials.configure(Object.values(this.#roles), 8 * 60 * MINUTE_MS);
  }

  async #upstream(): Promise<void> {
    const act = this.#below(5);
    for (const side of this.#sides) {
      if (act === 0) side.denied = side.denied === "" ? "dev" : "";
      if (act === 1) side.credentials.dropAll();
      if (act === 2) side.credentials.block(LOCKED);
      if (act === 3) side.credentials.sweep();
      if (act === 4) await side.audit.sweep();
    }
  }

  /** What the last requests are recorded with is the time before it passes. */
  async #pass(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    const ms = this.#oneOf([10, 400, 1000, 20_000, MINUTE_MS, 5 * MINUTE_MS, 20 * MINUTE_MS, 61 * MINUTE_MS]);
    for (const { clock } of this.#sides) await clock.advance(ms);
  }

  #leaseNamed(name: (typeof LEASES)[number], role: string | null): Lease {
    const kinds = {
      default: "default",
      ide: "named",
      pinned: "pinned",
      "shell-1": "child",
      "shell-2": "child",
    } as const;
    const kind = kinds[name];
    const followsDefault = name === "shell-2";
    return {
      ...{ id: name, kind, tokenHash: hashLeaseToken(tokenOf(name)), role: followsDefault ? null : role },
      ...{ followsDefault, createdAt: 0, expiresAt: null, lastUsedAt: null },
      ...(kind !== "child" && { name }),
    };
  }

  #put(lease: Lease): void {
    this.#snapshot = { ...this.#snapshot, leases: new Map(this.#snapshot.leases).set(lease.id, lease) };
  }

  async #apply(): Promise<void> {
    for (const side of this.#sides) await side.leases.saveThenApply(this.#snapshot);
  }

  #now(): number {
    return this.#sides[0]!.clock.now();
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #oneIn(count: number): boolean {
    return this.#below(count) === 0;
  }

  #oneOf<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]!;
  }
}
