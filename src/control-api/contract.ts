import type { ImportItem, ImportKeyView, ImportRequest, TextSpans } from "../core/aws-import.js";
import type { EditPlan } from "../core/config-edit.js";
import type { BrokerErrorCode } from "../core/errors.js";
import type { LeaseSelector } from "../core/lease.js";
import type { AuditOperations } from "./audit-contract.js";
import type { ConfigOperations } from "./config-contract.js";
import type { GuardOperations, GuardView } from "./guard-contract.js";
import type { LambdaOperations } from "./lambda-contract.js";
import type { LeaseOperations, LeaseView, RoleSummary } from "./lease-contract.js";
import type { LoginOperations, SourceView } from "./login-contract.js";
import type { SsoOperations } from "./sso-contract.js";

/**
 * The wire contract of the control plane, imported by both programs: `POST /v1/<operation>` with a JSON object over
 * the unix socket. Instants are epoch milliseconds, durations seconds; the CLI renders them. No AWS credential is
 * in any response; lease tokens are. Failures are `{"error": ControlError}`.
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
    /** Which user is behind a connection to the endpoint is checked; else the token alone decides. */
    readonly peerCheck?: Protection;
    /** Other programs of the user cannot read brokerd's memory and environment. */
    readonly memory?: Protection;
  };
  readonly defaultRole: string | null;
  readonly sources: readonly SourceView[];
  readonly roles: readonly RoleView[];
  readonly leases: readonly LeaseView[];
  /** How many requests wait for a person. */
  readonly pendingRequests: number;
  /** Entries of the config that are not in force, where there are any; the state is `degraded` then. */
  readonly leftOut?: readonly LeftOutView[];
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
  extends AuditOperations,
    ConfigOperations,
    GuardOperations,
    LambdaOperations,
    LeaseOperations,
    LoginOperations,
    SsoOperations {
  status: [Empty, StatusView];
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
  warm: [{ readonly role: string }, RoleSummary];
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
