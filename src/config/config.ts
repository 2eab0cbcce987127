import type { Role, Source } from "../core/role.js";
import type { Schedule } from "../core/schedule.js";
import type { SecretStoreKind } from "../core/secret-store-kind.js";
import type { LeftOutGuard } from "./left-out-guards.js";

/** Where persons are told what they did not ask for: desktop and terminals, terminals alone, nowhere. */
export const NOTICE_SETTINGS = ["on", "terminal", "off"] as const;
export type NoticeSetting = (typeof NOTICE_SETTINGS)[number];

/** A checked `config.yaml`, frozen; roles and sources are resolved and keyed by name in file order. */
export interface Config {
  readonly secretStore: SecretStoreKind;
  /** argv for `secret_store: command`. */
  readonly dataKeyCommand?: readonly string[];
  readonly endpointPort: number;
  readonly defaultRegion?: string;
  readonly sources: ReadonlyMap<string, Source>;
  readonly roles: ReadonlyMap<string, Role>;
  /** `lambda.via`: a role of `roles`, or one by its ad-hoc name. */
  readonly lambdaVia?: string;
  /** In the order of the file. */
  readonly projects: readonly Project[];
  /** Who decides requests: the first that fits. */
  readonly requestRules: readonly RequestRule[];
  readonly notices: NoticeSetting;
  /** What brokerctl asks with where it has no terminal: `pinentry`, or an absolute path; absent: nothing. */
  readonly askpass?: string;
  /** In the order of the file. */
  readonly schedules: readonly Schedule[];
  /** What of it runs programs of the user's: `data_key_command`, `source legacy`, … */
  readonly programs: readonly string[];
  /** What is no mistake, and may not be meant: a sentence each; absent: nothing. */
  readonly notes?: readonly string[];
  /** Roles that no client fetched for this long are let go, milliseconds. */
  readonly idleAfterMs: number;
  /** What stands in the file and is not in force; absent: nothing. Only `parseAround` leaves something out. */
  readonly leftOut?: readonly LeftOutEntry[];
  /** What roles of `leftOut` guard, which holds for the same roles of AWS by other names; absent: nothing. */
  readonly leftOutGuards?: readonly LeftOutGuard[];
}

/** A directory and the roles that belong to it. */
export interface Project {
  readonly name: string;
  /** Absolute, or below `~/`; no slash at its end. */
  readonly path: string;
  /** Of `exec` there, where neither a role is named nor one chosen. */
  readonly role?: string;
  /** A role is one of `roles`, or one by its ad-hoc name. */
  readonly stages: readonly { readonly stage: string; readonly role: string }[];
}

export interface RequestRule {
  /** As the file has it. */
  readonly glob: string;
  readonly fits: (role: string) => boolean;
  /** About requests for no more than reading; absent: about all. */
  readonly scope?: "read-only";
  readonly decide: "allow" | "ask" | "deny";
  readonly maxSeconds: number;
}

/** An entry with a problem of its own, or one that builds on such an entry. */
export interface LeftOutEntry {
  readonly kind: "source" | "role" | "project" | "setting";
  /** Of a setting: its path, `lambda.via`. */
  readonly name: string;
  /** The entry that it builds on and whose problem this is, `source corp`; absent: the problem is its own. */
  readonly because?: string;
  /** Says it all: `role dev is not in force: FILE:LINE:COLUMN: FIELD: what is wrong`. */
  readonly message: string;
}
