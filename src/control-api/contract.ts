import type { BrokerErrorCode } from "../core/errors.js";
import type { ImportItemView, ImportKeyView, ImportRequest, TextSpan } from "./import-contract.js";

/**
 * The wire contract of the control plane, imported by both programs: `POST /v1/<operation>` with a JSON object over
 * the unix socket. Instants are epoch milliseconds, durations seconds; the CLI renders them. No AWS credential is
 * in any response; lease tokens are. Failures are `{"error": ControlError}`.
 */
export const CONTROL_PREFIX = "/v1/";
/** Sent by both sides: versions that differ are said, and how to mend it. */
export const VERSION_HEADER = "credbroker-version";

export interface ControlError {
  readonly code: BrokerErrorCode;
  readonly message: string;
  readonly hint?: string;
}

type Empty = Record<string, never>;

export type DaemonState = "ready" | "locked" | "degraded";
export type SourceState = "ready" | "login_required" | "mfa_required" | "missing_key" | "locked" | "error";
export type RoleStateName =
  | "idle"
  | "ready"
  | "refreshing"
  | "login_required"
  | "mfa_required"
  | "denied"
  | "locked"
  | "error";

export interface SourceView {
  readonly name: string;
  readonly type: string;
  readonly state: SourceState;
  readonly expiresAt: number | null;
}

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
}

export interface LeaseView {
  readonly id: string;
  readonly name: string | null;
  readonly kind: "default" | "named" | "pinned" | "child";
  readonly role: string | null;
  readonly followsDefault: boolean;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly lastUsedAt: number | null;
  readonly holderPid: number | null;
  /** `use --for`: when the role falls back, and to which. */
  readonly temporary: { readonly until: number; readonly thenRole: string | null } | null;
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
  };
  readonly defaultRole: string | null;
  readonly sources: readonly SourceView[];
  readonly roles: readonly RoleView[];
  readonly leases: readonly LeaseView[];
}

/** What a program gets to speak to the endpoint with a lease. */
export interface LeaseAccess {
  readonly lease: LeaseView;
  readonly token: string;
  /** `http://127.0.0.1:PORT/lease/TOKEN` */
  readonly leaseUrl: string;
  /** `http://127.0.0.1:PORT/creds`, for the header and token-file forms. */
  readonly credentialsUrl: string;
  /** Region of the lease's role, where it names one. */
  readonly region: string | null;
}

export interface RoleSummary {
  readonly role: string | null;
  readonly accountId: string | null;
  readonly roleArn: string | null;
  /** As advertised. */
  readonly expiration: number | null;
}

/** Which lease an operation is about: the caller's own token, a name, an id, or the default lease. */
export type LeaseSelector =
  | { readonly by: "default" }
  | { readonly by: "name"; readonly name: string }
  | { readonly by: "token"; readonly token: string }
  | { readonly by: "id"; readonly id: string };

export interface KeyView {
  readonly source: string;
  /** Last 4 characters of the access key id. */
  readonly accessKeyIdSuffix: string;
  readonly addedAt: number;
  readonly rotatedAt: number | null;
}

/** A text file as the CLI read it and the text that should stand there instead (null: nothing to change). */
export interface EditPlan {
  readonly text: string | null;
  /** What changes, one line each, for people. */
  readonly summary: readonly string[];
}

/** A field of a source or role as the flags gave it: name in the config's spelling, value as typed. */
export type FieldValues = Readonly<Record<string, string | readonly string[]>>;

/** In a browser on this machine (authorization code), or in any browser (device authorization). */
export type LoginFlow = "browser" | "device";

/** A permission set in an account, as the portal lists it. */
export interface SsoRoleFound {
  readonly accountId: string;
  readonly accountName: string;
  readonly roleName: string;
}

/** operation → [request, response] */
export interface ControlOperations {
  status: [Empty, StatusView];
  stop: [Empty, { readonly pid: number }];

  /** Makes the data key (`init`); Conflict when it exists. */
  "store-create": [{ readonly passphrase?: string }, { readonly state: string; readonly warnings: readonly string[] }];
  lock: [Empty, Empty];
  unlock: [{ readonly passphrase?: string }, { readonly state: string; readonly warnings: readonly string[] }];

  /** Parses and checks without applying; rejects with ConfigInvalid (all problems, one a line). */
  "config-check": [
    { readonly text: string; readonly path: string },
    { readonly roles: number; readonly sources: number },
  ];
  /** Loads the file from disk again; an invalid one keeps the running config and rejects with ConfigInvalid. */
  "config-reload": [Empty, { readonly roles: number; readonly sources: number; readonly notes: readonly string[] }];
  "config-schema": [Empty, { readonly schema: Readonly<Record<string, unknown>> }];
  "source-add": [
    { readonly text: string; readonly path: string; readonly name: string; readonly fields: FieldValues },
    EditPlan,
  ];
  "role-add": [
    { readonly text: string; readonly path: string; readonly name: string; readonly fields: FieldValues },
    EditPlan,
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
  /** What an import would do; `storeProblem`: why its keys could not be stored now. */
  "import-plan": [
    ImportRequest,
    EditPlan & {
      readonly items: readonly ImportItemView[];
      readonly keys: readonly ImportKeyView[];
      readonly storeProblem: ControlError | null;
    },
  ];
  /**
   * Puts the keys of an import into the secret store, once its sources are in the config in force. `places` is where the
   * keys stand that are durably stored now: what `--remove-keys` cuts out of the AWS files.
   */
  "import-keys": [
    ImportRequest,
    {
      readonly keys: readonly ImportKeyView[];
      readonly places: { readonly config: readonly TextSpan[]; readonly credentials: readonly TextSpan[] };
    },
  ];
  "keys-list": [Empty, { readonly keys: readonly KeyView[] }];
  "keys-rotate": [{ readonly source: string }, KeyView & { readonly notes: readonly string[] }];
  "keys-remove": [{ readonly source: string }, Empty];

  /** Which sources can be logged in to, and what each needs now. */
  "login-choices": [
    Empty,
    {
      readonly sources: readonly (SourceView & {
        readonly needs: "mfa_code" | "sso" | null;
        readonly mfaSerial: string | null;
        /** A program prints the code: `login-mfa` needs none. */
        readonly mfaProcess: boolean;
      })[];
    },
  ];
  /**
   * Starts a login to Identity Center, or joins the one that is under way for the same session: then `flow` is that
   * one's. Call `login-wait` within 15 s. The token stays with the daemon.
   */
  "login-start": [
    { readonly source: string; readonly flow: LoginFlow },
    {
      readonly loginId: string;
      readonly flow: LoginFlow;
      readonly joined: boolean;
      /** Where the person goes. */
      readonly url: string;
      /** What the page there shows too; null where nothing needs comparing. */
      readonly userCode: string | null;
      readonly expiresAt: number;
      /** Approved before: there is nothing to show, `login-wait` answers at once. */
      readonly isDone: boolean;
    },
  ];
  /** Waits for the person; going away as the last one who waits ends the login. */
  "login-wait": [{ readonly loginId: string }, { readonly expiresAt: number }];
  /** Token or MFA session and the credentials that came from it are forgotten. `problem`: AWS could not be told. */
  logout: [
    { readonly source: string },
    { readonly wasLoggedIn: boolean; readonly sources: readonly string[]; readonly problem: string | null },
  ];

  /** What a login can have; each call waits as long as the portal makes it. */
  "sso-accounts": [
    { readonly source: string },
    { readonly accounts: readonly { readonly accountId: string; readonly accountName: string }[] },
  ];
  "sso-account-roles": [{ readonly source: string; readonly accountId: string }, { readonly roles: readonly string[] }];
  /** The config with roles for what was found, and without those of the source that are not in `existing`. */
  "sso-roles-plan": [
    {
      readonly text: string;
      readonly path: string;
      readonly source: string;
      /** Of the new roles' names: `{account_name} {account_id} {role_name}`. */
      readonly nameTemplate: string;
      readonly found: readonly SsoRoleFound[];
      /** All that the login can have; absent: nothing is removed. */
      readonly existing?: readonly Pick<SsoRoleFound, "accountId" | "roleName">[];
    },
    EditPlan & {
      readonly added: readonly string[];
      readonly removed: readonly string[];
      /** Why something was left as it is, one line each. */
      readonly notes: readonly string[];
    },
  ];
  /** `keys` source with MFA: one GetSessionToken with this code, or with the one that the source's mfa_process prints. */
  "login-mfa": [
    { readonly source: string; readonly code?: string },
    { readonly source: string; readonly expiresAt: number },
  ];

  /** role `-`: the one this lease had before. */
  use: [
    { readonly lease: LeaseSelector; readonly role: string; readonly forSeconds?: number },
    { readonly lease: LeaseView; readonly old: RoleSummary; readonly new: RoleSummary },
  ];
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

  /** The default lease, a named one, or the pinned one of a role (made when missing). */
  "lease-access": [{ readonly lease: LeaseSelector } | { readonly pinnedRole: string }, LeaseAccess];
  /** A named lease (`lease create`): role null follows the default lease. */
  "lease-create": [{ readonly name: string; readonly role: string | null; readonly forSeconds?: number }, LeaseAccess];
  /** A lease that ends with a process: exec, shells, 60 s fetches. role null follows the default lease. */
  "lease-child": [{ readonly role: string | null; readonly pid: number; readonly forSeconds?: number }, LeaseAccess];
  /** The CLI made the lease before its child existed: now the child holds it. */
  "lease-hand-over": [{ readonly id: string; readonly pid: number }, Empty];
  "lease-list": [Empty, { readonly leases: readonly LeaseView[] }];
  "lease-show": [{ readonly lease: LeaseSelector }, LeaseView];
  /** New token; the old one is refused at once. */
  "lease-rotate": [{ readonly lease: LeaseSelector }, LeaseAccess];
  "lease-revoke": [{ readonly lease: LeaseSelector }, LeaseView];
}

export type ControlOperation = keyof ControlOperations;
export type ControlRequest<O extends ControlOperation> = ControlOperations[O][0];
export type ControlResponse<O extends ControlOperation> = ControlOperations[O][1];
