import type { AuditLog } from "../audit/audit-log.js";
import type { Iam } from "../aws/iam.js";
import type { Sts } from "../aws/sts.js";
import type { Config, LeftOutEntry } from "../config/config.js";
import type { AwsImport, ConfigImport } from "../config/import/aws-config-import.js";
import type { ControlRequest, ControlResponse, Protection } from "../control-api/contract.js";
import type { EditPlan, FieldValues } from "../core/config-edit.js";
import type { BrokerError } from "../core/errors.js";
import type { Role } from "../core/role.js";
import type { Secret } from "../core/secret.js";
import type { CredentialsRegistry } from "../credentials/credentials-registry.js";
import type { KeyStore } from "../credentials/sources/key-store.js";
import type { KeysSessions } from "../credentials/sources/keys-sessions.js";
import type { SourceProviders } from "../credentials/sources/source-provider.js";
import type { DeployedFunctions } from "../lambda/deployed-functions.js";
import type { LeaseRegistry } from "../leases/lease-registry.js";
import type { Confirmations } from "../requests/confirmations.js";
import type { Questions } from "../requests/questions.js";
import type { RequestRegistry } from "../requests/request-registry.js";
import type { StoreAccess } from "../secrets/store-access.js";
import type { StoreState } from "../secrets/store-state.js";
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
  /** Rejects with ConfigInvalid, all problems in the message. */
  check(text: string, path: string): Config;
  planSource(edit: ConfigEdit): EditPlan;
  planRole(edit: ConfigEdit): EditPlan;
  planSsoRoles(request: ControlRequest<"sso-roles-plan">): ControlResponse<"sso-roles-plan">;
  /** A role that no entry names: `SOURCE:ACCOUNT/ROLE`, or a function's that is kept; undefined where it names none. */
  unnamedRole(name: string): Role | undefined;
  planImport(request: ImportTexts): AwsImport;
  jsonSchema(): Readonly<Record<string, unknown>>;
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

export interface ControlServices {
  readonly daemon: DaemonFacade;
  readonly config: RunningConfig;
  readonly store: StoreAccess;
  readonly credentials: CredentialsRegistry;
  readonly leases: LeaseRegistry;
  readonly requests: RequestRegistry;
  readonly confirmations: Confirmations;
  readonly questions: Questions;
  readonly display: Pick<SessionDisplay, "tell">;
  readonly keys: KeyStore;
  readonly sessions: KeysSessions;
  readonly sources: SourceProviders;
  readonly sso: Sso;
  readonly sts: Sts;
  readonly iam: Iam;
  readonly functions: DeployedFunctions;
  readonly audit: AuditLog;
  readonly processes: ProcessTable;
  readonly clock: Clock;
  readonly logger: Logger;
}
