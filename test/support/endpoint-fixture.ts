import type { AuditEvent } from "../../src/audit/audit-event.js";
import type { AuditRecorder } from "../../src/audit/audit-log.js";
import { type HeldCredentials } from "../../src/core/credentials.js";
import type { BrokerError } from "../../src/core/errors.js";
import type { RoleCondition } from "../../src/core/guard.js";
import { Secret } from "../../src/core/secret.js";
import type { Asked, RoleCredentials } from "../../src/credentials/credentials-registry.js";
import { createEndpointApp } from "../../src/endpoint/app.js";
import type { ServerLimits } from "../../src/http/limited-server.js";
import { type Listener, listenOnLoopback } from "../../src/http/listen.js";
import { SystemClock } from "../../src/system/clock.js";
import type { PeerIdentity } from "../../src/system/peer-identity.js";
import { FakeLeases } from "../fakes/fake-leases.js";
import { FakePeers } from "../fakes/fake-peers.js";
import { CANARY } from "./canaries.js";
import { FakeClock } from "./fake-clock.js";
import { memoryLogger } from "./memory-logger.js";

const NOW = Date.parse("2026-11-21T03:53:46.789Z");
export const ACCESS_KEY_ID = "ASIA00000000000ACCES";

export function hourOfCredentials(extra: Partial<HeldCredentials["credentials"]> = {}): HeldCredentials {
  return {
    credentials: {
      accessKeyId: ACCESS_KEY_ID,
      secretAccessKey: new Secret(`${CANARY}/endpoint-secret`),
      sessionToken: new Secret(`${CANARY}//endpoint-session`),
      expiration: NOW + 3_600_000,
      accountId: "123456789012",
      ...extra,
    },
    receivedAt: NOW,
    roleArn: "arn:aws:iam::123456789012:role/dev",
  };
}

/** Credentials by role: held, or the promise or error that asking for them gives. */
class FakeCredentials implements RoleCredentials {
  readonly answers = new Map<string, (waitedMs: number | undefined) => Promise<HeldCredentials>>();
  readonly #held = new Map<(waitedMs: number | undefined) => Promise<HeldCredentials>, HeldCredentials>();
  asked = 0;
  /** Roles that no lease gets without a grant. */
  readonly guarded = new Set<string>();

  condition(role: string): RoleCondition {
    return { name: role, digests: ["0".repeat(64)], guarded: this.guarded.has(role) };
  }

  hold(role: string, held: HeldCredentials): void {
    const answer = async (): Promise<HeldCredentials> => held;
    this.answers.set(role, answer);
    this.#held.set(answer, held);
  }

  heldForClient(role: string): HeldCredentials | undefined {
    const answer = this.answers.get(role);
    const held = answer && this.#held.get(answer);
    if (held) this.asked++;
    return held;
  }

  retrieve(role: string, { waitedMs }: Asked = {}): Promise<HeldCredentials> {
    this.asked++;
    const answer = this.answers.get(role);
    return answer ? answer(waitedMs) : Promise.reject(new Error(`no answer planned for ${role} ${CANARY}`));
  }
}

interface Fetch {
  readonly event: string;
  readonly lease: string | undefined;
  readonly role: string | null | undefined;
  readonly outcome: string;
  readonly code: string | undefined;
  readonly uid: number | undefined;
}

function asFetch(recorded: AuditEvent): Fetch {
  const { event, lease, role, outcome, code } = recorded;
  const uid = "peer" in recorded ? recorded.peer?.uid : undefined;
  return { event, lease: lease?.id, role, outcome, code, uid };
}

interface Given {
  readonly peers?: PeerIdentity;
  /** Whether what is in memory is answered before the app. */
  readonly fromMemory?: boolean;
}

/** For the suites that run again with another way to the same answers. */
export const everyFixture = { fromMemory: true, isPeerKnownAtOnce: false };

/** An endpoint with fakes behind it, or with real `peers`; `token` is good for the role dev. */
export function endpointFixture(given: Given = {}) {
  const leases = new FakeLeases();
  const credentials = new FakeCredentials();
  const peers = new FakePeers();
  peers.isKnownAtOnce = everyFixture.isPeerKnownAtOnce;
  const clock = new FakeClock();
  const logger = memoryLogger();
  const recorded: AuditEvent[] = [];
  const audit: AuditRecorder = { record: (event) => void recorded.push(event) };
  /** What is on record of each request. */
  const fetches = (): readonly Fetch[] => recorded.map(asFetch);
  let resumeChecks = 0;
  /** What an edit of the config does; true: it was taken up. */
  const config = {
    takeUpEdit: async (): Promise<boolean> => false,
    whyMissing: undefined as ((role: string) => BrokerError) | undefined,
  };
  credentials.hold("dev", hourOfCredentials());
  const app = createEndpointApp({
    ...{ leases, credentials, peers: given.peers ?? peers, audit, clock, logger },
    noticeResume: () => void resumeChecks++,
    takeUpEdit: () => config.takeUpEdit(),
    whyMissing: (role) => config.whyMissing?.(role),
    fromMemory: given.fromMemory ?? everyFixture.fromMemory,
  });
  const listen = (limits: Partial<ServerLimits> = {}): Promise<Listener> =>
    listenOnLoopback(app, {
      ...{ port: 0, clock: new SystemClock(), logger, limits: { bodies: false, ...limits } },
      onRefused: () => audit.record({ event: "refused", outcome: "refused", code: "RequestRefused" }),
    });
  const token = leases.add("dev");
  return {
    app,
    listen,
    leases,
    credentials,
    peers,
    clock,
    logger,
    recorded,
    fetches,
    config,
    token,
    resumeChecks: () => resumeChecks,
  };
}
