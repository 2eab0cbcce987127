import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { StatusView } from "../../control-api/contract.js";
import type { GuardView } from "../../control-api/guard-contract.js";
import { shellQuote } from "../../core/shell-quote.js";
import { FormDialog } from "../parts/dialog.js";
import { durationIn, SelectField, TextField } from "../parts/fields.js";
import { type Outcome, usePage } from "../parts/page-context.js";
import { GuardNote, isForTerminal, reasonIn, waitingText } from "./guard-note.js";
import { NO_SCOPE, ScopeFields, scopeOf } from "./scope-fields.js";

const FOLLOWS = "";

/** `lease create`: a durable lease for an IDE, an agent, a container; narrower than its role where that is wanted. */
export function MakeLeaseDialog({ status, role: given }: { status: StatusView; role?: string }): JSX.Element {
  const { client } = usePage();
  const [name, setName] = useState("");
  const [role, setRole] = useState(given ?? FOLLOWS);
  const [forText, setFor] = useState("");
  const [typed, setTyped] = useState(NO_SCOPE);
  const [reason, setReason] = useState("");
  const guard = status.roles.find((each) => each.name === role)?.guard ?? null;
  const submit = async (signal: AbortSignal): Promise<Outcome> => {
    const scope = role === FOLLOWS ? undefined : scopeOf(typed);
    const wanted = {
      ...{ name: name.trim(), role: role === FOLLOWS ? null : role, ...durationIn(forText, "For") },
      ...(scope && { scope }),
      ...reasonIn(reason),
    };
    const { lease } = await client.call("lease-create", wanted, signal);
    return madeOutcome(lease.name ?? lease.id);
  };
  return (
    <FormDialog
      title="Make a lease"
      verb="Make it"
      isElsewhere={isForTerminal(guard)}
      waiting={waitingText(guard) ?? "Fetching its credentials…"}
      submit={submit}
    >
      <TextField
        label="Name"
        value={name}
        onInput={setName}
        required
        placeholder="ide"
        note="Letters, digits and . _ / @ + -"
      />
      <SelectField
        label="Role"
        value={role}
        onInput={setRole}
        options={[
          [FOLLOWS, "follows the default lease"],
          ...status.roles.map((each) => [each.name, each.name] as const),
        ]}
        note="With a role of its own it is pinned: use does not move it."
      />
      <TextField
        label="For (optional)"
        value={forText}
        onInput={setFor}
        placeholder="8h"
        note="Without it, until it is revoked."
      />
      {role !== FOLLOWS && <ScopeFields legend="Narrower than its role" typed={typed} onTyped={setTyped} />}
      <GuardNote
        {...{ role, guard, reason }}
        onReason={setReason}
        command={commandOf(name.trim() || "NAME", role, guard)}
      />
    </FormDialog>
  );
}

function commandOf(name: string, role: string, guard: GuardView | null): string {
  const ask = guard?.reason === true ? " --reason TEXT" : "";
  return `brokerctl lease create ${shellQuote(name)} ${shellQuote(role)}${ask}`;
}

function madeOutcome(title: string): Outcome {
  return {
    tone: "good",
    text: `lease ${title} is made; programs get it by the variables that this prints`,
    hint: `eval "$(brokerctl env --lease ${shellQuote(title)})"`,
  };
}
