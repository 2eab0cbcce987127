import type { ImportItem } from "../../core/aws-import.js";
import { spellUnseen } from "../../core/visible-text.js";
import { maskSecrets } from "../check/show-value.js";
import type { AwsProfiles } from "./aws-profiles.js";
import type { ProfileDraft } from "./import-roles.js";
import type { ImportSources, MutableEntry, SourceDraft } from "./import-sources.js";
import { profileKind } from "./profile-kind.js";
import { leftOutOfSession } from "./profile-settings.js";
import type { ImportDrafts } from "./settle-import.js";

export interface ImportResult {
  readonly aws: AwsProfiles;
  readonly drafts: ImportDrafts;
  readonly existing: Readonly<Record<"sources" | "roles", Readonly<Record<string, unknown>>>>;
  readonly sources: ImportSources;
  /** No profile was named: everything in the files is accounted for. */
  readonly all: boolean;
}

/** Accounts for every profile, SSO session and odd section; nothing in it is a secret. */
export function importItems(result: ImportResult): readonly ImportItem[] {
  const { aws, all, drafts } = result;
  const sessions = all ? [...aws.ssoSessions.keys()].map((name) => sessionItem(name, result)) : [];
  const profiles = drafts.profiles.map((draft) => profileItem(draft, result));
  const oddities = all ? aws.oddities.map(({ what, why }) => item(what, { outcome: "refused", notes: [why] })) : [];
  return [...sessions, ...(all ? defaultItem(result) : []), ...profiles, ...oddities].map(printable);
}

function item(what: string, fields: Pick<ImportItem, "outcome"> & Partial<ImportItem>): ImportItem {
  return { what, role: null, source: null, type: null, sourceRole: null, notes: [], ...fields };
}

function sessionItem(session: string, { aws, sources, drafts, existing }: ImportResult): ImportItem {
  const twice = aws.duplicates.get(`sso-session ${session}`) ?? [];
  const left = leftOutOfSession(aws.ssoSessions.get(session)?.values() ?? []);
  const what = `[sso-session ${session}]`;
  const name = sources.sessionSource(session) ?? sources.nameOfSession(session);
  const draft = drafts.sources.get(name);
  const why = drafts.refusedSources.get(name);
  if (!draft) {
    const outcome = Object.hasOwn(existing.sources, name) ? "conflict" : "refused";
    return item(what, { outcome, notes: [why, ...twice].filter((note) => note !== undefined) });
  }
  const outcome = Object.hasOwn(existing.sources, name) ? "same" : "add";
  const notes = [...renamed(session, name, "source"), ...draft.notes, ...left, ...twice];
  return item(what, { outcome, source: name, type: String(draft.entry["type"]), notes });
}

function defaultItem({ aws, drafts }: ImportResult): ImportItem[] {
  const profile = aws.profiles.get("default");
  if (!profile || drafts.profiles.some((draft) => draft.profile.name === "default")) return [];
  if (profileKind(profile, aws.ssoSessions).kind === "none") {
    return [item("default", { outcome: "refused", notes: ["holds no credentials"] })];
  }
  return [item("default", { outcome: "left", notes: ["taken only when it is named: brokerctl import default"] })];
}

function profileItem(draft: ProfileDraft, { aws, drafts, existing }: ImportResult): ImportItem {
  const { profile, name, role, refusal, notes } = draft;
  const twice = aws.duplicates.get(`profile ${profile.name}`) ?? [];
  if (!role) {
    const outcome = draft.isConflict ? "conflict" : "refused";
    return item(profile.name, { outcome, notes: [refusal, ...twice].filter((note) => note !== undefined) });
  }
  const source = textOf(role["source"]);
  const sourceDraft = drafts.sources.get(source ?? "");
  const entry = sourceDraft?.entry ?? (existing.sources[source ?? ""] as MutableEntry | undefined);
  return item(profile.name, {
    outcome: Object.hasOwn(existing.roles, name) ? "same" : "add",
    role: name,
    source,
    type: textOf(entry?.["type"]),
    sourceRole: textOf(role["source_role"]),
    notes: [...renamed(profile.name, name, "role"), ...sourceNotes(draft, sourceDraft), ...notes, ...twice],
  });
}

function sourceNotes({ profile }: ProfileDraft, source: SourceDraft | undefined): string[] {
  if (!source) return [];
  const asksToo = source.entry["mfa_serial"] !== undefined && !profile.settings.has("mfa_serial");
  const mfa = asksToo ? [`asks for MFA too: it belongs to the key, source ${source.name}`] : [];
  return [...(source.profile === profile.name ? source.notes : []), ...mfa];
}

function renamed(from: string, to: string, kind: string): string[] {
  return from === to ? [] : [`its ${kind} is called ${to}`];
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** The files' texts come from anywhere: keys in the wrong place are masked, control characters spelled out. */
function printable({ what, notes, ...rest }: ImportItem): ImportItem {
  const clean = (text: string): string => spellUnseen(maskSecrets(text));
  return { what: clean(what), ...rest, notes: notes.map(clean) };
}
