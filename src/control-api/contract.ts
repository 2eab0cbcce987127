import type { ImportItem, ImportKeyView, ImportRequest, TextSpans } from "../core/aws-import.js";
import type { EditPlan } from "../core/config-edit.js";
import type { BrokerErrorCode } from "../core/errors.js";
import type { LeaseSelector } from "../core/lease.js";
import type { AccessOperations } from "./access-contract.js";
import type { AuditOperations } from "./audit-contract.js";
import type { ConfigOperations } from "./config-contract.js";
import type { ConsoleOperations } from "./console-contract.js";
import type { GuardOperations, GuardView } from "./guard-contract.js";
import type { LambdaOperations } from "./lambda-contract.js";
import type { LeaseOperations, LeaseView, RoleSummary, WantedScope } from "./lease-contract.js";
import type { LoginOperations, SourceView } from "./login-contract.js";
import type { SsoOperations } from "./sso-contract.js";
import type { TaskOperations } from "./task-contract.js";
import type { UiOperations } from "./ui-contract.js";

/**
 * The wire contract of the control plane, imported by both programs: `POST /v1/<operation>` with a JSON object over
 * the unix socket. Instants are epoch milliseconds, durations seconds; the CLI renders them. No AWS credential is
 * in any response but the URL of `console`, which signs a browser in; lease tokens are, and the link of `ui-open`. Failures are `{"error": ControlError}`.
 */
export const CONTROL_PREFIX = "/v1/";
/** Sent by both sides: `brokerctl` warns where the versions differ. */
export const VERSION_HEADER = "credbroker-version";
/** Of the client: its process. */
export const PID_HEADER = "credbroker-pid";
/** Of the client: the token of the lease that its variables hold, where they hold one. */
export const LEASE_HEADER = "credbroker-lease";

export interface ControlError {
  readonly code: BrokerErrorCode;
  readonly message: string;
  readonly hint?: string;
}

type Empty = Record<string, never>;

export type DaemonState = "ready" | "locked" | "degraded";
export type RoleStateName =
  | "idle"
  | "ready"
  | "refreshing"
  | "login_required"
  | "mfa_required"
  | "denied"
  | "locked"
  | "error";

export interface RoleView {
  readonly name: string;
  readonly source: string;
  readonly state: RoleStateName;
  readonly roleArn: string | null;
  readonly accountId: string | null;
  readonly region: string | null;
  /** As advertised to clients. */
  readonly expiration: number | null;
  /** When they came; absent: an older brokerd. */
  readonly issuedAt?: number | null;
  readonly refreshAt: number | null;
  readonly lastError: ControlError | null;
  /** The strictest of its chain. */
  readonly guard: GuardView | null;
  /** Of a role that is a permission set in the account. */
  readonly ssoRoleName: string | null;
  /** null: no client asked for it since its credentials were dropped as idle. */
  readonly lastRequestedAt: number | null;
}

/** `why` it is not in force; null: it is. */
export interface Protection {
  readonly on: boolean;
  readonly why: string | null;
}

export interface StatusView {
  readonly daemon: {
    readonly pid: number;
    readonly version: string;
    readonly startedAt: number;
    /** null while the port is not bound (degraded). */
    readonly endpoint: string | null;
    readonly secretStore: string;
    readonly state: DaemonState;
    /** Environment overrides in force, `NAME=value`; values that could hold secrets are left out. */
    readonly overrides: readonly string[];
    /** Weak key holder, config changed on disk but not loaded, a broken cache set aside, … */
    readonly warnings: readonly string[];
    readonly problem: ControlError | null;
    readonly configPath: string;
    /** Of the config, where it names one. */
    readonly askpass?: string;
    /** Which user is behind a connection to the endpoint is checked; else the token alone decides. */
    readonly peerCheck?: Protection;
    /** Other programs of the user cannot read brokerd's memory and environment. */
    readonly memory?: Protection;
  };
  readonly defaultRole: string | null;
  readonly sources: readonly SourceView[];
  readonly roles: readonly RoleView[];
  readonly leases: readonly LeaseView[];
  /** Where `rows` were wanted and there are more: how many of each were left out. */
  readonly more?: Readonly<Record<"sources" | "roles" | "leases", RowsLeftOut>>;
  /** How many requests wait for a person. */
  readonly pendingRequests: number;
  /** Of the config; absent: an older brokerd. */
  readonly schedules?: readonly ScheduleView[];
  /** Entries of the config that are not in force, where there are any; the state is `degraded` then. */
  readonly leftOut?: readonly LeftOutView[];
}

export interface ScheduleView {
  readonly cron: string;
  /** As the config has it: `lock`, `keys-rotate ops-keys`. */
  readonly do: string;
  /** When it is due next, or since when it is. */
  readonly nextAt: number | null;
  /** It is due, and begins once the secret store is open. */
  readonly waitsForUnlock: boolean;
  readonly lastRunAt: number | null;
  /** Of the last run, where it failed. */
  readonly lastError: ControlError | null;
}

export interface RowsLeftOut {
  readonly count: number;
  /** Of these, how many need the user. */
  readonly inTrouble: number;
}

export interface LeftOutView {
  readonly kind: "source" | "role" | "project" | "setting";
  readonly name: string;
  /** `source corp`, `role dev`: whose problem it is; null: its own. */
  readonly because: string | null;
  readonly error: ControlError;
}

export interface KeyView {
  readonly source: string;
  /** Last 4 characters of the access key id. */
  readonly accessKeyIdSuffix: string;
  readonly addedAt: number;
  readonly rotatedAt: number | null;
}

/** operation → [request, response] */
export interface ControlOperations
  extends AccessOperations,
    AuditOperations,
    ConfigOperations,
    ConsoleOperations,
    GuardOperations,
    LambdaOperations,
    TaskOperations,
    LeaseOperations,
    LoginOperations,
    SsoOperations,
    UiOperations {
  /**
   * `rows`: at most so many sources, roles and leases each: `role` and its source first, else the caller's own role, then what needs the
   * user, what is live, and what leases name. Without it all, in the order of the config, and of the leases' making.
   */
  status: [{ readonly rows?: number; readonly role?: string }, StatusView];
  stop: [Empty, { readonly pid: number }];

  /** Makes the data key (`init`); Conflict when it exists. */
  "store-create": [{ readonly passphrase?: string }, { readonly state: string; readonly warnings: readonly string[] }];
  lock: [Empty, Empty];
  /** `display`: where the caller's screen is (DISPLAY, …); taken with a passphrase that was right. */
  unlock: [
    { readonly passphrase?: string; readonly display?: Readonly<Record<string, string>> },
    { readonly state: string; readonly warnings: readonly string[] },
  ];

  "keys-add": [
    {
      readonly source: string;
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly replace: boolean;
    },
    KeyView & { readonly notes: readonly string[] },
  ];
  /**
   * What an import would do; `storeProblem`: why its keys could not be stored now. `places` is where they stand, but for those
   * that the store has another key for.
   */
  "import-plan": [
    ImportRequest,
    EditPlan & {
      readonly items: readonly ImportItem[];
      readonly keys: readonly ImportKeyView[];
      readonly places: TextSpans;
      readonly storeProblem: ControlError | null;
    },
  ];
  /**
   * Puts the keys of an import into the secret store, once its sources are in the config in force. `places` is where the
   * keys stand that are durably stored now: what `--remove-keys` and `--replace` cut out of the AWS files.
   */
  "import-keys": [
    ImportRequest,
    {
      readonly keys: readonly ImportKeyView[];
      readonly places: TextSpans;
    },
  ];
  "keys-list": [Empty, { readonly keys: readonly KeyView[] }];
  "keys-rotate": [{ readonly source: string }, KeyView & { readonly notes: readonly string[] }];
  "keys-remove": [{ readonly source: string }, Empty];

  /** Fetches the role's credentials now and waits for them (limit 60 s); answers what they are, never themselves. */
  warm: [{ readonly role: string; readonly scope?: WantedScope }, RoleSummary];
  refresh: [
    { readonly role?: string },
    {
      readonly refreshed: readonly RoleSummary[];
      readonly failed: readonly (ControlError & { readonly role: string })[];
    },
  ];
  /** AWS's own answer (GetCallerIdentity) for a role or for the role of a lease. */
  whoami: [
    { readonly role: string } | { readonly lease: LeaseSelector },
    {
      readonly role: string;
      readonly account: string;
      readonly arn: string;
      readonly userId: string;
      readonly expiration: number;
    },
  ];
}

export type ControlOperation = keyof ControlOperations;
export type ControlRequest<O extends ControlOperation> = ControlOperations[O][0];
export type ControlResponse<O extends ControlOperation> = ControlOperations[O][1];

/** For operations that wait for neither AWS nor the user. */
export const ANSWER_TIMEOUT_MS = 10_000;
/** The daemon itself gives up on AWS after 60 s: a little more, so that its own error arrives. */
const AWS_TIMEOUT_MS = 75_000;
/** A keychain prompt waits for the user. */
const PROMPT_TIMEOUT_MS = 180_000;
/** The portal limits the rate of requests: they are spread, and repeated after a 429. */
const LISTING_TIMEOUT_MS = 120_000;
/** A login gives up by itself after ten minutes: a little more, so that its own error arrives. */
const LOGIN_TIMEOUT_MS = 11 * 60_000;
/** A dialog closes by itself after a minute: a little more, so that brokerd's own error arrives. */
const QUESTION_TIMEOUT_MS = 90_000;
/** A request expires by itself after two hours. */
const REQUEST_TIMEOUT_MS = 125 * 60_000;
/** Each is a durable write in line with those of all other commands: for a hundred at once on a busy disk 10 s are too few. */
const LEASE_TIMEOUT_MS = 60_000;
/** It fetches, and makes a lease. */
export const LAUNCH_TIMEOUT_MS = AWS_TIMEOUT_MS + LEASE_TIMEOUT_MS;
export const PATIENCE_MS: Partial<Record<ControlOperation, number>> = {
  warm: AWS_TIMEOUT_MS,
  use: AWS_TIMEOUT_MS,
  "lease-child": LEASE_TIMEOUT_MS,
  "lease-revoke": LEASE_TIMEOUT_MS,
  "lease-narrow": LEASE_TIMEOUT_MS,
  "lease-set": AWS_TIMEOUT_MS,
  "guard-confirm": QUESTION_TIMEOUT_MS,
  "request-wait": REQUEST_TIMEOUT_MS,
  refresh: AWS_TIMEOUT_MS,
  whoami: AWS_TIMEOUT_MS,
  "login-mfa": AWS_TIMEOUT_MS,
  "login-start": AWS_TIMEOUT_MS,
  "login-wait": LOGIN_TIMEOUT_MS,
  logout: AWS_TIMEOUT_MS,
  "sso-accounts": LISTING_TIMEOUT_MS,
  "sso-account-roles": LISTING_TIMEOUT_MS,
  "keys-rotate": AWS_TIMEOUT_MS,
  // The role's credentials, then the function and its role's policies.
  "lambda-role": 2 * AWS_TIMEOUT_MS,
  // By pages.
  "lambda-list": LISTING_TIMEOUT_MS,
  "lambda-trust": 2 * AWS_TIMEOUT_MS,
  "lambda-code": 2 * AWS_TIMEOUT_MS,
  "lambda-code-part": AWS_TIMEOUT_MS,
  "lambda-why": 2 * AWS_TIMEOUT_MS,
  "task-role": 2 * AWS_TIMEOUT_MS,
  "task-trust": 2 * AWS_TIMEOUT_MS,
  "store-create": PROMPT_TIMEOUT_MS,
  unlock: PROMPT_TIMEOUT_MS,
};
