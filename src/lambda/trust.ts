import type { IamRoles } from "../aws/iam-roles.js";
import type { Sts } from "../aws/sts.js";
import type { TrustReport } from "../core/deployed-function.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import type { Clock } from "../system/clock.js";
import {
  addStatement,
  otherSids,
  removeStatement,
  type Standing,
  standingOf,
  type TrustEdit,
} from "./edit-trust-policy.js";
import { type TrustPrincipal, trustPrincipal } from "./trust-principal.js";
import { type TrustStatement, trustStatement } from "./trust-statement.js";
import { roleInOwnAccount, roleNameOf, type Via } from "./via.js";

/** What is asked and with whose credentials. */
export interface TrustOptions {
  readonly sts: Sts;
  readonly iamRoles: IamRoles;
  readonly clock: Clock;
  readonly via: Via;
  /** Of the function. */
  readonly functionRoleArn: string;
}

/** The statement, and whether it stands there: said also where the trust policy itself may not be read. */
export async function readTrust(options: TrustOptions): Promise<TrustReport> {
  const wanted = await wantedTrust(options);
  const { statement } = wanted;
  const read = await readIfAllowed(options, wanted);
  if ("because" in read) {
    const note = `whether the statement stands in the trust policy cannot be told: ${read.because}`;
    return report(options, wanted, { isPresent: false, changed: false, notes: [note] });
  }
  const standing = standingOf(read.document, statement);
  return report(options, wanted, {
    isPresent: stands(standing),
    changed: false,
    notes: [...(STANDING_NOTES[standing] ?? []), ...otherNotes(read.document, statement)],
  });
}

/** Adds the statement. IAM knows no conditional write: what others write at the same moment shows in the look after it. */
export async function applyTrust(options: TrustOptions): Promise<TrustReport> {
  return editTrust(options, addStatement, []);
}

/** Removes that statement alone. */
export async function undoTrust(options: TrustOptions): Promise<TrustReport> {
  return editTrust(options, removeStatement, [LASTING]);
}

type Edit = (document: string, statement: TrustStatement) => TrustEdit;

async function editTrust(options: TrustOptions, edit: Edit, told: readonly string[]): Promise<TrustReport> {
  const wanted = await wantedTrust(options);
  const { statement } = wanted;
  refuseOtherAccount(options, wanted);
  const before = await readDocument(options);
  const { document, changed } = edit(before, statement);
  const others = otherNotes(before, statement);
  if (!changed) {
    const standing = standingOf(document, statement);
    return report(options, wanted, {
      isPresent: stands(standing),
      changed,
      notes: [...(STANDING_NOTES[standing] ?? []), ...others],
    });
  }
  await write(options, document);
  const intended = standingOf(document, statement);
  const { shown, note } = await lookAfterwards(options, { intended, statement });
  return report(options, wanted, { isPresent: stands(shown), changed, notes: [note, ...told, ...others] });
}

/** What is to stand in the trust policy. */
interface Wanted {
  readonly principal: TrustPrincipal;
  readonly statement: TrustStatement;
  /** Whether `via` is of the function role's account. */
  readonly isOwnAccount: boolean;
}

async function wantedTrust(options: TrustOptions): Promise<Wanted> {
  const principal = await trustPrincipal(options);
  const isOwnAccount = accountIn(principal.arn) === accountIn(options.functionRoleArn);
  return { principal, statement: trustStatement(principal, options.via.role), isOwnAccount };
}

function accountIn(arn: string): string {
  return arn.split(":")[4] ?? "";
}

async function readDocument({ iamRoles, via, functionRoleArn }: TrustOptions): Promise<string> {
  return (await roleInOwnAccount({ iamRoles, via, roleArn: functionRoleArn })).trustPolicy;
}

async function readIfAllowed(
  options: TrustOptions,
  wanted: Wanted,
): Promise<{ readonly document: string } | { readonly because: string }> {
  if (!wanted.isOwnAccount) return { because: otherAccount(options, wanted) };
  try {
    return { document: await readDocument(options) };
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
    hint: "ask an administrator of that account to add the statement: `brokerctl lambda trust FUNCTION` prints it",
  });
}

function otherAccount({ functionRoleArn, via }: TrustOptions, { principal }: Wanted): string {
  const caller = `role ${via.role.name} is of account ${accountIn(principal.arn)}`;
  return `${caller}, and ${functionRoleArn} is not`;
}

async function write({ iamRoles, via, functionRoleArn }: TrustOptions, document: string): Promise<void> {
  const role = { roleName: roleNameOf(functionRoleArn), document };
  await iamRoles.updateTrustPolicy(via.signer, role, via.role.stsRegion);
}

function stands(standing: Standing): boolean {
  return standing === "present" || standing === "equal";
}

const LOOKS = 5;
const BETWEEN_LOOKS_MS = 1000;

interface Look {
  readonly shown: Standing;
  readonly note: string;
}

/** How it stands there: IAM may show the former policy for a moment. The write is done, whatever the looks come to. */
async function lookAfterwards(
  options: TrustOptions,
  { intended, statement }: { readonly intended: Standing; readonly statement: TrustStatement },
): Promise<Look> {
  for (let look = 1; ; look++) {
    let shown: Standing;
    try {
      shown = standingOf(await readDocument(options), statement);
    } catch (thrown) {
      return { shown: intended, note: `${NOT_LOOKED_AT}: ${toBrokerError(thrown).message}` };
    }
    if (shown === intended) return { shown, note: SETTLING };
    if (look === LOOKS) return { shown, note: NOT_SHOWN };
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
  stale: ["the statement stands there for a principal that was deleted: --apply renews it, --undo removes it"],
  altered: ["the statement was changed after it was added: neither --apply nor --undo touches it"],
};

function otherNotes(document: string, statement: TrustStatement): string[] {
  const sids = otherSids(document, statement);
  return sids.length === 0 ? [] : [`the trust policy has statements like this for others: ${sids.join(", ")}`];
}

function report(
  { functionRoleArn, via }: TrustOptions,
  { principal, statement, isOwnAccount }: Wanted,
  outcome: Pick<TrustReport, "isPresent" | "changed" | "notes">,
): TrustReport {
  const needsOwnPolicy = !isOwnAccount || principal.arnLike !== undefined;
  const isNarrowed = via.role.assume?.policy !== undefined || via.role.assume?.policyArns !== undefined;
  const needs = [
    ...(needsOwnPolicy ? [`the caller's own policies must also allow sts:AssumeRole on ${functionRoleArn}`] : []),
    ...(isNarrowed ? [`so must the policy or policy_arns of role ${via.role.name}`] : []),
  ];
  return {
    roleArn: functionRoleArn,
    principal: principal.arn,
    statement: JSON.stringify(statement, null, 2),
    ...outcome,
    notes: [...outcome.notes, ...needs],
  };
}
