import type { JSX } from "preact";
import type { GuardView } from "../../control-api/guard-contract.js";
import { durationText } from "../../core/duration.js";
import { TextField } from "../parts/fields.js";
import { Icon } from "../parts/icon.js";
import { Command } from "../parts/small-parts.js";

const WAYS = {
  desktop: "brokerd asks you in a dialog on your desktop, while this waits.",
  passphrase: "brokerd asks you for the passphrase of the secret store in a window of its own, while this waits.",
  terminal: "It asks at a terminal, which a page is not: run this there.",
} as const;

/** What a guarded role asks of a person, and the field for the reason. `command`: what asks it at a terminal. */
export function GuardNote(props: {
  readonly role: string;
  readonly guard: GuardView | null;
  readonly reason?: string;
  /** Absent: the reason is known. */
  readonly onReason?: (reason: string) => void;
  readonly command: string;
}): JSX.Element | null {
  const { role, guard, reason = "", onReason, command } = props;
  if (!guard) return null;
  const { confirm, maxLeaseSeconds } = guard;
  return (
    <div class="guard-note">
      <p>
        <Icon name="shield" /> <b>{role}</b> is guarded, for {durationText(maxLeaseSeconds)} at most.{" "}
        {confirm !== null && WAYS[confirm]}
      </p>
      {confirm === "terminal" && <Command text={command} />}
      {confirm !== "terminal" && onReason && (
        <TextField
          label={guard.reason ? "Reason" : "Reason (optional)"}
          value={reason}
          onInput={onReason}
          required={guard.reason}
          note="Shown to who confirms, and on record."
        />
      )}
    </div>
  );
}

/** A page cannot give this yes. */
export function isForTerminal(guard: GuardView | null): boolean {
  return guard?.confirm === "terminal";
}

export function reasonIn(reason: string): { readonly reason?: string } {
  return reason.trim() === "" ? {} : { reason: reason.trim() };
}

export function waitingText(guard: GuardView | null): string | undefined {
  return guard?.confirm === null || !guard ? undefined : "Waiting for your yes, outside of this page…";
}
