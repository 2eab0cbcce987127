import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { StatusView } from "../../control-api/contract.js";
import type { LeaseView, MovedLease, RoleSummary } from "../../control-api/lease-contract.js";
import type { Holder } from "../../core/audit-views.js";
import { shellQuote } from "../../core/shell-quote.js";
import { now } from "../now.js";
import { FormDialog } from "../parts/dialog.js";
import { durationIn, SelectField, selectorOf, TextField } from "../parts/fields.js";
import { type Outcome, usePage } from "../parts/page-context.js";
import { leaseTitle, programText } from "../words/leases.js";
import { until, when } from "../words/when.js";
import { GuardNote, isForTerminal, reasonIn, waitingText } from "./guard-note.js";

/** `use`, and `lease set` for a lease that is pinned: the lease gets another role, and its programs with it. */
export function MoveDialog(props: {
  readonly status: StatusView;
  readonly role?: string;
  readonly lease?: LeaseView;
}): JSX.Element {
  const { status } = props;
  const { client } = usePage();
  const leases = status.leases.filter((lease) => lease.movable || lease.kind === "named");
  const [leaseId, setLease] = useState(() => firstLease(leases, props.lease));
  const [role, setRole] = useState(() => props.role ?? firstRole(status));
  const [forText, setFor] = useState("");
  const [reason, setReason] = useState("");
  const lease = leases.find(({ id }) => id === leaseId);
  const guard = status.roles.find(({ name }) => name === role)?.guard ?? null;
  const needsEnd = guard !== null && lease?.kind === "default";
  const submit = async (signal: AbortSignal): Promise<Outcome> => {
    const selector = lease ? selectorOf(lease) : ({ by: "default" } as const);
    const wanted = { lease: selector, role, ...durationIn(forText, "For"), ...reasonIn(reason) };
    return movedOutcome(await client.call(lease?.movable === false ? "lease-set" : "use", wanted, signal));
  };
  return (
    <FormDialog
      title="Use a role"
      verb={`Use ${role}`}
      isElsewhere={isForTerminal(guard)}
      waiting={waitingText(guard) ?? "Fetching its credentials…"}
      submit={submit}
    >
      <SelectField label="Role" value={role} onInput={setRole} options={status.roles.map(({ name }) => [name, name])} />
      <SelectField
        label="Lease"
        value={leaseId}
        onInput={setLease}
        options={leases.map((each) => [each.id, `${leaseTitle(each)} (now ${each.role ?? "no role"})`])}
        note="Its URL stays the same; programs get the new role at their next fetch."
      />
      <TextField
        label={needsEnd ? "For" : "For (optional)"}
        value={forText}
        onInput={setFor}
        required={needsEnd}
        placeholder="30m"
        note="It goes back to the role before then."
      />
      <GuardNote
        {...{ role, guard, reason }}
        onReason={setReason}
        command={commandOf({ role, lease, forText, needsReason: guard?.reason === true })}
      />
    </FormDialog>
  );
}

function firstLease(leases: readonly LeaseView[], given: LeaseView | undefined): string {
  return (given ?? leases.find(({ kind }) => kind === "default"))?.id ?? "";
}

function firstRole({ defaultRole, roles }: StatusView): string {
  return defaultRole ?? roles[0]?.name ?? "";
}

function commandOf(typed: {
  readonly role: string;
  readonly lease: LeaseView | undefined;
  readonly forText: string;
  readonly needsReason: boolean;
}): string {
  const { role, lease, forText, needsReason } = typed;
  const isDefault = lease === undefined || lease.kind === "default";
  const whose = isDefault ? "--default" : `--lease ${shellQuote(leaseTitle(lease))}`;
  const end = forText.trim() === "" ? (isDefault ? " --for 30m" : "") : ` --for ${shellQuote(forText.trim())}`;
  return `brokerctl use ${shellQuote(role)} ${whose}${end}${needsReason ? " --reason TEXT" : ""}`;
}

/** From which role to which, until when, and what programs hold of the old one. */
export function movedOutcome({ lease, old, new: fresh, holders }: MovedLease): Outcome {
  const at = now();
  const back = lease.temporary && `back to ${lease.temporary.thenRole ?? "no role"} ${when(lease.temporary.until, at)}`;
  return {
    tone: "good",
    text: `${leaseTitle(lease)}: ${nameOf(old)} → ${nameOf(fresh)}, credentials until ${until(fresh.expiration, at)}`,
    lines: [...(back === null ? [] : [back]), ...holderLines(holders)],
  };
}

function nameOf({ role, accountId }: RoleSummary): string {
  if (role === null) return "no role";
  return accountId === null ? role : `${role} (${accountId})`;
}

const MAX_SHOWN = 5;

export function holderLines(holders: readonly Holder[]): readonly string[] {
  const at = now();
  const shown = holders
    .slice(0, MAX_SHOWN)
    .map((holder) => `${programText(holder)} holds ${holder.role} until ${until(holder.until, at)}`);
  return holders.length > MAX_SHOWN ? [...shown, `and ${holders.length - MAX_SHOWN} more programs`] : shown;
}
