import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { Agent, get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuditLog, type AuditRecorder } from "../src/audit/audit-log.js";
import { Secret } from "../src/core/secret.js";
import { createEndpointApp } from "../src/endpoint/app.js";
import { listenOnLoopback } from "../src/http/listen.js";
import { SystemClock } from "../src/system/clock.js";
import { type PeerIdentity, ProcPeers } from "../src/system/peer-identity.js";
import { SystemProcessTable } from "../src/system/process-identity.js";
import { redactText } from "../src/system/redact.js";
import { ProcSocketProcesses } from "../src/system/socket-processes.js";

/**
 * What the peer check and the audit log add to a GET from memory, in CPU time of client and server, as ratios of the same endpoint without them: `npx tsx
 * scripts/bench-record.ts`. Pairs in turn, so that a machine whose speed drifts does not matter; the median of the ratios counts.
 */
const REQUESTS = 200;
/** On a connection each; the peer check takes 20 new connections a second, and ten at once. */
const CONNECTIONS = 20;
const PAIRS = 9;
const clock = new SystemClock();
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore, child: () => silent };
const stateDir = mkdtempSync(join(realpathSync(tmpdir()), "credbroker-bench-"));
const peer = { kind: "own", peer: { uid: process.getuid?.() ?? 0, inode: 1 } } as const;
const noCheck: PeerIdentity = { notChecked: undefined, of: () => Promise.resolve(peer), known: () => peer };
const noRecord: AuditRecorder = { record: ignore };
const audit = new AuditLog({
  ...{ stateDir, clock, logger: silent, redact: redactText },
  secrets: { get: () => Promise.resolve(undefined), put: () => Promise.resolve() },
  processes: new ProcSocketProcesses({ clock, processes: new SystemProcessTable() }),
});
await audit.open();

const bare = await endpoint(noCheck, noRecord);
const cases = {
  audit: await endpoint(noCheck, audit),
  "peer check": await endpoint(new ProcPeers({ clock }), noRecord),
  both: await endpoint(new ProcPeers({ clock }), audit),
};
for (const [connections, agent] of [
  ["a connection kept", new Agent({ keepAlive: true, maxSockets: 1 })],
  ["a connection each", undefined],
] as const) {
  for (const [name, port] of Object.entries(cases)) report(`${name}, ${connections}`, await ratios(port, agent));
  agent?.destroy();
}
await audit.close();
rmSync(stateDir, { recursive: true });
process.exit();

function ignore(): void {
  // nothing to do
}

async function endpoint(peers: PeerIdentity, recorder: AuditRecorder): Promise<number> {
  const lease = {
    id: "bench",
    name: "bench",
    kind: "named",
    role: "dev",
    tokenHash: "",
    followsDefault: false,
  } as const;
  const live = { ...lease, createdAt: 0, expiresAt: null, lastUsedAt: null };
  const secret = new Secret("x".repeat(40));
  const credentials = { accessKeyId: "ASIA0000000000000000", secretAccessKey: secret, sessionToken: secret };
  const held = { credentials: { ...credentials, expiration: clock.now() + 3_600_000 }, receivedAt: clock.now() };
  const app = createEndpointApp({
    leases: {
      ...{ resolve: () => live, find: () => live, byId: () => live, roleOf: () => "dev", touch: ignore },
      ...{ requireGrant: ignore, mayHave: () => true },
    },
    credentials: {
      ...{ retrieve: () => Promise.resolve(held), heldForClient: () => held },
      condition: () => ({ name: "dev", digests: [], guarded: false }),
    },
    ...{ peers, audit: recorder, clock, logger: silent, noticeResume: ignore },
    ...{ takeUpEdit: () => Promise.resolve(false), whyMissing: () => undefined },
  });
  return (await listenOnLoopback(app, { port: 0, clock, logger: silent, limits: { bodies: false } })).port ?? 0;
}

async function ratios(port: number, agent: Agent | undefined): Promise<readonly number[]> {
  const found: number[] = [];
  for (let pair = 0; pair <= PAIRS; pair++) {
    const ratio = (await time(port, agent)) / (await time(bare, agent));
    if (pair > 0) found.push(ratio); // the first one warms the caches
  }
  return found.sort((a, b) => a - b);
}

/** Of this process, client and server: the wall clock of a busy machine tells more of the others. */
async function time(port: number, agent: Agent | undefined): Promise<number> {
  const before = process.cpuUsage();
  for (let n = 0; n < (agent ? REQUESTS : CONNECTIONS); n++) await ask(port, agent);
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function ask(port: number, agent: Agent | undefined): Promise<void> {
  const path = `/lease/brk_${"b".repeat(43)}`;
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path, agent: agent ?? false }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`answered ${String(response.statusCode)}`));
      response.resume().once("end", resolve);
    }).once("error", reject);
  });
}

function report(name: string, sorted: readonly number[]): void {
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(2);
  process.stdout.write(`${name.padEnd(32)} ${at(0.5)} × without   (quartiles ${at(0.25)} to ${at(0.75)})\n`);
}
