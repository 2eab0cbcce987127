import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createControlClient } from "../../src/control-api/client.js";
import { SystemClock } from "../../src/system/clock.js";
import { ProcPeers } from "../../src/system/peer-identity.js";
import { organization } from "../fakes/fake-identity-center/organization.js";
import { type InProcessBroker, roleArn, USER_KEY } from "./in-process-broker.js";
import { type SsoBroker, startSsoBroker } from "./sso-broker.js";
import { tempDir } from "./temp-dir.js";

/** Roles of each kind that the page tells apart. */
export const DAY_YAML = `
defaults: { region: eu-west-1 }
sources:
  corp: { type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1 }
  ops-keys: { type: keys }
  break-glass: { type: keys, mfa_serial: "arn:aws:iam::111111111111:mfa/me" }
  spare-keys: { type: keys }
roles:
  dev: { source: corp, sso_account_id: "100000000001", sso_role_name: AdministratorAccess }
  staging: { source: corp, sso_account_id: "100000000002", sso_role_name: PowerUserAccess }
  data-readonly: { source: ops-keys, role_arn: "${roleArn("dev")}" }
  deploy: { source_role: data-readonly, role_arn: "${roleArn("chained")}" }
  prod: { source: ops-keys, role_arn: "${roleArn("prod")}", guard: { reason: true, max_lease: 30m } }
  root-ops: { source: ops-keys, role_arn: "${roleArn("prod")}", guard: { confirm: terminal, reason: true, max_lease: 15m } }
  billing: { source: ops-keys, role_arn: "${roleArn("not-mine")}" }
  audit: { source: break-glass, role_arn: "${roleArn("dev")}" }
  archive: { source: spare-keys, role_arn: "${roleArn("dev")}" }
requests:
  - { role: "prod", scope: any, decide: ask, max: 1h }
schedules:
  - { cron: "0 19 * * 1-5", do: lock }
  - { cron: "30 8 * * 1-5", do: login-notice break-glass }
`;

/** A program with a name and a directory of its own, which fetches when it is told. */
export interface DayProgram {
  /** As often as it takes: what is fetched for the first time may be pending. */
  fetch(url: string): Promise<void>;
  stop(): void;
}

/** A daemon with a few hours of work behind it, on a clock that stands still: what the page shows of it is always the same. */
export interface PageDay extends SsoBroker {
  readonly programs: readonly DayProgram[];
  /** A request of the lease `agent`, as it would ask for itself. */
  request(wish: { readonly role: string; readonly reason: string; readonly readOnly?: boolean }): Promise<string>;
}

const HOUR_MS = 3_600_000;
/** 08:12 in UTC, a Tuesday. */
export const DAY_BEGINS = Date.parse("2026-03-10T08:12:00Z");

export async function startPageDay({ hours = 5 }: { readonly hours?: number } = {}): Promise<PageDay> {
  const fixture = await startSsoBroker({
    config: DAY_YAML,
    users: { ann: organization(3, 2) },
    clockStart: DAY_BEGINS,
    peers: new ProcPeers({ clock: new SystemClock() }),
  });
  const { broker } = fixture;
  await broker.call("keys-add", { source: "ops-keys", ...USER_KEY, replace: false });
  await broker.call("keys-add", { source: "break-glass", ...USER_KEY, replace: false });
  await fixture.logIn();
  const agent = await broker.call("lease-create", { name: "agent", role: "staging", scope: { readOnly: true } });
  const ide = await broker.call("lease-create", { name: "ide", role: "dev" });
  const ci = await broker.call("lease-create", {
    name: "terraform",
    role: "data-readonly",
    scope: { services: ["s3"] },
  });
  await broker.call("use", { lease: { by: "default" }, role: "dev" });
  const terraform = startProgram("terraform", "code/infra");
  const claude = startProgram("claude", "code/orders");
  const idea = startProgram("idea", "code/orders");
  const programs = [terraform, claude, idea];
  for (let hour = 0; hour < hours; hour++) {
    await idea.fetch(ide.leaseUrl);
    if (hour % 2 === 0) await terraform.fetch(ci.leaseUrl);
    if (hour > 1) await claude.fetch(agent.leaseUrl);
    await broker.pass(HOUR_MS);
  }
  await untilKnown(broker, [
    ["terraform", () => terraform.fetch(ci.leaseUrl)],
    ["agent", () => claude.fetch(agent.leaseUrl)],
    ["ide", () => idea.fetch(ide.leaseUrl)],
  ]);
  await broker.call("warm", { role: "billing" }).catch(() => undefined);
  const asAgent = createControlClient({
    socketPath: join(broker.home, "run", "control.sock"),
    version: "0.0.0-test",
    caller: { pid: process.pid, leaseToken: agent.token },
  });
  return {
    ...fixture,
    programs,
    async request({ role, reason, readOnly = false }) {
      const scope = readOnly ? { scope: { readOnly: true as const } } : {};
      return (await asAgent.call("request-create", { role, reason, forSeconds: 1800, ...scope })).id;
    },
    async close() {
      for (const program of programs) program.stop();
      await fixture.close();
    },
  };
}

/** Which program it was is looked up after the answer, and not at all by a daemon that is busy: until it was. */
async function untilKnown(
  broker: InProcessBroker,
  fetches: readonly (readonly [lease: string, fetch: () => Promise<void>])[],
): Promise<void> {
  for (const [name, fetch] of fetches) {
    do {
      await fetch();
      await broker.pass(1000);
    } while ((await broker.call("lease-show", { lease: { by: "name", name } })).lastUsedBy?.program == null);
  }
}

/** A connection for each request, kept until the next: which program it is, is looked up once a connection, after the answer. */
const PROGRAM = `import http from "node:http";
import { createInterface } from "node:readline";
process.title = process.argv[2];
let last;
for await (const url of createInterface({ input: process.stdin })) {
  last?.destroy();
  last = new http.Agent({ keepAlive: true });
  http.get(url, { agent: last }, (answer) => answer.resume().on("end", () => console.log(answer.statusCode)));
}
`;

export function startProgram(name: string, directory: string): DayProgram {
  const home = tempDir("programs");
  const cwd = join(home, directory);
  mkdirSync(cwd, { recursive: true });
  const script = join(home, `${name}.mjs`);
  writeFileSync(script, PROGRAM);
  const child: ChildProcess = spawn(process.execPath, [script, name], { cwd, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout! });
  return {
    async fetch(url) {
      for (let status = 503; status === 503; ) {
        const answered = once(lines, "line");
        child.stdin?.write(`${url}\n`);
        status = Number((await answered)[0]);
      }
    },
    stop: () => void child.kill(),
  };
}
