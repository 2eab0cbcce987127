import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { AuditLog } from "../../src/audit/audit-log.js";
import type { HeldCredentials } from "../../src/core/credentials.js";
import { BrokerError } from "../../src/core/errors.js";
import type { LeaseScope } from "../../src/core/lease-scope.js";
import type { Role } from "../../src/core/role.js";
import { Secret } from "../../src/core/secret.js";
import { type Asked, CredentialsRegistry } from "../../src/credentials/credentials-registry.js";
import { createEndpointApp } from "../../src/endpoint/app.js";
import { type Listener, listenOnLoopback } from "../../src/http/listen.js";
import type { LeaseSnapshot } from "../../src/leases/lease-snapshot.js";
import { LeaseState } from "../../src/leases/lease-state.js";
import { SystemClock } from "../../src/system/clock.js";
import type { AcceptedConnection, PeerIdentity, PeerVerdict } from "../../src/system/peer-identity.js";
import { redactText } from "../../src/system/redact.js";
import { MemorySecretStore } from "../fakes/memory-secret-store.js";
import { auditLines } from "./audit-lines.js";
import { CANARY } from "./canaries.js";
import { FakeClock } from "./fake-clock.js";
import { memoryLogger } from "./memory-logger.js";
import { tempDir } from "./temp-dir.js";

const HOUR_MS = 3_600_000;

/** Whose the program at the other end is. */
export interface PlannedPeer {
  readonly verdict: PeerVerdict;
  /** Whether that is known before anyone asks. */
  readonly atOnce: boolean;
}

/** Each connection has a peer from its beginning. */
class PlannedPeers implements PeerIdentity {
  readonly notChecked = undefined;
  readonly #byPort = new Map<number | undefined, PlannedPeer>();
  readonly #asked = new WeakSet<AcceptedConnection>();

  plan(clientPort: number | undefined, peer: PlannedPeer): void {
    this.#byPort.set(clientPort, peer);
  }

  async of(connection: AcceptedConnection): Promise<PeerVerdict> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#asked.add(connection);
    return this.#peer(connection).verdict;
  }

  known(connection: AcceptedConnection): PeerVerdict | undefined {
    const { verdict, atOnce } = this.#peer(connection);
    return verdict.kind !== "late" && (atOnce || this.#asked.has(connection)) ? verdict : undefined;
  }

  #peer({ remotePort }: AcceptedConnection): PlannedPeer {
    return this.#byPort.get(remotePort)!;
  }
}

/** A whole endpoint, all real but peers, clock and upstream: two of them that get the same must answer and write the same. */
export class EndpointSide {
  readonly clock = new FakeClock();
  /** Of the connections that are made from now on. */
  nextPeer: PlannedPeer = { verdict: { kind: "not-checked" }, atOnce: true };
  readonly #peers = new PlannedPeers();
  readonly leases: LeaseState;
  readonly credentials: CredentialsRegistry;
  readonly audit: AuditLog;
  /** How often AWS was asked. */
  asked = 0;
  /** What AWS refuses to assume; "": nothing. */
  denied = "";
  fromMemory = 0;
  readonly #stateDir = tempDir("side");
  readonly #connections = new Map<number, Socket>();
  readonly #logger = memoryLogger();
  #listener!: Listener;

  constructor() {
    const { clock } = this;
    this.leases = new LeaseState({
      ...{ path: `${this.#stateDir}/leases.json`, clock, logger: this.#logger },
      writeAtomic: () => Promise.resolve(),
      onChange: () => Promise.resolve(),
    });
    this.credentials = new CredentialsRegistry({
      retrieveUpstream: (role) => this.#upstream(role),
      ...{ clock, logger: this.#logger, random: () => 0.5, onChange: () => undefined },
    });
    const program = (pid: number) => ({ pid, program: `p${pid % 3}`, cwd: "/" });
    const processes = {
      processOf: async ({ inode }: { inode: number }) => (inode % 5 === 0 ? undefined : program(inode)),
      processAt: async (pid: number) => program(pid),
    };
    const stores = { stateDir: this.#stateDir, secrets: new MemorySecretStore() };
    // When a file is full depends on when it was written.
    const oneFile = { fileBytes: Number.POSITIVE_INFINITY, files: 1 };
    const limits = { audit: oneFile, refusals: oneFile };
    this.audit = new AuditLog({ ...stores, processes, redact: redactText, clock, logger: this.#logger, limits });
  }

  static async start({ fromMemory }: { readonly fromMemory: boolean }): Promise<EndpointSide> {
    const side = new EndpointSide();
    await side.audit.open();
    await side.leases.load();
    await side.#listen(fromMemory);
    return side;
  }

  async setLeases(snapshot: LeaseSnapshot): Promise<void> {
    await this.leases.saveThenApply(snapshot);
  }

  /** Sends on the connection of that number, a new one if it has none; the answer, and whether the connection was closed behind it. */
  async ask(slot: number, template: string): Promise<string> {
    const socket = this.#connections.get(slot) ?? (await this.#connect(slot));
    const isTwo = template.indexOf("\r\n\r\n") + 4 < template.length;
    const answer = answerOn(socket, { isHead: template.startsWith("HEAD"), untilClose: isTwo });
    socket.write(template.replaceAll("PORT", String(this.#listener.port)));
    const text = await answer;
    const isClosed = socket.destroyed;
    if (isClosed) this.#connections.delete(slot);
    return `${masked(text)}${isClosed ? "[closed]" : ""}`;
  }

  hangUp(slot: number): void {
    this.#connections.get(slot)?.destroy();
    this.#connections.delete(slot);
  }

  /** What requests leave behind, beside the files. */
  state(): object {
    const leases = [...this.leases.snapshot.leases.values()].map((lease) => this.leases.present(lease));
    return {
      leases: leases.map(({ id, role, lastUsedAt }) => [id, role, lastUsedAt, this.#told(id)]),
      roles: this.credentials.snapshot().map(({ role, lastRequestedAt, error }) => [role.name, lastRequestedAt, error]),
      holders: this.audit.holders.find({}, this.clock.now()),
      asked: this.asked,
    };
  }

  #told(lease: string): readonly unknown[] {
    return [this.audit.holders.lastUserOf(lease), this.audit.refusals.find({ lease })];
  }

  /** What is on record, after the end: line by line, without the hash of the line before, which makes all that follow a difference another one. */
  async end(): Promise<readonly string[]> {
    for (const socket of this.#connections.values()) socket.destroy();
    await this.#listener.close();
    await this.audit.close();
    const lines = [...auditLines(this.#stateDir), ...auditLines(this.#stateDir, "refusals")];
    return lines.map((line) => JSON.stringify({ ...line, prev: "" }));
  }

  async #listen(fromMemory: boolean): Promise<void> {
    const { leases, audit, clock } = this;
    const peers = this.#peers;
    const logger = this.#logger;
    const credentials = {
      retrieve: (role: string, asked?: Asked) => this.credentials.retrieve(role, asked),
      condition: (role: string, scope?: LeaseScope) => this.credentials.condition(role, scope),
      heldForClient: (role: string, scope?: LeaseScope) => {
        const held = this.credentials.heldForClient(role, scope);
        if (held) this.fromMemory++;
        return held;
      },
    };
    const app = createEndpointApp({
      ...{ leases, credentials, peers, audit, clock, logger, fromMemory },
      noticeResume: () => undefined,
      takeUpEdit: () => Promise.resolve(false),
      whyMissing: () => undefined,
    });
    const limits = { bodies: false, keepAliveTimeout: 60_000, requestTimeout: 60_000, headersTimeout: 60_000 };
    this.#listener = await listenOnLoopback(app, {
      ...{ port: 0, clock: new SystemClock(), logger, limits },
      onRefused: () => audit.record({ event: "refused", outcome: "refused", code: "RequestRefused" }),
    });
  }

  async #connect(slot: number): Promise<Socket> {
    const socket = connect(this.#listener.port!, "127.0.0.1").on("error", () => undefined);
    await once(socket, "connect");
    this.#peers.plan(socket.localPort, this.nextPeer);
    this.#connections.set(slot, socket);
    return socket;
  }

  async #upstream({ name }: Role): Promise<HeldCredentials> {
    const count = ++this.asked;
    if (name === this.denied) throw new BrokerError("AssumeRoleDenied", "not allowed", { hint: "ask for it" });
    const receivedAt = this.clock.now();
    const secret = (what: string) => new Secret(`${CANARY}/${what}-${count}`);
    return {
      credentials: {
        ...{ accessKeyId: `ASIA${String(count).padStart(16, "0")}`, expiration: receivedAt + HOUR_MS },
        ...{ secretAccessKey: secret("secret"), sessionToken: secret("session") },
      },
      receivedAt,
      roleArn: `arn:aws:iam::123456789012:role/${name}`,
    };
  }
}

interface Awaited {
  readonly isHead: boolean;
  readonly untilClose: boolean;
}

/** Until the answer is whole or the connection closed; where it says that it closes, until it did. */
function answerOn(socket: Socket, { isHead, untilClose }: Awaited): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const onData = (chunk: Buffer): void => {
      text += chunk.toString("latin1");
      if (!untilClose && isWhole(text, isHead) && !/^connection: close\r$/im.test(text)) done();
    };
    const done = (): void => {
      socket.off("data", onData).off("close", done);
      resolve(text);
    };
    socket.on("data", onData).on("close", done);
  });
}

function isWhole(text: string, isHead: boolean): boolean {
  const end = text.indexOf("\r\n\r\n") + 4;
  if (end < 4) return false;
  const length = isHead ? 0 : Number(/^content-length: (\d+)\r$/im.exec(text)?.[1] ?? 0);
  return text.length >= end + length;
}

function masked(text: string): string {
  return text.replace(/^(date: ).*$/im, "$1…");
}
