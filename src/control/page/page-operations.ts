import type { ControlOperation } from "../../control-api/contract.js";
import type { PageFindings, PageOperation, PageRequest, PageResponse } from "../../control-api/page-contract.js";
import { BrokerError } from "../../core/errors.js";
import type { ControlServices } from "../control-services.js";
import { explainMiss } from "../explain-miss.js";
import type { ControlCall } from "../handlers/handler.js";
import type { Operations } from "../operations.js";
import { PAGE, yesOnPage } from "./yes-on-page.js";

export interface PageCall extends ControlCall {
  /** What `doctor` found in the shell that opened this page. */
  readonly findings: PageFindings;
}

/** What a page may ask: each by the operation of control of the same name, checked and on record as that is. */
export interface PageOperationsRun {
  /** `body` is what came as JSON. Rejects with `NotSupported` for all that is not on the list. */
  run(operation: string, body: unknown, call: PageCall): Promise<unknown>;
}

export interface PageParts {
  readonly services: ControlServices;
  readonly operations: Operations;
}

/**
 * What a page may send, by name: nothing else reaches control, whose schemas check the values. Not among them, and so nothing that a
 * page can say: a yes that was said elsewhere, a lease by its token, a socket's path, another program's pid.
 */
interface Rule<O extends PageOperation> {
  readonly fields: readonly (keyof PageRequest<O> & string)[];
  readonly run: (request: PageRequest<O>, call: PageCall, parts: PageParts) => Promise<PageResponse<O>>;
}

type SameOperation = PageOperation & ControlOperation;

type Rules = { readonly [O in PageOperation]: Rule<O> };

/** Of control, with the same request and the same answer: neither has anything that a page is not to have. */
function same<O extends SameOperation>(operation: O, fields: Rule<O>["fields"]): Rule<O> {
  const run = (request: PageRequest<O>, call: ControlCall, { operations }: PageParts): Promise<PageResponse<O>> =>
    operations.run<SameOperation>(operation, request, call);
  return { fields, run };
}

const RULES: Rules = {
  status: same("status", ["rows", "role"]),
  "login-choices": same("login-choices", []),
  "login-start": same("login-start", ["source", "flow"]),
  "login-wait": same("login-wait", ["loginId"]),
  "login-code": same("login-code", ["loginId", "code"]),
  "login-mfa": same("login-mfa", ["source", "code"]),
  logout: same("logout", ["source"]),
  "request-list": same("request-list", []),
  "request-deny": same("request-deny", ["id"]),
  refresh: same("refresh", ["role"]),
  warm: same("warm", ["role", "scope"]),
  who: same("who", ["role"]),
  lock: same("lock", []),
  unlock: { fields: [], run: unlock },
  "lease-narrow": same("lease-narrow", ["lease", "scope", "forSeconds"]),
  "lease-revoke": same("lease-revoke", ["lease"]),
  "lease-show": same("lease-show", ["lease"]),
  use: {
    fields: ["lease", "role", "forSeconds", "reason"],
    run: (request, call, parts) => move(request, { operation: "use", call, parts }),
  },
  "lease-set": {
    fields: ["lease", "role", "forSeconds", "reason"],
    run: (request, call, parts) => move(request, { operation: "lease-set", call, parts }),
  },
  "lease-create": { fields: ["name", "role", "forSeconds", "movable", "scope", "reason"], run: createLease },
  "request-approve": { fields: ["id", "forSeconds"], run: approve },
  "page-holders": {
    fields: [],
    run: async (_request, _call, { services: { audit, clock } }) =>
      Promise.resolve({ holders: audit.holders.find({}, clock.now()) }),
  },
  "page-audit": {
    fields: ["limit"],
    run: async ({ limit }, _call, { services: { audit } }) => ({ lines: await audit.newest(lineLimit(limit)) }),
  },
  "page-findings": {
    fields: [],
    run: async (_request, { findings }) => Promise.resolve(findings),
  },
};

export function createPageOperations(parts: PageParts): PageOperationsRun {
  return {
    async run(operation: string, body: unknown, call: PageCall): Promise<unknown> {
      if (!isPageOperation(operation)) {
        throw new BrokerError("NotSupported", `the page has no operation ${operation}`, { hint: "brokerctl --help" });
      }
      await parts.services.config.takeUpEdit();
      try {
        return await runRule(operation, body, { call, parts });
      } catch (error) {
        throw explainMiss(error, parts.services);
      }
    },
  };
}

function isPageOperation(name: string): name is PageOperation {
  return Object.hasOwn(RULES, name);
}

interface Asked {
  readonly call: PageCall;
  readonly parts: PageParts;
}

async function runRule(operation: PageOperation, body: unknown, { call, parts }: Asked): Promise<unknown> {
  const { fields, run } = RULES[operation] as Rule<PageOperation>;
  refuseOtherFields(operation, body, fields);
  // Its fields are known, and the schema of control checks what they hold.
  return run(body as PageRequest<PageOperation>, call, parts);
}

function refuseOtherFields(operation: string, body: unknown, fields: readonly string[]): void {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new BrokerError("UsageInvalid", `${operation} takes a JSON object`);
  }
  // An own `__proto__`, as JSON can have it, is a field like any other.
  const other = Object.getOwnPropertyNames(body).find((name) => !fields.includes(name));
  if (other !== undefined) throw new BrokerError("UsageInvalid", `on the page ${operation} takes no ${other}`);
  const { lease } = body as { readonly lease?: unknown };
  const by = typeof lease === "object" && lease !== null && "by" in lease ? lease.by : undefined;
  if (by === "token") throw new BrokerError("UsageInvalid", "on the page a lease goes by its name or id");
}

interface Move extends Asked {
  readonly operation: "use" | "lease-set";
}

async function move(
  { reason, ...request }: PageRequest<"use">,
  { operation, call, parts }: Move,
): Promise<PageResponse<"use">> {
  const { lease, role, forSeconds } = request;
  const wanted = { role, target: lease, forSeconds, reason };
  // Which one it had before is known where it is moved; a guarded one is refused there.
  const yes = role === "-" ? {} : await yesOnPage(wanted, { operation, call, ...parts });
  return parts.operations.run(operation, { ...request, ...yes }, call);
}

async function createLease(
  { reason, ...request }: PageRequest<"lease-create">,
  call: ControlCall,
  parts: PageParts,
): Promise<PageResponse<"lease-create">> {
  const { role, scope, forSeconds } = request;
  const wanted = { target: { by: "new" }, forSeconds, reason, scope } as const;
  const asking = { operation: "lease-create", call, ...parts } as const;
  const yes = role === null ? {} : await yesOnPage({ ...wanted, role }, asking);
  const { lease } = await parts.operations.run("lease-create", { ...request, ...yes }, call);
  return { lease };
}

async function approve(
  request: PageRequest<"request-approve">,
  call: ControlCall,
  parts: PageParts,
): Promise<PageResponse<"request-approve">> {
  const { id, forSeconds } = request;
  const { services, operations } = parts;
  const found = services.requests.list().find((one) => one.id === id);
  const yes =
    found?.state === "pending"
      ? await yesOnPage(
          { role: found.role, target: { by: "request", id }, forSeconds, reason: undefined },
          { operation: "request-approve", call, ...parts },
        )
      : {};
  return operations.run("request-approve", { ...request, ...yes }, call);
}

/** A passphrase is typed into a window of ours: a page that asks for one could be anyone's. */
async function unlock(
  _request: PageRequest<"unlock">,
  call: ControlCall,
  { services, operations }: PageParts,
): Promise<PageResponse<"unlock">> {
  const { store, questions } = services;
  const isTyped = store.kind === "passphrase" && store.current().state === "locked";
  const typed = isTyped ? { passphrase: (await questions.passphraseToUnlock(PAGE)).reveal() } : {};
  return operations.run("unlock", typed, call);
}

const MOST_LINES = 2000;

function lineLimit(limit: unknown = MOST_LINES): number {
  if (typeof limit === "number" && Number.isSafeInteger(limit) && limit > 0) return Math.min(limit, MOST_LINES);
  throw new BrokerError("UsageInvalid", "limit is a number of lines");
}
