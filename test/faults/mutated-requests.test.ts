import { spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { describe, it } from "vitest";
import type { ControlOperation, ControlRequest } from "../../src/control-api/contract.js";
import { asUser, VICTIM } from "../attack/victim.js";
import { type Access, type Bed, HANGS_MS, IS_FULL, pause, SEED, withReadyBed } from "./bed.js";
import { Verdict } from "./verdict.js";

const REQUESTS = IS_FULL ? 100_000 : 10_000;

/** Runs a program under brokerd's user to its end; gives the JSON that it prints. */
async function runProgram<T>(script: string, args: readonly string[], input = ""): Promise<T> {
  const child = spawn("setpriv", [...asUser(VICTIM), process.execPath, script, ...args], {
    ...{ cwd: "/", env: {}, stdio: ["pipe", "pipe", "inherit"] },
  });
  child.stdin.end(input);
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  await once(child, "close");
  return JSON.parse(printed) as T;
}

/** Asks again and again while something else goes on: each answer is looked at. */
async function beside<T>(bed: Bed, access: Access, other: Promise<T>): Promise<T> {
  const over = new AbortController();
  const ended = other.finally(() => over.abort());
  while (!over.signal.aborted) {
    await bed.ask(access, { served: true });
    await pause(20);
  }
  return ended;
}

function shown(statuses: Readonly<Record<string, number>>): string {
  return Object.entries(statuses)
    .map(([status, count]) => `${count} × ${status}`)
    .join(", ");
}

describe(`${REQUESTS} mutated requests`, () => {
  it("to the endpoint: none ends brokerd, keeps a client waiting, or gets what it may not", {
    timeout: HANGS_MS,
  }, async () => {
    const verdict = new Verdict();
    await withReadyBed({ verdict, name: "endpoint" }, async (bed) => {
      const access = await bed.access("dev");
      await bed.askUntil(access, ({ status }) => status === 200);
      const token = new URL(access.url).pathname.split("/").at(-1) ?? "";
      const script = resolve("test/attack/programs/mutated-requests.mjs");
      const args = [String(bed.port), token, String(SEED), String(REQUESTS)];
      const { statuses, wrong } = await beside(
        bed,
        access,
        runProgram<{ statuses: Record<string, number>; wrong: string[] }>(script, args),
      );
      for (const what of wrong) verdict.look("leaked", what);
      verdict.conclude({
        case: `${REQUESTS} mutated requests to the endpoint`,
        expected: "alive, no 200 that may not be, no client waits for a second",
        got: `${bed.isAlive ? "alive" : "dead"}, ${shown(statuses)}, ${wrong.length} wrong, ${bed.waited}`,
        holds: bed.isAlive && wrong.length === 0 && bed.quick && (statuses["200"] ?? 0) > REQUESTS / 100,
        proves: ["C2", "C3", "C4", "C15"],
      });
    });
  });

  it("to the control socket: no unexpected error, no secret, and the endpoint serves", {
    timeout: HANGS_MS,
  }, async () => {
    const verdict = new Verdict();
    await withReadyBed({ verdict, name: "control" }, async (bed) => {
      const access = await bed.access("dev");
      await bed.askUntil(access, ({ status }) => status === 200);
      const script = join(import.meta.dirname, "programs", "mutated-control.mjs");
      const args = [join(bed.broker.home, "run", "control.sock"), String(SEED), String(REQUESTS)];
      const { statuses, wrong, wrongCount } = await beside(
        bed,
        access,
        runProgram<{ statuses: Record<string, number>; wrong: string[]; wrongCount: number }>(
          script,
          args,
          JSON.stringify(RIGHT),
        ),
      );
      const status = await bed.broker.call("status", {});
      verdict.conclude({
        case: `${REQUESTS} mutated requests to the control socket`,
        expected: "alive and ready, no 500, no secret, no client of the endpoint waits for a second",
        got: `${bed.isAlive ? "alive" : "dead"}, ${status.daemon.state}, ${shown(statuses)}, ${wrongCount} wrong ${wrong.slice(0, 2).join(" | ")}, ${bed.waited}`,
        holds:
          bed.isAlive && status.daemon.state === "ready" && wrongCount === 0 && bed.quick && (statuses["200"] ?? 0) > 0,
        proves: ["C6", "C11", "C13", "C15"],
      });
    });
  });
});

const CONFIG = { text: "version: 1\n", path: "/nowhere/config.yaml" };
const LEASE = { by: "name", name: "other" } as const;
const FUNCTION = { function: "orders", via: "dev" };
const DENIAL = {
  ...{ action: "dynamodb:PutItem", resource: null, principal: null, kind: null, isExplicit: null },
  ...{ policyArn: null, authorizationId: null, encoded: null },
} as const;
const REQUEST = { id: "abc234" };
/** They would end, lock or rob the brokerd that is looked at when they get through unchanged. */
type Ending = "stop" | "lock" | "keys-add" | "keys-remove" | "keys-rotate";

/** A right body of each operation but those: a new one has to be added. */
const RIGHT: { readonly [O in Exclude<ControlOperation, Ending>]: ControlRequest<O> } = {
  status: {},
  "store-create": { passphrase: "correct horse" },
  unlock: {},
  "config-check": CONFIG,
  "config-reload": {},
  "config-schema": {},
  projects: {},
  "source-add": { ...CONFIG, name: "new", fields: { type: "keys" } },
  "role-add": { ...CONFIG, name: "new", fields: { source: "ops-keys", policy_arns: ["a"] } },
  "entry-show": { ...CONFIG, kind: "role", name: "dev" },
  "entry-rename": { ...CONFIG, kind: "role", name: "dev", to: "other" },
  "entry-renamed": { kind: "source", name: "none", to: "other" },
  "entry-remove": { ...CONFIG, kind: "source", name: "ops-keys" },
  "keys-list": {},
  "import-plan": { ...CONFIG, aws: { config: CONFIG, credentials: CONFIG }, profiles: null, withDefault: true },
  "import-keys": { ...CONFIG, aws: { config: CONFIG }, profiles: ["x"], withDefault: false },
  "login-choices": {},
  "login-mfa": { source: "ops-keys", code: "123456" },
  "login-start": { source: "ops-keys", flow: "browser" },
  "login-wait": { loginId: "x" },
  "login-code": { loginId: "x", code: "c3RhdGU9eA==" },
  logout: { source: "none" },
  "sso-accounts": { source: "ops-keys", maxAgeSeconds: 60 },
  "sso-account-roles": { source: "ops-keys", accountId: "111111111111" },
  "sso-known-roles": {},
  "sso-roles-plan": { ...CONFIG, source: "ops-keys", nameTemplate: "{account}-{role}", found: [] },
  "lambda-list": { via: "dev", region: "eu-west-1", stack: "shop" },
  "lambda-role": { ...FUNCTION, mode: "assume" },
  "lambda-code": { ...FUNCTION },
  "lambda-code-part": { id: "0".repeat(32), offset: 0 },
  "lambda-trust": { ...FUNCTION, action: "show" },
  "lambda-why": { ...FUNCTION, denial: DENIAL, mode: "assume" },
  "task-role": { task: "orders", via: "dev", container: null },
  "task-trust": { task: "orders", via: "dev", action: "show" },
  "deploy-role": { via: "dev", roleName: "deploy", policyArns: [], managedRoles: ["orders-*"], action: "show" },
  use: { lease: { by: "default" }, role: "dev", forSeconds: 60 },
  "lease-narrow": { lease: LEASE, scope: { readOnly: true }, forSeconds: 3600 },
  "lease-set": { lease: LEASE, role: "dev", forSeconds: 60 },
  "guard-confirm": { role: "dev", target: LEASE, forSeconds: 60, reason: "looking", confirmed: true, quiet: true },
  "request-create": { role: "dev", reason: "looking", forSeconds: 60 },
  "request-list": {},
  "request-wait": REQUEST,
  "request-approve": { ...REQUEST, forSeconds: 60 },
  "request-deny": REQUEST,
  "lease-own": {},
  "request-roles": { byRules: true },
  "request-preview": { role: "dev", forSeconds: 60, byRules: false },
  "request-status": { ...REQUEST, waitSeconds: 0 },
  "request-release": REQUEST,
  warm: { role: "dev" },
  refresh: { role: "dev" },
  console: { role: "dev", service: "s3", region: "eu-west-1", forSeconds: 900, federate: true },
  whoami: { role: "dev" },
  "lease-access": { lease: { by: "default" } },
  "lease-create": { name: "other", role: "dev", forSeconds: 60 },
  "lease-child": { role: "dev", pid: 1 },
  "lease-hand-over": { id: "x", pid: 1 },
  "lease-list": {},
  "lease-show": { lease: LEASE },
  "lease-rotate": { lease: LEASE },
  "lease-revoke": { lease: LEASE },
  "audit-verify": {},
  who: { role: "dev" },
  why: { lease: { by: "default" }, pid: 7 },
  "ui-open": { findings: [{ level: "note", title: "a note", fix: null }] },
};
