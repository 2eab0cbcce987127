import type { AuditLog } from "../audit/audit-log.js";
import type { Iam } from "../aws/iam.js";
import type { SignIn } from "../aws/sign-in.js";
import type { Sts } from "../aws/sts.js";
import type { Config, LeftOutEntry } from "../config/config.js";
import type { AwsImport, ConfigImport } from "../config/import/aws-config-import.js";
import type { ControlRequest, ControlResponse, Protection, ScheduleView } from "../control-api/contract.js";
import type { PageFinding } from "../control-api/ui-contract.js";
import type { EditPlan, EntryShown, FieldValues } from "../core/config-edit.js";
import type { BrokerError } from "../core/errors.js";
import type { Lease } from "../core/lease.js";
import type { Role } from "../core/role.js";
import type { Secret } from "../core/secret.js";
import type { CredentialsRegistry } from "../credentials/credentials-registry.js";
import type { KeyStore } from "../credentials/sources/key-store.js";
import type { KeysSessions } from "../credentials/sources/keys-sessions.js";
import type { SourceProviders } from "../credentials/sources/source-provider.js";
import type { DeployedFunctions } from "../lambda/deployed-functions.js";
import type { DeployedTasks } from "../lambda/deployed-tasks.js";
import type { LeaseRegistry } from "../leases/lease-registry.js";
import type { Confirmations } from "../requests/confirmations.js";
import type { Questions } from "../requests/questions.js";
import type { RequestRegistry } from "../requests/request-registry.js";
import type { StoreAccess } from "../secrets/store-access.js";
import type { StoreState } from "../secrets/store-state.js";
import type { ConsoleLogins } from "../sso/sign-in/console-logins.js";
import type { Sso } from "../sso/sso.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import type { ProcessTable } from "../system/process-identity.js";
import type { SessionDisplay } from "../system/session-display.js";

/** The config in force and the file behind it. */
export interface RunningConfig {
  readonly path: string;
  /** Undefined: none could be loaded yet; `problem` says why. */
  current(): Config | undefined;
  problem(): BrokerError | undefined;
  /** True if the file on disk is not what runs. */
  changedOnDisk(): Promise<boolean>;
  /** An edit by hand that is valid comes into force; resolves with whether it did. Never rejects. */
  takeUpEdit(): Promise<boolean>;
  /** Why the file on disk is not in force; undefined: it is, or it was not looked at. */
  editProblem(): BrokerError | undefined;
  /**
   * Why an entry of the file is not in force although the config is; undefined: it is, or there is none. Of a `role` without an
   * entry (`SOURCE:ACCOUNT/ROLE`, a function's): why what it builds on is not.
   */
  whyLeftOut(kind: LeftOutEntry["kind"], name: string): BrokerError | undefined;
  /** Loads the file again; an invalid one rejects with ConfigInvalid and changes nothing. Notes: what needs a restart. */
  reload(): Promise<{ readonly config: Config; readonly notes: readonly string[] }>;
  /** What the file says now, in force or not; rejects with ConfigInvalid. */
  inFile(): Promise<Config>;
  /** Rejects with ConfigInvalid, all problems in the message. */
  check(text: string, path: string): Promise<Config>;
  planSource(edit: ConfigEdit): Promise<EditPlan>;
  planRole(edit: ConfigEdit): Promise<EditPlan>;
  showEntry(request: ControlRequest<"entry-show">): Promise<EntryShown>;
  planRename(request: ControlRequest<"entry-rename">): Promise<EditPlan>;
  planRemove(request: ControlRequest<"entry-remove">): Promise<EditPlan>;
  planSsoRoles(request: ControlRequest<"sso-roles-plan">): Promise<ControlResponse<"sso-roles-plan">>;
  /** A role that no entry names: `SOURCE:ACCOUNT/ROLE`, or a function's that is kept; undefined where it names none. */
  unnamedRole(name: string): Role | undefined;
  planImport(request: ImportTexts): Promise<AwsImport>;
  jsonSchema(): Promise<Readonly<Record<string, unknown>>>;
}

/** An import as `config` takes it, without user and host. */
export type ImportTexts = Omit<ConfigImport, "user" | "host">;

export interface ConfigEdit {
  readonly text: string;
  readonly path: string;
  readonly name: string;
  readonly fields: FieldValues;
}

/** What the daemon as a whole does and reports. */
export interface DaemonFacade {
  readonly pid: number;
  readonly version: string;
  readonly startedAt: number;
  readonly overrides: readonly string[];
  readonly peerCheck: Protection;
  readonly memory: Protection;
  /** `http://127.0.0.1:PORT`; null while the port is not bound. */
  endpoint(): string | null;
  warnings(): Promise<readonly string[]>;
  /** Opens the store; what it holds is taken up and waiting roles are woken. */
  unlock(passphrase?: Secret): Promise<StoreState>;
  createStore(passphrase?: Secret): Promise<StoreState>;
  /** Forgets data key and cached credentials, durably. */
  lock(): Promise<void>;
  /** After the answer has been sent. */
  stopSoon(): void;
}

/** The unix sockets of leases. */
export interface LeaseSocketsInForce {
  /** A path in a directory of ours, which no other lease has. */
  newPath(): string;
  /** Why the lease is not served on its socket; undefined: it is, or has none. */
  problemOf(lease: Pick<Lease, "id">): BrokerError | undefined;
}

/** The port for pages, which is open only while there is one. */
export interface Pages {
  /** Opens it, and makes a link that is good once. */
  open(findings: readonly PageFinding[]): Promise<ControlResponse<"ui-open">>;
}

/** What brokerd does by itself at set times. */
export interface ScheduleViews {
  /** In the order of the config. */
  views(): readonly ScheduleView[];
}

/** A sentence on the end of a login, which these sources share. */
export interface SessionNotice {
  readonly sources: ReadonlySet<string>;
  readonly text: string;
}

/** What persons are told of logins that end. */
export interface SessionNotices {
  /** Calls `told` with each notice that terminals are to show, until the cancel that it answers is called. */
  watch(told: (notice: SessionNotice) => void): () => void;
  /** A person ends the login of a source by `end`: no one is told what they did themselves. */
  byPerson<T>(source: string, end: () => Promise<T>): Promise<T>;
}

export interface ControlServices {
  readonly daemon: DaemonFacade;
  readonly config: RunningConfig;
  readonly store: StoreAccess;
  readonly credentials: CredentialsRegistry;
  readonly leases: LeaseRegistry;
  readonly sockets: LeaseSocketsInForce;
  readonly requests: RequestRegistry;
  readonly confirmations: Confirmations;
  readonly questions: Questions;
  readonly display: Pick<SessionDisplay, "tell">;
  readonly keys: KeyStore;
  readonly sessions: KeysSessions;
  readonly sources: SourceProviders;
  readonly sso: Sso;
  readonly consoleLogins: ConsoleLogins;
  readonly sts: Sts;
  readonly iam: Iam;
  readonly signIn: SignIn;
  readonly functions: DeployedFunctions;
  readonly tasks: DeployedTasks;
  readonly audit: AuditLog;
  readonly sessionNotices: SessionNotices;
  readonly schedules: ScheduleViews;
  readonly pages: Pages;
  readonly processes: ProcessTable;
  readonly clock: Clock;
  readonly logger: Logger;
}
