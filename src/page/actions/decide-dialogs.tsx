import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { GuardView, RequestView } from "../../control-api/guard-contract.js";
import type { LeaseView } from "../../control-api/lease-contract.js";
import { quotedReason, requestedScope } from "../../core/access-request.js";
import { durationText } from "../../core/duration.js";
import { scopeLines } from "../../core/lease-scope.js";
import { now } from "../now.js";
import { FormDialog } from "../parts/dialog.js";
import { durationIn, selectorOf, TextField } from "../parts/fields.js";
import { type Outcome, usePage } from "../parts/page-context.js";
import { leaseTitle } from "../words/leases.js";
import { until } from "../words/when.js";
import { GuardNote, isForTerminal, waitingText } from "./guard-note.js";
import { holderLines } from "./move-dialog.js";

/** What is asked for, by whom and why, in words: before a yes and beside a no. */
export function Wish({ request }: { readonly request: RequestView }): JSX.Element {
  const { role, lease, reason, forSeconds, pid } = request;
  const scope = requestedScope(request);
  const [words, policy] = scope ? scopeLines(scope) : ["all that the role may do"];
  return (
    <dl class="facts">
      <dt>Role</dt>
      <dd>
        <b>{role}</b>
      </dd>
      <dt>Only</dt>
      <dd>{words}</dd>
      {policy !== undefined && (
        <>
          <dt>Policy</dt>
          <dd>
            <pre tabIndex={0}>{policy}</pre>
          </dd>
        </>
      )}
      <dt>For lease</dt>
      <dd>
        {lease.label}
        {pid !== null && <span class="note"> asked by process {pid}, by its own word</span>}
      </dd>
      <dt>Asked for</dt>
      <dd>{durationText(forSeconds)}</dd>
      <dt>Reason</dt>
      <dd>
        <q>{unquoted(reason)}</q>
      </dd>
    </dl>
  );
}

/** A reason between marks that the page draws. */
export function unquoted(reason: string): string {
  return quotedReason(reason).slice(1, -1);
}

export function ApproveDialog({ request, guard }: { request: RequestView; guard: GuardView | null }): JSX.Element {
  const { client } = usePage();
  const [forText, setFor] = useState(durationText(request.forSeconds));
  const submit = async (signal: AbortSignal): Promise<Outcome> => {
    const { id } = request;
    const approved = await client.call("request-approve", { id, ...durationIn(forText, "For") }, signal);
    return {
      tone: "good",
      text: `lease ${approved.lease.label} has ${approved.role} until ${until(approved.until, now())}`,
    };
  };
  const { role, id } = request;
  return (
    <FormDialog
      title="Approve this request?"
      verb="Approve"
      isElsewhere={isForTerminal(guard)}
      waiting={waitingText(guard)}
      submit={submit}
    >
      <Wish request={request} />
      <TextField
        label="For"
        value={forText}
        onInput={setFor}
        required
        note="The lease falls back to its own role then."
      />
      {guard?.confirm != null && <GuardNote role={role} guard={guard} command={`brokerctl approve ${id}`} />}
      {isForTerminal(guard) && <p class="note">The request stays pending until then.</p>}
    </FormDialog>
  );
}

/** Refuses a request, or takes back what was given. */
export function DenyDialog({ request }: { readonly request: RequestView }): JSX.Element {
  const { client } = usePage();
  const isGiven = request.state === "approved";
  const submit = async (signal: AbortSignal): Promise<Outcome> => {
    const { id, lease, role } = await client.call("request-deny", { id: request.id }, signal);
    return { tone: "good", text: `request ${id} of lease ${lease.label} for ${role} is denied` };
  };
  return (
    <FormDialog
      title={isGiven ? "Take back what was given?" : "Deny this request?"}
      verb={isGiven ? "Take it back" : "Deny"}
      isDangerous
      submit={submit}
    >
      <Wish request={request} />
      <p class="note">
        The lease has its own role again at once. What a program has fetched works until AWS ends it. It may ask for the
        same role again after ten minutes.
      </p>
    </FormDialog>
  );
}

export function RevokeDialog({ lease }: { readonly lease: LeaseView }): JSX.Element {
  const { client } = usePage();
  const title = leaseTitle(lease);
  const submit = async (signal: AbortSignal): Promise<Outcome> => {
    const { holders } = await client.call("lease-revoke", { lease: selectorOf(lease) }, signal);
    return { tone: "good", text: `lease ${title} has ended; its token is refused`, lines: holderLines(holders) };
  };
  return (
    <FormDialog title={`Revoke ${title}?`} verb="Revoke" isDangerous submit={submit}>
      <p>
        Its token is refused from then on, and cannot be had back. Credentials that a program has fetched already stay
        valid until AWS ends them.
      </p>
    </FormDialog>
  );
}

export function LockDialog(): JSX.Element {
  const { client } = usePage();
  const submit = async (signal: AbortSignal): Promise<Outcome> => {
    await client.call("lock", {}, signal);
    return { tone: "good", text: "locked: no credentials are served until it is unlocked" };
  };
  return (
    <FormDialog title="Lock the secret store?" verb="Lock" isDangerous submit={submit}>
      <p>
        brokerd forgets the data key and every cached credential. Programs get StoreLocked until it is unlocked, also
        after a restart. What they hold already stays valid.
      </p>
    </FormDialog>
  );
}

export function LogoutDialog({ source }: { readonly source: string }): JSX.Element {
  const { client } = usePage();
  const submit = async (signal: AbortSignal): Promise<Outcome> => {
    const { problem } = await client.call("logout", { source }, signal);
    return problem === null
      ? { tone: "good", text: `logged out of ${source}` }
      : { tone: "bad", text: `logged out of ${source} here; AWS did not end the session: ${problem}` };
  };
  return (
    <FormDialog title={`Log out of ${source}?`} verb="Log out" isDangerous submit={submit}>
      <p>The login and the credentials that came from it are forgotten. Its roles need a new login.</p>
    </FormDialog>
  );
}
