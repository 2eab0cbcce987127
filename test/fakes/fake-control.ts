import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { chooseRows } from "../../src/control/status-rows.js";
import type { ProjectView } from "../../src/control-api/config-contract.js";
import {
  CONTROL_PREFIX,
  type ControlError,
  type ControlOperation,
  type ControlOperations,
  type ControlRequest,
  type ControlResponse,
  type KeyView,
  type Protection,
  type RoleView,
  type StatusView,
  VERSION_HEADER,
} from "../../src/control-api/contract.js";
import type { RequestView } from "../../src/control-api/guard-contract.js";
import type { ViaChoice } from "../../src/control-api/lambda-contract.js";
import type { LeaseAccess, LeaseView, RoleSummary } from "../../src/control-api/lease-contract.js";
import type { SourceView } from "../../src/control-api/login-contract.js";
import type { AuditReport, Holder, LastRefusal } from "../../src/core/audit-views.js";
import type { EntryKind } from "../../src/core/config-edit.js";
import type { Denial } from "../../src/core/denial.js";
import type { CodeArchive, RoleOwner } from "../../src/core/deployed-function.js";
import type { FunctionContext } from "../../src/core/function-context.js";
import type { LeaseSelector } from "../../src/core/lease.js";
import type { TaskContext } from "../../src/core/task-context.js";
import { canarySecretKey } from "../support/canaries.js";
import { FakeLaunch } from "./fake-launch.js";
import { taskContext } from "./memory-tasks.js";

export const NOW = Date.parse("2026-01-01T00:00:00Z");
const HOUR_MS = 3_600_000;
export const TOKEN = `brk_${"t".repeat(43)}`;
/** Of a lease of exec --socket; no program listens there. */
const SOCKET = "/run/user/1000/credbroker/leases/new/lease.sock";
/** What the fake endpoint serves. */
export const SERVED = {
  accessKeyId: "ASIAFAKEFAKEFAKE0000",
  secretAccessKey: canarySecretKey("served"),
  sessionToken: `session+/=${canarySecretKey("token")}`,
  expiration: "2026-01-01T00:59:00Z",
};

type Handlers = { readonly [O in ControlOperation]: (request: ControlRequest<O>) => ControlResponse<O> };

const EMPTY_CHAIN = { lines: 0, first: null, last: null, findings: [], notes: [], sealedTo: null };

class Refusal extends Error {
  readonly error: ControlError;

  constructor(error: ControlError) {
    super(error.message);
    this.error = error;
  }
}

/** What `console` answers; the first signs in. */
export const FEDERATED_URL = `https://signin.example/federation?SigninToken=${canarySecretKey("console")}`;
/** Of the page: its port is no one's. */
export const PAGE_LINK = `http://127.0.0.1:9/#${"L".repeat(43)}`;
export const PORTAL_URL = "https://corp.awsapps.com/start/#/console?account_id=111111111111";

export interface FakeLease extends LeaseView {
  readonly token: string;
  readonly previousRole?: string | null;
}

/**
 * A daemon as the CLI meets it: control on a unix socket, the endpoint on loopback, everything in memory. It keeps the
 * contract's rules that the CLI depends on; what AWS or the secret store would do is set from outside.
 */
export class FakeControl {
  readonly socketPath: string;
  version = "0.1.0";
  state: StatusView["daemon"]["state"] = "ready";
  problem: ControlError | null = null;
  /** Of its config. */
  askpass: string | undefined;
  secretStore = "key_file";
  passphrase: string | undefined;
  warnings: string[] = [];
  peerCheck: Protection = { on: true, why: null };
  defaultRole: string | null = null;
  /** Of sources that log in to the console: the code that their page shows. */
  readonly consoleCodes = new Map<string, string>();
  /** Roles of Identity Center. */
  readonly portalRoles = new Set<string>();
  readonly sources: SourceView[] = [];
  readonly roles: RoleView[] = [];
  leftOut: StatusView["leftOut"];
  readonly projects: ProjectView[] = [];
  projectProblems: string[] = [];
  readonly keys: KeyView[] = [];
  readonly secrets = new Map<string, string>();
  leases: FakeLease[] = [];
  /** source → MFA device, the code it takes now, and the one that its mfa_process prints, if it has one. */
  readonly mfa = new Map<string, { readonly serial: string; code: string; loggedIn: boolean; printed?: string }>();
  /** source → whether there is a login. */
  readonly sso = new Map<string, { readonly loggedIn: boolean }>();
  /** A login that is under way already. */
  joinedFlow: "browser" | "device" | undefined;
  logoutProblem: string | null = null;
  /** Permission sets by account. */
  readonly accounts = new Map<string, readonly string[]>();
  /** What `sso-known-roles` answers. */
  readonly knownRoles: ControlResponse<"sso-known-roles">["roles"][number][] = [];
  /** Where an account is not called `Team N`. */
  readonly accountNames = new Map<string, string>();
  /** role → what fetching its credentials fails with. */
  readonly failing = new Map<string, ControlError>();
  /** False: a brokerd of before `status` could be asked for a part. */
  knowsRows = true;
  /** operation → what it fails with. */
  readonly refusing = new Map<ControlOperation, ControlError>();
  /** Before an operation is answered. */
  onCall: ((operation: ControlOperation) => void) | undefined;
  readonly calls: { readonly operation: ControlOperation; readonly request: unknown }[] = [];
  /** What `import-plan` answers; `text` is made of the config's by adding a line. */
  importing: Pick<ControlResponse<"import-plan">, "items" | "keys" | "storeProblem"> & { readonly adds: boolean } = {
    items: [],
    keys: [],
    storeProblem: null,
    adds: false,
  };
  /** What `import-keys` answers beside the keys. */
  importPlaces: ControlResponse<"import-keys">["places"] = { config: [], credentials: [] };
  /** Called by `import-keys`. */
  onImportKeys = (): void => undefined;
  /** Answers of the endpoint before the credentials: `[503, …]`. */
  readonly pendingAnswers: number[] = [];
  /** Programs that hold credentials. */
  readonly holders: Holder[] = [];
  /** What `why` answers of any lease and process. */
  lastRefusal: LastRefusal | null = null;
  /** What names every entry of the config. */
  usedBy: readonly string[] = [];
  /** What is odd about every config. */
  configNotes: readonly string[] = [];
  auditReport: AuditReport = {
    logs: { audit: EMPTY_CHAIN, refusals: EMPTY_CHAIN },
    ...{ sealedAt: null, sealProblem: null },
  };
  /** Deployed functions by name, and the role that reads one where none is named (`lambda.via`). */
  readonly functions = new Map<string, ControlResponse<"lambda-role">>();
  /** Deployed tasks by family. */
  readonly tasks = new Map<string, ControlResponse<"task-role">>();
  lambdaVia: string | undefined;
  /** The deployed code by a function's name; one that has none is an image. */
  readonly archives = new Map<string, FakeArchives>();
  /** Of each stack: logical ids and the functions' names. */
  readonly stacks = new Map<string, ReadonlyMap<string, string>>();
  /** Of functions, by name: what their last run was refused. */
  readonly denials = new Map<string, Denial>();
  /** Roles of functions whose trust policy has the statement. */
  readonly trusting = new Set<string>();
  /** Which tool makes them all. */
  roleOwner: RoleOwner | undefined;
  readonly accessRequests: RequestView[] = [];
  /** What a rule makes of a request, and what a person makes of it later. */
  decided: Partial<RequestView> = {};
  decidedLater: Partial<RequestView> = {};
  /** What the person at the screen answers. */
  dialogAnswer = true;
  /** Without, the command line asks one operation after the other. */
  knowsLaunches = false;
  /** Called with each connection of a launch. */
  onLaunch: (launch: FakeLaunch) => void = () => undefined;
  /** Called for `stop`. */
  onStop = (): void => undefined;
  pid = process.pid;
  #server: Server | undefined;
  #endpoint: Server | undefined;
  readonly #launches: FakeLaunch[] = [];
  #leaseCount = 0;
  /** Entries that a text was planned for. */
  readonly #renamed = new Set<string>();
  readonly #endedTokens = new Set<string>();

  constructor(home: string) {
    this.socketPath = join(home, "run", "control.sock");
    mkdirSync(join(home, "run"), { recursive: true, mode: 0o700 });
    chmodSync(join(home, "run"), 0o700);
    this.leases.push({ ...this.#newLease("default", { name: "default", role: null }), token: TOKEN });
  }

  async listen(): Promise<this> {
    this.#server = createServer((request, response) => void this.#control(request, response)).listen(this.socketPath);
    this.#endpoint = createServer((request, response) => this.#serve(request, response)).listen(0, "127.0.0.1");
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (!this.knowsLaunches) return socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n");
      const launch = new FakeLaunch(request, socket, this);
      this.#launches.push(launch);
      this.onLaunch(launch);
      return launch.take(head);
    });
    await Promise.all([once(this.#server, "listening"), once(this.#endpoint, "listening")]);
    chmodSync(this.socketPath, 0o600);
    return this;
  }

  async close(): Promise<void> {
    for (const launch of this.#launches.splice(0)) launch.drop();
    for (const server of [this.#server, this.#endpoint]) {
      server?.closeAllConnections();
      if (server?.listening) await new Promise((resolve) => server.close(resolve));
    }
    this.#server = this.#endpoint = undefined;
  }

  get endpointUrl(): string {
    return `http://127.0.0.1:${(this.#endpoint?.address() as AddressInfo | null)?.port ?? 0}`;
  }

  addAccount(accountId: string, accountName: string, roles: readonly string[]): this {
    this.accounts.set(accountId, roles);
    this.accountNames.set(accountId, accountName);
    return this;
  }

  addSource(name: string, state: SourceView["state"] = "ready", type = "keys"): this {
    this.sources.push({ name, type, state, expiresAt: null });
    return this;
  }

  addRole(name: string, extra: Partial<RoleView> = {}): this {
    this.roles.push({
      name,
      source: "ops",
      state: "idle",
      roleArn: `arn:aws:iam::111111111111:role/${name}`,
      accountId: "111111111111",
      region: null,
      expiration: null,
      issuedAt: null,
      refreshAt: null,
      lastError: null,
      ssoRoleName: null,
      lastRequestedAt: null,
      guard: null,
      ...extra,
    });
    return this;
  }

  /** A task of a single container, whose role is the family's. */
  addTask(family: string, context: Partial<TaskContext> = {}): this {
    const taskRoleArn = `arn:aws:iam::111111111111:role/${family}`;
    const described = { ...taskContext(family), ...context };
    this.tasks.set(family, { role: "", via: "", viaBy: "named", taskRoleArn, context: described });
    return this;
  }

  /** A function whose role can be assumed; `extra.context` says what Lambda says of it. */
  addFunction(
    name: string,
    { context, ...extra }: Partial<Omit<ControlResponse<"lambda-role">, "context">> & { context?: object } = {},
  ): this {
    const described: FunctionContext = {
      functionName: name,
      functionArn: `arn:aws:lambda:eu-west-1:111111111111:function:${name}`,
      version: "$LATEST",
      region: "eu-west-1",
      memorySize: 256,
      timeout: 3,
      handler: "app.handler",
      runtime: "provided.al2023",
      logGroup: null,
      logFormat: null,
      logLevel: null,
      variables: {},
      ...context,
    };
    const functionRoleArn = `arn:aws:iam::111111111111:role/${name}`;
    const found = {
      role: "",
      via: "",
      viaBy: "named" as const,
      functionRoleArn,
      isImage: false,
      notes: [],
      ...extra,
      context: described,
    };
    this.functions.set(name, found);
    return this;
  }

  /** From now on the role cannot be fetched before a login with this code. */
  needMfa(role: string, code: string, serial = "arn:aws:iam::111111111111:mfa/me"): this {
    const source = this.#role(role).source;
    this.mfa.set(source, { serial, code, loggedIn: false });
    const hint = `brokerctl login ${source}`;
    this.failing.set(role, { code: "MfaRequired", message: `${source} needs an MFA code`, hint });
    this.#setState(role, "mfa_required");
    return this;
  }

  addLease(kind: LeaseView["kind"], extra: Partial<FakeLease> = {}): FakeLease {
    const lease = {
      ...this.#newLease(kind, extra),
      token: `brk_${String(this.leases.length).padStart(43, "n")}`,
      ...extra,
    };
    this.leases.push(lease);
    return lease;
  }

  /** Requests of one operation, in order. */
  requests<O extends ControlOperation>(operation: O): readonly ControlRequest<O>[] {
    return this.calls.filter((call) => call.operation === operation).map(({ request }) => request as ControlRequest<O>);
  }

  readonly #handlers: Handlers = {
    status: (wanted) => this.#status(wanted),
    stop: () => {
      setImmediate(() => this.onStop());
      return { pid: this.pid };
    },
    "store-create": ({ passphrase }) => {
      if (this.problem?.code !== "KeyMissing")
        throw new Refusal({ code: "Conflict", message: "a data key exists already" });
      this.passphrase = passphrase;
      this.problem = null;
      this.state = "ready";
      return { state: "open", warnings: this.warnings };
    },
    lock: () => {
      this.state = "locked";
      return {};
    },
    unlock: ({ passphrase }) => {
      if (this.passphrase !== undefined && passphrase !== this.passphrase) {
        throw new Refusal({ code: "StoreLocked", message: "the passphrase is wrong", hint: "brokerctl unlock" });
      }
      this.state = "ready";
      return { state: "open", warnings: this.warnings };
    },
    "config-check": ({ text, path }) => this.#check(text, path),
    "config-reload": () => ({ roles: this.roles.length, sources: this.sources.length, notes: [] }),
    "config-schema": () => ({ schema: { type: "object" } }),
    projects: () => ({ projects: this.projects, problems: this.projectProblems }),
    "source-add": ({ text, name, fields }) => {
      this.addSource(name);
      return { text: `${text}# source ${name} ${JSON.stringify(fields)}\n`, summary: [`added source ${name}`] };
    },
    "role-add": ({ text, name, fields }) => {
      if (text.includes(`role ${name} `))
        throw new Refusal({ code: "Conflict", message: `role ${name} exists already` });
      this.addRole(name);
      return { text: `${text}# role ${name} ${JSON.stringify(fields)}\n`, summary: [`added role ${name}`] };
    },
    "entry-show": ({ kind, name }) => {
      this.#entry(kind, name);
      return { kind, name, line: 7, text: `${name}:\n  source: ops`, fields: { source: "ops" }, usedBy: this.usedBy };
    },
    "entry-rename": ({ text, kind, name, to }) => {
      if (!this.#entries(kind).some((entry) => entry.name === to)) this.#entry(kind, name);
      this.#renamed.add(`${kind} ${to}`);
      const notes = this.configNotes.length > 0 ? { notes: this.configNotes } : {};
      return { text: `${text}# ${kind} ${to}\n`, summary: [`renames ${kind} ${name} to ${to}`], ...notes };
    },
    "entry-renamed": ({ kind, name, to }) => {
      if (!this.#renamed.has(`${kind} ${to}`))
        throw new Refusal({ code: "Conflict", message: `there is no ${kind} ${to}` });
      const entries = this.#entries(kind);
      const found = entries.find((entry) => entry.name === name);
      if (found) entries.splice(entries.indexOf(found), 1, { ...found, name: to });
      const following = kind === "role" ? this.leases.filter(({ role }) => role === name) : [];
      this.leases = this.leases.map((lease) => (following.includes(lease) ? { ...lease, role: to } : lease));
      return { leases: following.length, notes: [] };
    },
    "entry-remove": ({ text, kind, name }) => {
      this.#entry(kind, name);
      const [user] = this.usedBy;
      if (user !== undefined) throw new Refusal({ code: "Conflict", message: `${kind} ${name} is named by ${user}` });
      return { text: `${text}# no ${kind} ${name}\n`, summary: [`removes ${kind} ${name}`] };
    },
    "keys-add": ({ source, accessKeyId, secretAccessKey, replace }) => {
      this.#keysSource(source);
      if (!replace && this.keys.some((held) => held.source === source)) {
        throw new Refusal({ code: "Conflict", message: `source ${source} has an access key already` });
      }
      const key = { source, accessKeyIdSuffix: accessKeyId.slice(-4), addedAt: NOW, rotatedAt: null };
      this.keys.splice(0, this.keys.length, ...this.keys.filter((held) => held.source !== source), key);
      this.secrets.set(source, secretAccessKey);
      return { ...key, notes: [] };
    },
    "import-plan": ({ text }) => {
      const { adds, ...plan } = this.importing;
      return adds
        ? { ...plan, places: this.importPlaces, text: `${text}# imported\n`, summary: ["roles:"] }
        : { ...plan, places: this.importPlaces, text: null, summary: [] };
    },
    "import-keys": () => {
      this.onImportKeys();
      const keys = this.importing.keys.map((key) => ({
        ...key,
        state: key.state === "other" ? key.state : ("held" as const),
      }));
      return { keys, places: this.importPlaces };
    },
    "keys-list": () => ({ keys: this.keys }),
    "keys-rotate": ({ source }) => {
      this.#heldKey(source);
      return {
        source,
        accessKeyIdSuffix: "NEWK",
        addedAt: NOW,
        rotatedAt: NOW,
        notes: ["the old key was deleted"],
      };
    },
    "keys-remove": ({ source }) => {
      this.#heldKey(source);
      this.keys.splice(0, this.keys.length, ...this.keys.filter((key) => key.source !== source));
      return {};
    },
    "login-choices": () => ({
      sources: [
        ...[...this.mfa].map(([name, { serial, loggedIn, printed }]) => ({
          name,
          type: "keys",
          state: loggedIn ? ("ready" as const) : ("mfa_required" as const),
          expiresAt: loggedIn ? NOW + HOUR_MS : null,
          needs: loggedIn ? null : ("mfa_code" as const),
          mfaSerial: serial,
          mfaProcess: printed !== undefined,
        })),
        ...[...this.sso].map(([name, { loggedIn }]) => ({
          name,
          type: this.consoleCodes.has(name) ? "console_login" : "sso",
          state: loggedIn ? ("ready" as const) : ("login_required" as const),
          expiresAt: null,
          needs: loggedIn ? null : ("sso" as const),
          mfaSerial: null,
          mfaProcess: false,
        })),
      ],
    }),
    "login-start": ({ source, flow }) => {
      if (!this.sso.has(source)) throw this.#noLogin(source);
      return {
        loginId: source,
        flow: this.joinedFlow ?? flow,
        joined: this.joinedFlow !== undefined,
        url: "https://login.example/?code=1",
        userCode: (this.joinedFlow ?? flow) === "device" ? "ABCD-EFGH" : null,
        expiresAt: NOW + 600_000,
        isDone: false,
        ...(this.consoleCodes.has(source) && flow === "device" && { takesCode: true, userCode: null }),
      };
    },
    "login-code": ({ loginId, code }) => {
      if (this.consoleCodes.get(loginId) === code) return {};
      throw new Refusal({ code: "UsageInvalid", message: "that is not the code which the page of this login shows" });
    },
    "login-wait": ({ loginId: source }) => {
      this.sso.set(source, { loggedIn: true });
      for (const role of this.#rolesOf(source)) this.failing.delete(role.name);
      return { source, expiresAt: NOW + 8 * HOUR_MS };
    },
    logout: ({ source }) => {
      const device = this.mfa.get(source);
      if (!device && !this.sso.has(source)) throw this.#noLogin(source);
      const wasLoggedIn = device?.loggedIn ?? this.sso.get(source)?.loggedIn ?? false;
      if (device) for (const { name } of this.#rolesOf(source)) this.needMfa(name, device.code, device.serial);
      else this.sso.set(source, { loggedIn: false });
      return { wasLoggedIn, sources: [source], problem: this.logoutProblem };
    },
    "sso-accounts": () => ({
      accounts: [...this.accounts.keys()].map((accountId) => ({
        accountId,
        accountName: this.accountNames.get(accountId) ?? `Team ${accountId.at(-1)}`,
      })),
    }),
    "sso-known-roles": () => ({ roles: this.knownRoles }),
    "sso-account-roles": ({ accountId }) => ({ roles: this.accounts.get(accountId) ?? [] }),
    "sso-roles-plan": ({ text, found, nameTemplate, existing }) => {
      const added = found.map(({ accountId, roleName }) => `${accountId}/${roleName}`);
      const edited = `${text}# ${nameTemplate} ${added.join(" ")}${existing ? " pruned" : ""}\n`;
      return { text: added.length === 0 ? null : edited, summary: [], added, removed: [], notes: [] };
    },
    "login-mfa": ({ source, code }) => {
      const device = this.mfa.get(source);
      if (!device) throw this.#noLogin(source);
      if (device.code !== (code ?? device.printed))
        throw new Refusal({ code: "MfaRequired", message: "AWS did not take the MFA code" });
      device.loggedIn = true;
      for (const role of this.#rolesOf(source)) {
        this.failing.delete(role.name);
        this.#setState(role.name, "idle");
      }
      return { source, expiresAt: NOW + 12 * HOUR_MS };
    },
    "lambda-list": ({ via, stack }) => {
      const by = this.#fetch(this.#via(via));
      const inStack = stack === undefined ? undefined : this.#stack(stack);
      const idOf = new Map([...(inStack ?? [])].map(([id, name]) => [name, id]));
      const functions = [...this.functions.values()]
        .filter(({ context }) => !inStack || idOf.has(context.functionName))
        .map(({ context, functionRoleArn, isImage }) => ({
          ...{
            functionName: context.functionName,
            functionArn: context.functionArn,
            roleArn: functionRoleArn,
            isImage,
          },
          ...{ handler: context.handler, runtime: context.runtime, memorySize: context.memorySize },
          ...{ timeout: context.timeout, lastModified: NOW - HOUR_MS },
          ...(inStack && { logicalId: idOf.get(context.functionName) ?? "" }),
        }));
      return { region: "eu-west-1", functions, via: by.role ?? "", viaBy: this.#viaBy(via) };
    },
    "lambda-role": ({ function: text, via, mode, stack }) => {
      const name = stack === undefined ? text : (this.#stack(stack).get(text) ?? "");
      const found = this.#function(name);
      const by = this.#fetch(this.#via(via)).role ?? "";
      const role = `lambda:${name}@${by}${mode === "assume" ? "" : "+session-policy"}`;
      if (!this.roles.some((known) => known.name === role)) {
        this.addRole(role, { roleArn: found.functionRoleArn, region: found.context.region });
      }
      return { ...found, role, via: by, viaBy: this.#viaBy(via) };
    },
    "deploy-role": ({ via, roleName, policyArns, action }) => {
      const role = this.#role(via ?? this.lambdaVia ?? "");
      const roleArn = `arn:aws:iam::111111111111:role/${roleName}`;
      const outcome = action === "show" ? "planned" : this.trusting.has(roleArn) ? "present" : "made";
      if (action === "apply") this.trusting.add(roleArn);
      const principal = role.roleArn ?? role.name;
      return {
        ...{ roleArn, principal, letsIn: [principal], externalId: "credbroker-x", policyArns, outcome },
        ...{ template: "Resources: {}", signer: { sourceRole: role.name }, notes: ["a note"] },
      };
    },
    "lambda-code": ({ function: name, via }) => {
      const { context } = this.#function(name);
      const by = this.#fetch(this.#via(via)).role ?? "";
      const archives = this.archives.get(name);
      if (!archives) throw new Refusal({ code: "NotSupported", message: `${name} is deployed as an image` });
      const held = (archive: Buffer): CodeArchive => ({
        id: md5(archive),
        bytes: archive.length,
        sha256: sha256(archive),
      });
      const layers = archives.layers.map(({ arn, content, problem }) => ({
        arn,
        ...(content && { archive: held(content) }),
        ...(problem !== undefined && { problem }),
      }));
      const code = { ...held(archives.code), ...archives.told };
      return { functionName: name, version: context.version, code, layers, via: by, viaBy: "named" };
    },
    "lambda-code-part": ({ id, offset }) => {
      const all = [...this.archives.values()].flatMap(({ code, layers }) => [
        code,
        ...layers.map(({ content }) => content),
      ]);
      const found = all.find((archive) => archive && md5(archive) === id);
      // In small parts, so that there are several.
      return { part: found?.subarray(offset, offset + 700).toString("base64") ?? "" };
    },
    "lambda-trust": ({ function: text, via, action, seconds, stack }) => {
      const name = stack === undefined ? text : (this.#stack(stack).get(text) ?? "");
      const { functionRoleArn: roleArn } = this.#function(name);
      const by = this.#fetch(this.#via(via));
      const principal = by.roleArn ?? "";
      const wasPresent = this.trusting.has(roleArn);
      if (action === "apply") this.trusting.add(roleArn);
      if (action === "undo") this.trusting.delete(roleArn);
      const isPresent = this.trusting.has(roleArn);
      const statement = JSON.stringify({ Effect: "Allow", Principal: { AWS: principal } }, null, 2);
      const until = seconds !== undefined && { until: NOW + seconds * 1000 };
      const owner = this.roleOwner && { owner: this.roleOwner };
      const found = { roleArn, principal, statement, isPresent, changed: isPresent !== wasPresent };
      return { ...found, ...until, ...owner, notes: ["a note"], via: by.role ?? "", viaBy: this.#viaBy(via) };
    },
    "lambda-why": ({ function: text, via, denial, scope, stack }) => {
      const name = stack === undefined ? text : (this.#stack(stack).get(text) ?? "");
      const { functionRoleArn } = this.#function(name);
      const by = this.#fetch(this.#via(via)).role ?? "";
      if (denial) this.denials.set(name, denial);
      const last = this.denials.get(name);
      if (!last) throw new Refusal({ code: "NotFound", message: `brokerd knows of no refusal of ${name}` });
      return {
        ...{ denial: last, functionName: name, functionRoleArn, findings: ["a finding"], unseen: ["the rest"] },
        ...{ summary: `${last.action} is not allowed`, isOurs: scope !== undefined, hint: null },
        ...{ via: by, viaBy: this.#viaBy(via) },
        statement: { json: `{"Action":"${last.action}"}`, where: `a policy of ${functionRoleArn}` },
      };
    },
    "task-role": ({ task: name, via }) => {
      const found = this.#task(name);
      const by = this.#fetch(this.#via(via)).role ?? "";
      const role = `task:${name}@${by}`;
      if (!this.roles.some((known) => known.name === role)) {
        this.addRole(role, { roleArn: found.taskRoleArn, region: found.context.region });
      }
      return { ...found, role, via: by, viaBy: this.#viaBy(via) };
    },
    "task-trust": ({ task: name, via, action }) => {
      const { taskRoleArn: roleArn } = this.#task(name);
      const by = this.#fetch(this.#via(via));
      const principal = by.roleArn ?? "";
      const wasPresent = this.trusting.has(roleArn);
      if (action === "apply") this.trusting.add(roleArn);
      if (action === "undo") this.trusting.delete(roleArn);
      const isPresent = this.trusting.has(roleArn);
      const statement = JSON.stringify({ Effect: "Allow", Principal: { AWS: principal } }, null, 2);
      const found = { roleArn, principal, statement, isPresent, changed: isPresent !== wasPresent, notes: [] };
      return { ...found, via: by.role ?? "", viaBy: this.#viaBy(via) };
    },
    "guard-confirm": ({ role: name, forSeconds, reason, confirmed, passphrase, quiet }) => {
      const guard = this.roles.find((role) => role.name === name)?.guard ?? null;
      if (name === null || !guard) return { guard: null, needs: null, confirmation: null };
      if (guard.reason && reason === undefined) {
        throw new Refusal({
          code: "GuardRefused",
          message: `role ${name} takes a reason`,
          hint: `brokerctl exec ${name} --reason TEXT -- CMD`,
        });
      }
      if (quiet === true && guard.confirm !== null) {
        const hint = `brokerctl request ${name} --reason TEXT`;
        throw new Refusal({ code: "GuardRefused", message: `role ${name} is guarded`, hint });
      }
      const seconds = Math.min(forSeconds ?? guard.maxLeaseSeconds, guard.maxLeaseSeconds);
      const question = { role: name, account: "111111111111", asker: "a new lease", reason: reason ?? null, seconds };
      if (guard.confirm === "terminal" && confirmed !== true) return { guard, needs: "terminal", question };
      if (guard.confirm === "passphrase" && passphrase === undefined) return { guard, needs: "passphrase", question };
      const isRight = guard.confirm !== "passphrase" || passphrase === this.passphrase;
      if (!isRight || (guard.confirm === "desktop" && !this.dialogAnswer)) {
        throw new Refusal({ code: "GuardRefused", message: `role ${name} is guarded: the answer was no` });
      }
      return { guard, needs: null, confirmation: `yes to ${name}`, until: NOW + seconds * 1000 };
    },
    "lease-set": ({ lease: selector, role, confirmation }) => {
      const lease = this.#select(selector);
      if (lease.kind !== "named") throw new Refusal({ code: "UsageInvalid", message: "lease set is for named leases" });
      this.#admit(role, confirmation);
      return this.#move(lease, role, undefined);
    },
    "lease-narrow": ({ lease: selector, scope, forSeconds }) => {
      const { kind, id, ...lease } = this.#select(selector);
      if (kind === "default" || kind === "pinned")
        throw new Refusal({ code: "UsageInvalid", message: "is not narrowed" });
      if (!scope && forSeconds === undefined) throw new Refusal({ code: "UsageInvalid", message: "narrowed by what?" });
      const old = { scope: lease.scope ?? null, expiresAt: lease.expiresAt };
      const expiresAt = forSeconds === undefined ? lease.expiresAt : NOW + forSeconds * 1000;
      const isLonger = old.expiresAt !== null && (expiresAt ?? 0) > old.expiresAt;
      if (isLonger || (old.scope && scope)) throw new Refusal({ code: "ScopeRefused", message: "it would be wider" });
      const narrowed = { ...lease, kind, id, expiresAt, ...(scope && { scope, narrowedBy: ["a session policy"] }) };
      this.leases = this.leases.map((held) => (held.id === id ? narrowed : held));
      const holders = this.holders.filter((holder) => holder.lease === id);
      return { lease: view(narrowed), old, made: [], holders };
    },
    "request-create": ({ role, reason, forSeconds = 3600 }) => {
      const request: RequestView = {
        ...{ id: "abcdef", lease: { id: "lease-9", label: "agent" }, role, scope: "any", reason, forSeconds, pid: 1 },
        ...{ state: "pending", createdAt: NOW, decidedAt: null, decidedBy: null, until: null },
        ...this.decided,
      };
      this.accessRequests.push(request);
      return request;
    },
    "request-list": () => ({ requests: this.accessRequests }),
    "request-wait": ({ id }) => ({ ...this.#request(id), ...this.decidedLater }),
    "request-approve": ({ id, forSeconds, confirmation }) => {
      const request = this.#request(id);
      this.#admit(request.role, confirmation);
      return { ...request, state: "approved", until: NOW + (forSeconds ?? request.forSeconds) * 1000 };
    },
    "request-deny": ({ id }) => ({ ...this.#request(id), state: "denied" }),
    "lease-own": () => {
      const { name, id, kind, role, expiresAt, temporary, grant } = this.#select({ by: "default" });
      const { accountId, roleArn } = this.#summary(role);
      const pending = this.accessRequests.find(({ state }) => state === "pending") ?? null;
      const lease = { label: name ?? id, kind, role, accountId, roleArn, expiresAt, temporary, grant };
      return { ...lease, pending, refusal: null };
    },
    "request-roles": () => ({
      roles: this.roles.map(({ name, accountId, roleArn, guard }) => ({
        ...{
          role: name,
          decision: "ask",
          why: "a person decides",
          maxSeconds: 3600,
          guard,
          accountId,
          roleArn,
          readOnly: "ask",
        },
      })),
    }),
    "request-preview": ({ role }) => {
      const { name, guard } = this.#role(role);
      return { role: name, decision: "ask", why: "a person decides", maxSeconds: 3600, guard, refusal: null };
    },
    "request-status": ({ id }) => this.#request(id),
    "request-release": ({ id = "abcdef" }) => ({ ...this.#request(id), state: "released" }),
    use: ({ lease: selector, role: named, forSeconds, confirmation }) => {
      const lease = this.#select(selector);
      const role = named === "-" ? formerRole(lease) : named;
      if (!lease.movable) throw new Refusal({ code: "LeasePinned", message: "the lease keeps its role" });
      this.#admit(role, confirmation);
      return this.#move(lease, role, forSeconds);
    },
    warm: ({ role }) => this.#fetch(role),
    refresh: ({ role }) => {
      const names = role === undefined ? this.roles.map(({ name }) => name) : [this.#role(role).name];
      const failed = names.flatMap((name) => {
        const error = this.failing.get(name);
        return error ? [{ ...error, role: name }] : [];
      });
      const fine = names.filter((name) => !this.failing.has(name));
      return { refreshed: fine.map((name) => this.#summary(name)), failed };
    },
    whoami: (request) => {
      const role = "role" in request ? request.role : this.#select(request.lease).role;
      if (role === null)
        throw new Refusal({ code: "NoRole", message: "no role is chosen yet", hint: "brokerctl use ROLE" });
      this.#fetch(role);
      return {
        role,
        account: "111111111111",
        arn: `arn:aws:sts::111111111111:assumed-role/${role}/credbroker`,
        userId: "AROAFAKE:credbroker",
        expiration: NOW + HOUR_MS,
      };
    },
    console: (request) => {
      const role = "role" in request ? this.#role(request.role).name : this.#select(request.lease).role;
      if (role === null) throw new Refusal({ code: "NoRole", message: "no role is chosen yet" });
      if ("role" in request) this.#admit(role, request.confirmation);
      const { region = "eu-west-1", service = "console", federate } = request;
      const answer = { role, accountId: "111111111111", region };
      const isPortal = this.portalRoles.has(role) && federate !== true;
      if (isPortal) return { ...answer, way: "portal", url: `${PORTAL_URL}&service=${service}`, until: null };
      this.#fetch(role);
      return { ...answer, way: "federated", url: `${FEDERATED_URL}&service=${service}`, until: NOW + HOUR_MS };
    },
    "lease-access": (request) => {
      if ("lease" in request) return this.#access(this.#select(request.lease));
      const name = `role:${this.#role(request.pinnedRole).name}`;
      this.#admit(request.pinnedRole, request.confirmation);
      const held = this.leases.find((lease) => lease.name === name);
      return this.#access(held ?? this.addLease("pinned", { name, role: request.pinnedRole }));
    },
    "lease-create": ({ name, role, forSeconds, movable = false, socket = null, scope, confirmation }) => {
      if (this.leases.some((lease) => lease.name === name)) {
        throw new Refusal({ code: "Conflict", message: `lease ${name} exists already` });
      }
      const expiresAt = forSeconds === undefined ? null : NOW + forSeconds * 1000;
      if (role !== null) this.#admit(this.#role(role).name, confirmation);
      const terms = { name, role, followsDefault: role === null, expiresAt, socket, movable: movable || role === null };
      return this.#access(this.addLease("named", { ...terms, ...(scope && { scope }) }));
    },
    "lease-child": ({ role, pid, forSeconds, movable = false, like, socket: wanted, confirmation }) => {
      const socket = wanted ? SOCKET : null;
      if (role !== null) this.#admit(this.#role(role).name, confirmation);
      const from = like === undefined ? undefined : this.#select({ by: "token", token: like });
      if (from && from.kind !== "default" && !from.followsDefault) {
        return this.#access(this.addLease("child", { role: from.role, holderPid: pid, movable: from.movable, socket }));
      }
      const expiresAt = forSeconds === undefined ? null : NOW + forSeconds * 1000;
      const lease = this.addLease("child", {
        role: role ?? this.defaultRole,
        followsDefault: role === null,
        holderPid: pid,
        expiresAt,
        socket,
        movable: movable || role === null,
      });
      return this.#access(lease);
    },
    "lease-hand-over": ({ id, pid }) => {
      if (this.#select({ by: "id", id }).kind !== "child") {
        throw new Refusal({ code: "UsageInvalid", message: "this lease does not end with a process" });
      }
      this.leases = this.leases.map((lease) => (lease.id === id ? { ...lease, holderPid: pid } : lease));
      return { handedOver: true };
    },
    "lease-list": () => ({ leases: this.leases.map(view) }),
    "lease-show": ({ lease }) => view(this.#select(lease)),
    "lease-rotate": ({ lease: selector }) => {
      const former = this.#select(selector);
      const lease = { ...former, token: `brk_${"r".repeat(43)}` };
      this.#endedTokens.add(former.token);
      this.leases = this.leases.map((held) => (held.id === lease.id ? lease : held));
      return this.#access(lease);
    },
    "lease-revoke": ({ lease: selector }) => {
      const lease = this.#select(selector);
      if (lease.kind === "default") {
        throw new Refusal({ code: "UsageInvalid", message: "the default lease cannot be revoked" });
      }
      this.#endedTokens.add(lease.token);
      this.leases = this.leases.filter(({ id }) => id !== lease.id);
      return { ...view(lease), holders: this.holders.filter((holder) => holder.lease === lease.id) };
    },
    "audit-verify": () => this.auditReport,
    who: ({ role }) => {
      const { name } = this.#role(role);
      return {
        role: name,
        leases: this.leases.filter((lease) => lease.role === name).map(view),
        holders: this.holders.filter((holder) => holder.role === name),
      };
    },
    "ui-open": () => ({ url: PAGE_LINK, expiresAt: NOW + 3 * 60_000 }),
    why: ({ lease }) => {
      const isEnded = lease?.by === "token" && !this.leases.some(({ token }) => token === lease.token);
      return { refusal: this.lastRefusal, leaseProblem: isEnded ? "LeaseEnded" : null };
    },
  };

  #move(lease: FakeLease, role: string, forSeconds: number | undefined): ControlResponse<"use"> {
    const fetched = this.#fetch(role);
    const temporary = forSeconds === undefined ? null : { until: NOW + forSeconds * 1000, thenRole: lease.role };
    const moved = { ...lease, role, temporary, followsDefault: false, previousRole: lease.role };
    this.leases = this.leases.map((held) => (held.id === lease.id ? moved : held));
    if (lease.kind === "default") this.defaultRole = role;
    const holders = this.holders.filter((holder) => holder.role === lease.role && holder.role !== role);
    return { lease: view(moved), old: this.#summary(lease.role), new: fetched, holders };
  }

  /** A guarded role takes what `guard-confirm` gave. */
  #admit(name: string, confirmation: string | undefined): void {
    const guard = this.roles.find((role) => role.name === name)?.guard;
    if (!guard || confirmation === `yes to ${name}`) return;
    throw new Refusal({ code: "GuardRefused", message: `role ${name} is guarded`, hint: "brokerctl request" });
  }

  #request(id: string): RequestView {
    const request = this.accessRequests.find((each) => each.id === id);
    if (request) return request;
    throw new Refusal({ code: "UsageInvalid", message: `there is no request ${id}`, hint: "brokerctl requests" });
  }

  #status({ rows, role }: ControlRequest<"status">): StatusView {
    if (rows !== undefined && !this.knowsRows) throw new Refusal({ code: "UsageInvalid", message: "no field rows" });
    const leased = new Set(this.leases.map(({ role }) => role));
    const sources = chooseRows(this.sources, rows, ({ name, state }) => {
      if (name === (this.roles.find((each) => each.name === role)?.source ?? role?.split(":")[0])) return "own";
      return state === "ready" ? "rest" : "in trouble";
    });
    const roles = chooseRows(this.roles, rows, ({ name, state }) => {
      if (name === (role ?? this.defaultRole)) return "own";
      if (!["idle", "ready", "refreshing"].includes(state)) return "in trouble";
      if (state !== "idle") return "live";
      return leased.has(name) ? "named by a lease" : "rest";
    });
    const leases = chooseRows(this.leases, rows, ({ kind }) => (kind === "default" ? "own" : "rest"));
    const more = { sources: sources.leftOut, roles: roles.leftOut, leases: leases.leftOut };
    return {
      daemon: {
        pid: this.pid,
        version: this.version,
        startedAt: NOW - HOUR_MS,
        endpoint: this.endpointUrl,
        secretStore: this.secretStore,
        state: this.state,
        overrides: ["AWS_ENDPOINT_URL_STS=http://127.0.0.1:1"],
        warnings: this.warnings,
        problem: this.problem,
        configPath: join(this.socketPath, "..", "..", "config.yaml"),
        peerCheck: this.peerCheck,
        memory: { on: true, why: null },
        ...(this.askpass !== undefined && { askpass: this.askpass }),
      },
      defaultRole: this.defaultRole,
      sources: sources.shown,
      roles: roles.shown,
      leases: leases.shown.map(view),
      schedules: [],
      ...(Object.values(more).some(({ count }) => count > 0) && { more }),
      pendingRequests: this.accessRequests.filter(({ state }) => state === "pending").length,
      ...(this.leftOut && { leftOut: this.leftOut }),
    };
  }

  #newLease(kind: LeaseView["kind"], extra: Partial<LeaseView>): LeaseView {
    const lease: LeaseView = {
      id: `lease-${String(++this.#leaseCount)}`,
      name: null,
      kind,
      role: null,
      followsDefault: kind === "default",
      createdAt: NOW - HOUR_MS,
      expiresAt: null,
      lastUsedAt: null,
      lastUsedBy: null,
      holderPid: null,
      socket: null,
      temporary: null,
      movable: kind !== "pinned",
      grant: null,
    };
    return { ...lease, ...extra };
  }

  #select(selector: LeaseSelector): FakeLease {
    const lease = this.leases.find((candidate) => {
      if (selector.by === "default") return candidate.kind === "default";
      if (selector.by === "name") return candidate.name === selector.name;
      return selector.by === "id" ? candidate.id === selector.id : candidate.token === selector.token;
    });
    if (lease) return lease.followsDefault && lease.kind !== "default" ? { ...lease, role: this.defaultRole } : lease;
    if (selector.by === "token" && this.#endedTokens.has(selector.token)) {
      throw new Refusal({ code: "LeaseEnded", message: "this token was revoked or replaced" });
    }
    throw new Refusal({ code: "LeaseUnknown", message: "there is no such lease", hint: "brokerctl lease list" });
  }

  #role(name: string): RoleView {
    const role = this.roles.find((candidate) => candidate.name === name);
    if (role) return role;
    throw new Refusal({ code: "RoleUnknown", message: `no role ${name}`, hint: "brokerctl roles" });
  }

  #rolesOf(source: string): readonly RoleView[] {
    return this.roles.filter((role) => role.source === source);
  }

  /** Why there is nothing to log in to. */
  #noLogin(name: string): Refusal {
    const { type } = this.#source(name);
    return new Refusal({ code: "UsageInvalid", message: `source ${name} is of type ${type}: it is not logged in to` });
  }

  #source(name: string): SourceView {
    const source = this.sources.find((candidate) => candidate.name === name);
    if (source) return source;
    throw new Refusal({ code: "SourceUnknown", message: `no source ${name}` });
  }

  #entries(kind: EntryKind): { name: string }[] {
    return kind === "role" ? this.roles : this.sources;
  }

  #entry(kind: EntryKind, name: string): void {
    if (this.#entries(kind).some((entry) => entry.name === name)) return;
    const code = kind === "role" ? "RoleUnknown" : "SourceUnknown";
    throw new Refusal({ code, message: `no ${kind} "${name}" in the config`, hint: `brokerctl ${kind} list` });
  }

  #keysSource(name: string): void {
    if (this.#source(name).type === "keys") return;
    throw new Refusal({ code: "UsageInvalid", message: `source ${name} has no access key` });
  }

  #heldKey(source: string): void {
    if (this.keys.some((key) => key.source === source)) return;
    throw new Refusal({ code: "KeyMissing", message: `source ${source} has no access key` });
  }

  #task(name: string): ControlResponse<"task-role"> {
    const found = this.tasks.get(name);
    if (found) return found;
    throw new Refusal({ code: "NotFound", message: `there is no task definition ${name} in eu-west-1` });
  }

  #function(name: string): ControlResponse<"lambda-role"> {
    const found = this.functions.get(name);
    if (found) return found;
    throw new Refusal({ code: "NotFound", message: `there is no Lambda function ${name} in eu-west-1` });
  }

  #via(named: string | null): string {
    const via = named ?? this.lambdaVia ?? this.leases.find(({ kind }) => kind === "default")?.role;
    if (typeof via === "string") return via;
    const hint = "--via dev, or for good in the config: lambda: { via: dev }";
    throw new Refusal({
      code: "UsageInvalid",
      message: "which role reads the function and assumes its role is not said: dev, prod",
      hint,
    });
  }

  #stack(name: string): ReadonlyMap<string, string> {
    const found = this.stacks.get(name);
    if (found) return found;
    throw new Refusal({ code: "NotFound", message: `there is no stack ${name} in eu-west-1` });
  }

  #viaBy(named: string | null): ViaChoice {
    return named !== null ? "named" : this.lambdaVia === undefined ? "current" : "config";
  }

  #setState(name: string, state: RoleView["state"]): void {
    const index = this.roles.findIndex((role) => role.name === name);
    this.roles[index] = { ...this.#role(name), state };
  }

  #fetch(name: string): RoleSummary {
    const role = this.#role(name);
    const error = this.failing.get(role.name);
    if (error) throw new Refusal(error);
    return this.#summary(name);
  }

  #summary(role: string | null): RoleSummary {
    if (role === null) return { role: null, accountId: null, roleArn: null, expiration: null };
    return { role, accountId: "111111111111", roleArn: this.#role(role).roleArn, expiration: NOW + HOUR_MS };
  }

  #access(lease: FakeLease): LeaseAccess {
    return {
      lease: view(lease),
      token: lease.token,
      leaseUrl: `${this.endpointUrl}/lease/${lease.token}`,
      credentialsUrl: `${this.endpointUrl}/creds`,
      region: this.roles.find(({ name }) => name === lease.role)?.region ?? null,
    };
  }

  #check(text: string, path: string): ControlResponse<"config-check"> {
    if (!text.includes("broken")) {
      const programs = text.includes("credential_process") ? ["source legacy"] : [];
      return {
        roles: this.roles.length,
        sources: this.sources.length,
        endpointPort: 9171,
        programs,
        notes: this.configNotes,
      };
    }
    throw new Refusal({
      code: "ConfigInvalid",
      message: `${path}:1: 'broken' is no key`,
      hint: "brokerctl config edit",
    });
  }

  /** Throws what an answer has as its error. */
  call<O extends ControlOperation>(operation: O, request: ControlRequest<O>): ControlResponse<O> {
    this.calls.push({ operation, request });
    this.onCall?.(operation);
    const refusal = this.refusing.get(operation);
    if (refusal) throw new Refusal(refusal);
    const handler = this.#handlers[operation] as ((request: unknown) => ControlResponse<O>) | undefined;
    if (!handler) throw new Refusal({ code: "NotSupported", message: `there is no operation ${operation}` });
    return handler(request);
  }

  async #control(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader(VERSION_HEADER, this.version).setHeader("content-type", "application/json");
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const operation = request.url?.slice(CONTROL_PREFIX.length) as ControlOperation;
    const body = JSON.parse(Buffer.concat(chunks).toString("utf8")) as ControlOperations[ControlOperation][0];
    try {
      response.end(JSON.stringify(this.call(operation, body)));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      response.writeHead(422).end(JSON.stringify({ error: error.error }));
    }
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const status = this.pendingAnswers.shift() ?? 200;
    const known = this.leases.some(({ token }) => token === request.headers.authorization);
    const refusal = known
      ? { code: "CredentialsPending", message: "wait" }
      : { code: "LeaseUnknown", message: "no lease" };
    if (!known || status !== 200) {
      response.writeHead(known ? status : 403, { "content-type": "application/json" }).end(JSON.stringify(refusal));
      return;
    }
    const body = JSON.stringify({
      Code: "Success",
      Type: "AWS-HMAC",
      AccessKeyId: SERVED.accessKeyId,
      SecretAccessKey: SERVED.secretAccessKey,
      Token: SERVED.sessionToken,
      Expiration: SERVED.expiration,
      AccountId: "111111111111",
    });
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    response.writeHead(200, headers).end(body);
  }
}

/** Without the token, which only `lease-access` and the like tell. */
function view(lease: FakeLease): LeaseView {
  return { ...lease, token: undefined, previousRole: undefined } as LeaseView;
}

function formerRole({ previousRole }: FakeLease): string {
  if (previousRole) return previousRole;
  throw new Refusal({ code: "NoRole", message: "this lease had no other role before", hint: "brokerctl use ROLE" });
}

export interface FakeArchives {
  readonly code: Buffer;
  /** What is said of it wrongly. */
  readonly told?: Partial<CodeArchive>;
  readonly layers: readonly { readonly arn: string; readonly content?: Buffer; readonly problem?: string }[];
}

const md5 = (bytes: Buffer): string => createHash("md5").update(bytes).digest("hex");
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("base64");
