import type { IamRole, IamRoles } from "../aws/iam-roles.js";
import type { Sts } from "../aws/sts.js";
import type { TrustAction, TrustReport, TrustTerms } from "../core/deployed-function.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import type { Clock } from "../system/clock.js";
import {
  addStatement,
  type Found,
  findStatement,
  otherSids,
  removeStatement,
  type Standing,
  type TrustEdit,
} from "./edit-trust-policy.js";
import { ownerOfRole } from "./role-owner.js";
import { type TrustPrincipal, trustPrincipal } from "./trust-principal.js";
import { type TrustWish, trustWish } from "./trust-statement.js";
import { roleInOwnAccount, roleNameOf, type Via } from "./via.js";

/** What is asked and with whose credentials. */
export interface TrustOptions {
  readonly sts: Sts;
  readonly iamRoles: IamRoles;
  readonly clock: Clock;
  readonly via: Via;
  /** Of the role that `via` is to be let in to: a function's, or a task's. */
  readonly roleArn: string;
  /** What sessions on it are called here. */
  readonly sessionName: string;
  /** Whether only sessions of that name are to be let in. */
  readonly ownSession?: boolean | undefined;
  /** How long; undefined: until it is removed. */
  readonly seconds?: number | undefined;
  /** Who asks, for the Sid. */
  readonly user: string;
}

/** What is done about the statement, and on which terms it is wanted. */
export interface WantedTrust extends TrustTerms {
  readonly action: TrustAction;
}

export async function trustOf(
  options: Omit<TrustOptions, keyof TrustTerms>,
  { action, ...terms }: WantedTrust,
): Promise<TrustReport> {
  return { show: readTrust, apply: applyTrust, undo: undoTrust }[action]({ ...options, ...terms });
}

/** The statement, and whether it stands there: said also where the trust policy itself may not be read. */
export async function readTrust(options: TrustOptions): Promise<TrustReport> {
  const wanted = await wantedTrust(options);
  const read = await readIfAllowed(options, wanted);
  if ("because" in read) {
    const note = `whether the statement stands in the trust policy cannot be told: ${read.because}`;
    return report(options, wanted, { found: { standing: "absent" }, changed: false, notes: [note] });
  }
  const { role } = read;
  const found = findStatement(role.trustPolicy, wanted.wish);
  const notes = [...standingNotes(found), ...otherNotes(role.trustPolicy, wanted.wish)];
  return report(options, wanted, { found, role, changed: false, notes });
}

/** Adds the statement. IAM knows no conditional write: what others write at the same moment shows in the look after it. */
export async function applyTrust(options: TrustOptions): Promise<TrustReport> {
  return editTrust(options, addStatement, []);
}

/** Removes that statement alone. */
export async function undoTrust(options: TrustOptions): Promise<TrustReport> {
  return editTrust(options, removeStatement, [LASTING]);
}

type Edit = (document: string, wish: TrustWish) => TrustEdit;

async function editTrust(options: TrustOptions, edit: Edit, told: readonly string[]): Promise<TrustReport> {
  const wanted = await wantedTrust(options);
  const { wish } = wanted;
  refuseOtherAccount(options, wanted);
  const role = await readRole(options);
  const before = role.trustPolicy;
  const { document, changed } = edit(before, wish);
  const others = otherNotes(before, wish);
  const intended = findStatement(document, wish);
  if (!changed) {
    return report(options, wanted, { found: intended, role, changed, notes: [...standingNotes(intended), ...others] });
  }
  await write(options, document);
  const { standing, note } = await lookAfterwards(options, { intended: intended.standing, wish });
  // What was removed is told as it stood.
  const statement = intended.statement ?? findStatement(before, wish).statement;
  const found = { ...intended, ...(statement && { statement }), standing };
  return report(options, wanted, { found, role, changed, notes: [note, ...told, ...others] });
}

/** What is to stand in the trust policy. */
interface Wanted {
  readonly principal: TrustPrincipal;
  readonly wish: TrustWish;
  /** Whether `via` is of the role's account. */
  readonly isOwnAccount: boolean;
}

async function wantedTrust(options: TrustOptions): Promise<Wanted> {
  const { via, roleArn, sessionName, ownSession = false, seconds, user, clock } = options;
  const principal = await trustPrincipal(options);
  const now = clock.now();
  const until = seconds === undefined ? undefined : now + seconds * 1000;
  const wish = trustWish(principal, via.role, { sessionName, ownSession, until, user, now });
  return { principal, wish, isOwnAccount: accountIn(principal.arn) === accountIn(roleArn) };
}

function accountIn(arn: string): string {
  return arn.split(":")[4] ?? "";
}

function readRole({ iamRoles, via, roleArn }: TrustOptions): Promise<IamRole> {
  return roleInOwnAccount({ iamRoles, via, roleArn });
}

async function readIfAllowed(
  options: TrustOptions,
  wanted: Wanted,
): Promise<{ readonly role: IamRole } | { readonly because: string }> {
  if (!wanted.isOwnAccount) return { because: otherAccount(options, wanted) };
  try {
    return { role: await readRole(options) };
  } catch (thrown) {
    const error = toBrokerError(thrown);
    if (error.code === "AccessDenied") return { because: error.message };
    throw error;
  }
}

/** IAM finds roles by name in the caller's account, and there it would be another one. */
function refuseOtherAccount(options: TrustOptions, wanted: Wanted): void {
  if (wanted.isOwnAccount) return;
  throw new BrokerError("AccessDenied", `the trust policy cannot be changed: ${otherAccount(options, wanted)}`, {
    hint: "ask an administrator of that account to add the statement: this command without --apply and --undo prints it",
  });
}

function otherAccount({ roleArn, via }: TrustOptions, { principal }: Wanted): string {
  const caller = `role ${via.role.name} is of account ${accountIn(principal.arn)}`;
  return `${caller}, and ${roleArn} is not`;
}

async function write({ iamRoles, via, roleArn }: TrustOptions, document: string): Promise<void> {
  const role = { roleName: roleNameOf(roleArn), document };
  await iamRoles.updateTrustPolicy(via.signer, role, via.role.stsRegion);
}

function stands(standing: Standing): boolean {
  return standing === "present" || standing === "equal" || standing === "other";
}

const LOOKS = 5;
const BETWEEN_LOOKS_MS = 1000;

interface Look {
  readonly standing: Standing;
  readonly note: string;
}

/** How it stands there: IAM may show the former policy for a moment. The write is done, whatever the looks come to. */
async function lookAfterwards(
  options: TrustOptions,
  { intended, wish }: { readonly intended: Standing; readonly wish: TrustWish },
): Promise<Look> {
  for (let look = 1; ; look++) {
    let standing: Standing;
    try {
      standing = findStatement((await readRole(options)).trustPolicy, wish).standing;
    } catch (thrown) {
      return { standing: intended, note: `${NOT_LOOKED_AT}: ${toBrokerError(thrown).message}` };
    }
    if (standing === intended) return { standing, note: SETTLING };
    if (look === LOOKS) return { standing, note: NOT_SHOWN };
    await options.clock.sleep(BETWEEN_LOOKS_MS);
  }
}

const SETTLING = "IAM takes some seconds until the change holds everywhere";
const NOT_SHOWN =
  "IAM took the change and does not show it: another user may have changed the trust policy at the same moment; look again";
const NOT_LOOKED_AT = "IAM took the change; how the trust policy looks now cannot be told";
const LASTING = "credentials that were fetched before stay valid to their end, an hour at most";

const STANDING_NOTES: Partial<Record<Standing, readonly string[]>> = {
  equal: ["another statement of the trust policy says the same; it is not ours to remove"],
  other: ["a statement of ours for this principal has other terms than these: --apply replaces it, --undo removes it"],
  stale: ["the statement stands there for a principal that was deleted: --apply renews it, --undo removes it"],
  altered: ["the statement was changed after it was added: neither --apply nor --undo touches it"],
};

function standingNotes({ standing, until }: Found): readonly string[] {
  if (standing !== "ended" || until === undefined) return STANDING_NOTES[standing] ?? [];
  return [`the statement ended at ${new Date(until).toISOString()}: --apply renews it, --undo removes it`];
}

function otherNotes(document: string, wish: TrustWish): string[] {
  const sids = otherSids(document, wish);
  return sids.length === 0 ? [] : [`the trust policy has statements like this for others: ${sids.join(", ")}`];
}

interface Outcome extends Pick<TrustReport, "changed" | "notes"> {
  readonly found: Found;
  readonly role?: IamRole;
}

function report(options: TrustOptions, wanted: Wanted, { found, role, changed, notes }: Outcome): TrustReport {
  const { roleArn } = options;
  const { principal, wish } = wanted;
  const owner = role && ownerOfRole(role);
  const isPresent = isAsAsked(found, options);
  const statement = isPresent || changed ? (found.statement ?? wish.statement) : wish.statement;
  return {
    ...{ roleArn, principal: principal.arn, changed, isPresent },
    statement: JSON.stringify(statement, null, 2),
    ...(found.until !== undefined && { until: found.until }),
    ...(owner && { owner }),
    notes: [...notes, ...needsOf(options, wanted)],
  };
}

/** One on other terms is what was asked for, unless terms were. */
function isAsAsked({ standing }: Found, { seconds, ownSession = false }: TrustOptions): boolean {
  const hasTerms = seconds !== undefined || ownSession;
  return stands(standing) && !(standing === "other" && hasTerms);
}

/** What else AWS wants of the caller. */
function needsOf({ roleArn, via }: TrustOptions, { principal, isOwnAccount }: Wanted): readonly string[] {
  const needsOwnPolicy = !isOwnAccount || principal.arnLike !== undefined;
  const isNarrowed = via.role.assume?.policy !== undefined || via.role.assume?.policyArns !== undefined;
  return [
    ...(needsOwnPolicy ? [`the caller's own policies must also allow sts:AssumeRole on ${roleArn}`] : []),
    ...(isNarrowed ? [`so must the policy or policy_arns of role ${via.role.name}`] : []),
  ];
}
