import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";
import type { LeaseView } from "../../control-api/lease-contract.js";
import type { PageLease } from "../../control-api/page-contract.js";
import { DURATION_RULE, secondsOfDuration } from "../../core/duration.js";
import { PageError } from "../connection/client.js";

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly note?: ComponentChildren;
  readonly required?: boolean;
  readonly placeholder?: string;
  readonly pattern?: string;
  readonly inputMode?: "numeric" | "text";
  readonly autocomplete?: string;
}

export function TextField(props: FieldProps): JSX.Element {
  const { label, value, onInput, note, required = false, ...rest } = props;
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...rest}
        {...{ id, value, required }}
        type="text"
        spellcheck={false}
        aria-describedby={note === undefined ? undefined : `${id}-note`}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {note !== undefined && <p id={`${id}-note`}>{note}</p>}
    </div>
  );
}

export function SelectField(props: {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly note?: ComponentChildren;
}): JSX.Element {
  const { label, value, onInput, options, note } = props;
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onInput={(event) => onInput(event.currentTarget.value)}>
        {options.map(([each, text]) => (
          <option key={each} value={each} selected={each === value}>
            {text}
          </option>
        ))}
      </select>
      {note !== undefined && <p>{note}</p>}
    </div>
  );
}

export function CheckField(props: {
  readonly label: string;
  readonly checked: boolean;
  readonly onInput: (checked: boolean) => void;
}): JSX.Element {
  const { label, checked, onInput } = props;
  return (
    <label class="check">
      <input type="checkbox" checked={checked} onInput={(event) => onInput(event.currentTarget.checked)} />
      {label}
    </label>
  );
}

/** As the command line reads `--for`; empty: none. Throws a PageError that names the field. */
export function durationIn(text: string, field: string): { readonly forSeconds?: number } {
  const seconds = secondsIn(text, field);
  return seconds === undefined ? {} : { forSeconds: seconds };
}

export function secondsIn(text: string, field: string): number | undefined {
  const typed = text.trim();
  if (typed === "") return undefined;
  const seconds = secondsOfDuration(typed);
  if (seconds !== undefined) return seconds;
  throw new PageError({ code: "UsageInvalid", message: `${field} ${DURATION_RULE}` });
}

export function selectorOf({ kind, id }: Pick<LeaseView, "kind" | "id">): PageLease {
  return kind === "default" ? { by: "default" } : { by: "id", id };
}
