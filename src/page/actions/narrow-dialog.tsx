import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { LeaseView, NarrowedLease } from "../../control-api/lease-contract.js";
import { now } from "../now.js";
import { FormDialog } from "../parts/dialog.js";
import { durationIn, selectorOf, TextField } from "../parts/fields.js";
import { type Outcome, usePage } from "../parts/page-context.js";
import { leaseTitle, scopeText } from "../words/leases.js";
import { when } from "../words/when.js";
import { holderLines } from "./move-dialog.js";
import { NO_SCOPE, ScopeFields, scopeOf } from "./scope-fields.js";

/** `lease narrow`: less than the lease has, from its programs' next fetch on. */
export function NarrowDialog({ lease }: { readonly lease: LeaseView }): JSX.Element {
  const { client } = usePage();
  const [typed, setTyped] = useState(NO_SCOPE);
  const [forText, setFor] = useState("");
  const title = leaseTitle(lease);
  const submit = async (signal: AbortSignal): Promise<Outcome> => {
    const scope = scopeOf(typed);
    const wanted = { ...(scope && { scope }), ...durationIn(forText, "For") };
    return narrowedOutcome(await client.call("lease-narrow", { lease: selectorOf(lease), ...wanted }, signal));
  };
  return (
    <FormDialog title={`Narrow ${title}?`} verb="Narrow" isDangerous submit={submit}>
      <p>
        It has {scopeText(lease) ?? "all of its role"} now, and cannot be given it back: what is to have more is another
        lease. What its programs made is narrowed with it; what they hold stays valid until AWS ends it.
      </p>
      <ScopeFields legend="No more than" typed={typed} onTyped={setTyped} />
      <TextField
        label="For (optional)"
        value={forText}
        onInput={setFor}
        placeholder="30m"
        note="It ends then, where it does not end before."
      />
    </FormDialog>
  );
}

function narrowedOutcome({ lease, old, made, holders }: NarrowedLease): Outcome {
  const at = now();
  const ends = lease.expiresAt === old.expiresAt ? [] : [`it ends ${when(lease.expiresAt, at)}`];
  return {
    tone: "good",
    text: `lease ${leaseTitle(lease)} has ${scopeText(lease) ?? "all of its role"}, from its programs' next fetch`,
    lines: [
      ...ends,
      ...made.map((each) => `and lease ${leaseTitle(each)}, which its programs made`),
      ...holderLines(holders),
    ],
  };
}
