import { expect } from "vitest";
import type { ControlOperation, ControlRequest } from "../../src/control-api/contract.js";
import type { LeaseAccess } from "../../src/control-api/lease-contract.js";
import type { Denial } from "../../src/core/denial.js";
import type { BrokerErrorCode } from "../../src/core/errors.js";
import { canarySecretKey } from "./canaries.js";

/** What both servers of the contract hold before each case: the suite names nothing else. */
export const CONTRACT_WORLD = {
  mfaSerial: "arn:aws:iam::111111111111:mfa/me",
  mfaCode: "123456",
  /** A live process. */
  pid: 4711,
  /** Sources `plain` (keys), `with-mfa` (keys that need a code) and `corp` (Identity Center); both keys are stored. */
  accessKeyId: "AKIA0000000000000001",
} as const;

/** Made of the last lease that the case was given access to, and of the first. */
export type FromLeases<Made> = (last: LeaseAccess, first: LeaseAccess) => Made;

/** One request and what must come of it: a part of the answer, or the code of an error. */
export interface ContractStep {
  readonly operation: ControlOperation;
  readonly request: object | FromLeases<object>;
  readonly answer: object | FromLeases<object>;
}

/** Steps on one server, in order. */
export interface ContractCase {
  readonly name: string;
  readonly steps: readonly ContractStep[];
}

function step<O extends ControlOperation>(
  operation: O,
  request: ControlRequest<O> | FromLeases<ControlRequest<O>>,
  answer: ContractStep["answer"] = {},
): ContractStep {
  return { operation, request, answer };
}

const code = (expected: BrokerErrorCode): { readonly code: BrokerErrorCode } => ({ code: expected });
const byDefault = { by: "default" } as const;
const ide = { by: "name", name: "ide" } as const;
const key = { accessKeyId: "AKIA0000000000000002", secretAccessKey: canarySecretKey("contract") };

const DEPLOY = { via: "dev", roleName: "deploy", policyArns: [], managedRoles: [] };
/** As AWS's usual form has it. */
const DENIAL: Denial = {
  ...{ action: "dynamodb:PutItem", resource: "arn:aws:dynamodb:eu-west-1:111111111111:table/orders", principal: null },
  kind: "identity",
  ...{ isExplicit: false, policyArn: null, authorizationId: null, encoded: null },
};
/** A config with one of each. */
const PLAIN = {
  path: "x",
  text: "version: 1\nsecret_store: key_file\nsources:\n  plain: { type: keys }\nroles:\n  dev: { source: plain }\n",
};

/** The control plane's contract as a table: each server of it must pass every case. */
export const CONTRACT_CASES: readonly ContractCase[] = [
  {
    name: "status tells the daemon, the default role, sources, roles and leases",
    steps: [
      step("status", {}, { daemon: { state: "ready", problem: null }, defaultRole: null }),
      step("use", { lease: byDefault, role: "dev" }),
      step("status", {}, { defaultRole: "dev", leases: [{ kind: "default", role: "dev", name: "default" }] }),
    ],
  },
  {
    name: "use moves the default lease and answers the role before and after",
    steps: [
      step("use", { lease: byDefault, role: "dev" }, { old: { role: null }, new: { role: "dev" } }),
      step("use", { lease: byDefault, role: "prod" }, { old: { role: "dev" }, new: { role: "prod" } }),
      step("lease-show", { lease: byDefault }, { role: "prod", temporary: null }),
    ],
  },
  {
    name: "use of a dash goes back to the role before, and is refused where there was none",
    steps: [
      step("use", { lease: byDefault, role: "-" }, code("NoRole")),
      step("use", { lease: byDefault, role: "dev" }),
      step("use", { lease: byDefault, role: "prod" }),
      step("use", { lease: byDefault, role: "-" }, { new: { role: "dev" } }),
      step("use", { lease: byDefault, role: "-" }, { new: { role: "prod" } }),
    ],
  },
  {
    name: "use for a time answers when the lease falls back, and to which role",
    steps: [
      step("use", { lease: byDefault, role: "dev" }),
      step(
        "use",
        { lease: byDefault, role: "prod", forSeconds: 60 },
        { lease: { role: "prod", temporary: { thenRole: "dev" } } },
      ),
    ],
  },
  {
    name: "a role that cannot be fetched leaves the lease on the role before",
    steps: [
      step("use", { lease: byDefault, role: "dev" }),
      step("use", { lease: byDefault, role: "nosuch" }, code("RoleUnknown")),
      step("use", { lease: byDefault, role: "admin" }, code("MfaRequired")),
      step("lease-show", { lease: byDefault }, { role: "dev" }),
    ],
  },
  {
    name: "a lease that does not exist is refused by every operation on leases",
    steps: [
      step("use", { lease: ide, role: "dev" }, code("LeaseUnknown")),
      step("lease-access", { lease: ide }, code("LeaseUnknown")),
      step("lease-show", { lease: ide }, code("LeaseUnknown")),
      step("lease-rotate", { lease: ide }, code("LeaseUnknown")),
      step("lease-revoke", { lease: ide }, code("LeaseUnknown")),
      step("lease-narrow", { lease: ide, scope: { readOnly: true } }, code("LeaseUnknown")),
      step("lease-hand-over", { id: "nosuch", pid: CONTRACT_WORLD.pid }, code("LeaseUnknown")),
      step("whoami", { lease: ide }, code("LeaseUnknown")),
    ],
  },
  {
    name: "a named lease is made once, found by name, id and token, and listed",
    steps: [
      step("lease-create", { name: "ide", role: "dev" }, { lease: { kind: "named", role: "dev", name: "ide" } }),
      step("lease-show", ({ token }) => ({ lease: { by: "token", token } }), { name: "ide" }),
      step("lease-show", ({ lease: { id } }) => ({ lease: { by: "id", id } }), { name: "ide" }),
      step("lease-show", { lease: ide }, { role: "dev", followsDefault: false, expiresAt: null }),
      step("lease-list", {}, { leases: [{ kind: "default" }, { name: "ide" }] }),
      step("lease-create", { name: "ide", role: "prod" }, code("Conflict")),
      step("lease-create", { name: "other", role: "nosuch" }, code("RoleUnknown")),
    ],
  },
  {
    name: "a lease without a role of its own follows the default lease",
    steps: [
      step("lease-create", { name: "ide", role: null }, { lease: { role: null, followsDefault: true } }),
      step("use", { lease: byDefault, role: "dev" }),
      step("lease-show", { lease: ide }, { role: "dev", followsDefault: true }),
      step("use", { lease: ide, role: "prod" }, { old: { role: "dev" }, lease: { followsDefault: false } }),
      step("lease-show", { lease: byDefault }, { role: "dev" }),
    ],
  },
  {
    name: "a rotated lease has a new token, and its old one is told apart from an unknown one",
    steps: [
      step("lease-create", { name: "ide", role: "dev" }),
      step(
        "lease-rotate",
        ({ token }) => ({ lease: { by: "token", token } }),
        ({ token }) => ({ lease: { name: "ide" }, token: expect.not.stringMatching(token) as unknown }),
      ),
      step("lease-show", ({ token }) => ({ lease: { by: "token", token } }), { name: "ide" }),
      step("lease-show", (_, { token }) => ({ lease: { by: "token", token } }), code("LeaseEnded")),
      step("lease-revoke", { lease: ide }, { name: "ide", role: "dev" }),
      step("lease-show", ({ token }) => ({ lease: { by: "token", token } }), code("LeaseEnded")),
      step("lease-show", { lease: { by: "token", token: `brk_${"x".repeat(43)}` } }, code("LeaseUnknown")),
      step("lease-show", { lease: ide }, code("LeaseUnknown")),
    ],
  },
  {
    name: "the default lease cannot be revoked",
    steps: [step("lease-revoke", { lease: byDefault }, code("UsageInvalid")), step("lease-show", { lease: byDefault })],
  },
  {
    name: "a lease of a name is narrowed, says what it had, and ends no later",
    steps: [
      step("lease-create", { name: "ide", role: "dev" }),
      step(
        "lease-narrow",
        { lease: ide, scope: { services: ["s3"] }, forSeconds: 600 },
        { lease: { name: "ide", scope: { services: ["s3"] } }, old: { scope: null, expiresAt: null }, holders: [] },
      ),
      step("lease-show", { lease: ide }, { role: "dev", scope: { services: ["s3"] } }),
      step("lease-narrow", { lease: ide, scope: { services: ["ec2"] } }, code("ScopeRefused")),
      step("lease-narrow", { lease: ide, forSeconds: 1200 }, code("ScopeRefused")),
      step("lease-narrow", { lease: ide }, code("UsageInvalid")),
      step("lease-narrow", { lease: byDefault, scope: { readOnly: true } }, code("UsageInvalid")),
    ],
  },
  {
    name: "the pinned lease of a role is made once and keeps its role",
    steps: [
      step("lease-access", { pinnedRole: "dev" }, { lease: { kind: "pinned", role: "dev", followsDefault: false } }),
      step("lease-access", { pinnedRole: "dev" }, ({ token }) => ({ token })),
      step("use", ({ token }) => ({ lease: { by: "token", token }, role: "prod" }), code("LeasePinned")),
      step("lease-access", { pinnedRole: "nosuch" }, code("RoleUnknown")),
    ],
  },
  {
    name: "the lease of a process names its holder, and only such a lease is handed over",
    steps: [
      step(
        "lease-child",
        { role: "dev", pid: CONTRACT_WORLD.pid, forSeconds: 60 },
        { lease: { kind: "child", role: "dev", holderPid: CONTRACT_WORLD.pid } },
      ),
      step("lease-hand-over", ({ lease: { id } }) => ({ id, pid: CONTRACT_WORLD.pid }), { handedOver: true }),
      step("lease-child", { role: "nosuch", pid: CONTRACT_WORLD.pid }, code("RoleUnknown")),
      step("lease-create", { name: "ide", role: "dev" }),
      step("lease-hand-over", ({ lease: { id } }) => ({ id, pid: CONTRACT_WORLD.pid }), code("UsageInvalid")),
    ],
  },
  {
    name: "warm, refresh and whoami answer for a role, and refuse one that is not configured",
    steps: [
      step("whoami", { lease: byDefault }, code("NoRole")),
      step("warm", { role: "dev" }, { role: "dev" }),
      step("refresh", { role: "dev" }, { refreshed: [{ role: "dev" }], failed: [] }),
      step("whoami", { role: "dev" }, { role: "dev" }),
      step("warm", { role: "nosuch" }, code("RoleUnknown")),
      step("refresh", { role: "nosuch" }, code("RoleUnknown")),
      step("whoami", { role: "nosuch" }, code("RoleUnknown")),
      step("warm", { role: "admin" }, code("MfaRequired")),
      step("refresh", { role: "admin" }, { refreshed: [], failed: [{ role: "admin", code: "MfaRequired" }] }),
    ],
  },
  {
    name: "a login with the right code makes the roles of the source available until the logout",
    steps: [
      step("login-mfa", { source: "with-mfa", code: "000000" }, code("MfaRequired")),
      step("login-mfa", { source: "with-mfa", code: CONTRACT_WORLD.mfaCode }, { source: "with-mfa" }),
      step("warm", { role: "admin" }, { role: "admin" }),
      step("logout", { source: "with-mfa" }, { wasLoggedIn: true, sources: ["with-mfa"], problem: null }),
      step("warm", { role: "admin" }, code("MfaRequired")),
    ],
  },
  {
    name: "login-choices lists what can be logged in to and what each source needs",
    steps: [
      step(
        "login-choices",
        {},
        {
          sources: [
            {
              name: "with-mfa",
              type: "keys",
              needs: "mfa_code",
              mfaSerial: CONTRACT_WORLD.mfaSerial,
              mfaProcess: false,
            },
            { name: "corp", type: "sso", needs: "sso", mfaSerial: null, mfaProcess: false },
          ],
        },
      ),
    ],
  },
  {
    name: "a login is refused for a source that takes none, and for one that is not configured",
    steps: [
      step("login-mfa", { source: "plain", code: CONTRACT_WORLD.mfaCode }, code("UsageInvalid")),
      step("login-mfa", { source: "nosuch", code: CONTRACT_WORLD.mfaCode }, code("SourceUnknown")),
      step("login-start", { source: "plain", flow: "device" }, code("UsageInvalid")),
      step("login-start", { source: "nosuch", flow: "device" }, code("SourceUnknown")),
      step("logout", { source: "plain" }, code("UsageInvalid")),
      step("logout", { source: "nosuch" }, code("SourceUnknown")),
    ],
  },
  {
    name: "a device login answers an address and a code to compare",
    steps: [step("login-start", { source: "corp", flow: "device" }, { flow: "device", joined: false, isDone: false })],
  },
  {
    name: "an access key is stored, listed by its last four characters, replaced on request and removed",
    steps: [
      step("keys-list", {}, { keys: [{ source: "plain", accessKeyIdSuffix: "0001" }, { source: "with-mfa" }] }),
      step("keys-add", { source: "plain", ...key, replace: false }, code("Conflict")),
      step("keys-add", { source: "plain", ...key, replace: true }, { source: "plain", accessKeyIdSuffix: "0002" }),
      step("keys-rotate", { source: "plain" }, { source: "plain" }),
      step("keys-remove", { source: "plain" }),
      step("keys-remove", { source: "plain" }, code("KeyMissing")),
      step("keys-rotate", { source: "plain" }, code("KeyMissing")),
      step("keys-add", { source: "nosuch", ...key, replace: false }, code("SourceUnknown")),
      step("keys-add", { source: "corp", ...key, replace: false }, code("UsageInvalid")),
    ],
  },
  {
    name: "a locked store shows in the status until it is unlocked, and no second data key is made",
    steps: [
      step("store-create", {}, code("Conflict")),
      step("lock", {}),
      step("status", {}, { daemon: { state: "locked" } }),
      step("unlock", {}, { state: "open" }),
      step("status", {}, { daemon: { state: "ready" } }),
    ],
  },
  {
    name: "the config is checked, loaded again and described, and an edit answers the new text",
    steps: [
      step(
        "config-check",
        { text: "version: 1\n", path: "x" },
        { roles: 3, sources: 3, endpointPort: 9171, programs: [] },
      ),
      step("config-reload", {}, { roles: 3, sources: 3, notes: [] }),
      step("config-schema", {}, { schema: { type: "object" } }),
      step("projects", {}, { projects: [], problems: [] }),
      step("source-add", { text: "", path: "x", name: "new", fields: { type: "keys" } }),
      step("role-add", { text: "", path: "x", name: "new", fields: { source: "plain" } }),
      step("entry-show", { ...PLAIN, kind: "role", name: "dev" }, { kind: "role", name: "dev" }),
      step("entry-show", { ...PLAIN, kind: "role", name: "nosuch" }, code("RoleUnknown")),
      step("entry-rename", { ...PLAIN, kind: "source", name: "nosuch", to: "other" }, code("SourceUnknown")),
      step("entry-renamed", { kind: "role", name: "dev", to: "other" }, code("Conflict")),
      step("entry-remove", { ...PLAIN, kind: "source", name: "nosuch" }, code("SourceUnknown")),
    ],
  },
  {
    name: "a deployed task gives a role, and its trust policy is shown, changed and restored",
    steps: [
      step("task-role", { task: "web", via: "dev", container: null }, { role: "task:web@dev", via: "dev" }),
      step("task-role", { task: "nosuch", via: "dev", container: null }, code("NotFound")),
      step("task-role", { task: "web", via: "nosuch", container: null }, code("RoleUnknown")),
      step("task-trust", { task: "web", via: "dev", action: "show" }, { isPresent: false, changed: false }),
      step("task-trust", { task: "web", via: "dev", action: "apply" }, { isPresent: true, changed: true }),
      step("task-trust", { task: "web", via: "dev", action: "undo" }, { isPresent: false, changed: true }),
    ],
  },
  {
    name: "a deployed function gives a role, and its trust policy is shown, changed and restored",
    steps: [
      step(
        "lambda-role",
        { function: "orders", via: "dev", mode: "assume" },
        { role: "lambda:orders@dev", via: "dev" },
      ),
      step("lambda-role", { function: "nosuch", via: "dev", mode: "assume" }, code("NotFound")),
      step("lambda-role", { function: "orders", via: "nosuch", mode: "assume" }, code("RoleUnknown")),
      step("lambda-role", { function: "orders", via: null, mode: "assume" }, code("UsageInvalid")),
      step("lambda-list", { via: "dev" }, { via: "dev", viaBy: "named", functions: [{ functionName: "orders" }] }),
      step("lambda-list", { via: "dev", stack: "shop" }, { functions: [{ logicalId: "OrdersFunction" }] }),
      step("lambda-list", { via: "dev", stack: "nosuch" }, code("NotFound")),
      step(
        "lambda-role",
        { function: "OrdersFunction", stack: "shop", via: "dev", mode: "assume" },
        { role: "lambda:orders@dev" },
      ),
      step("lambda-role", { function: "Nosuch", stack: "shop", via: "dev", mode: "assume" }, code("NotFound")),
      step("lambda-trust", { function: "orders", via: "dev", action: "show" }, { isPresent: false, changed: false }),
      step("lambda-trust", { function: "orders", via: "dev", action: "apply" }, { isPresent: true, changed: true }),
      step("lambda-trust", { function: "orders", via: "dev", action: "undo" }, { isPresent: false, changed: true }),
      step("lambda-why", { function: "orders", via: "dev" }, code("NotFound")),
      step("lambda-why", { function: "orders", via: "dev", denial: DENIAL }, { denial: DENIAL, isOurs: false }),
      step("lambda-why", { function: "orders", via: "dev" }, { denial: DENIAL }),
      step("lambda-why", { function: "orders", via: "nosuch" }, code("RoleUnknown")),
      step("deploy-role", { ...DEPLOY, action: "show" }, { outcome: "planned", signer: { sourceRole: "dev" } }),
      step("deploy-role", { ...DEPLOY, action: "apply" }, { outcome: "made" }),
      step("deploy-role", { ...DEPLOY, action: "apply" }, { outcome: "present" }),
      step("deploy-role", { ...DEPLOY, via: "nosuch", action: "show" }, code("RoleUnknown")),
    ],
  },
  {
    name: "an operation that the contract does not have is refused as not supported",
    steps: [{ operation: "nosuch" as ControlOperation, request: {}, answer: code("NotSupported") }],
  },
  {
    name: "who tells the leases that stand for a role, and audit-verify an audit log that is whole",
    steps: [
      step("lease-create", { name: "ide", role: "dev" }),
      step("who", { role: "dev" }, { role: "dev", leases: [{ name: "ide" }], holders: [] }),
      step("who", { role: "nope" }, code("RoleUnknown")),
      step("why", { lease: { by: "default" } }, { refusal: null, leaseProblem: null }),
      step("why", { lease: { by: "token", token: `brk_${"u".repeat(43)}` } }, { refusal: null }),
      step("audit-verify", {}, { logs: { audit: { findings: [], notes: [] }, refusals: { findings: [] } } }),
    ],
  },
];
