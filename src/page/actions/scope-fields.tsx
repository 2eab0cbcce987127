import type { JSX } from "preact";
import type { WantedScope } from "../../control-api/lease-contract.js";
import { CheckField, secondsIn, TextField } from "../parts/fields.js";

export interface TypedScope {
  readonly isReadOnly: boolean;
  readonly services: string;
  readonly session: string;
}

export const NO_SCOPE: TypedScope = { isReadOnly: false, services: "", session: "" };

/** How a lease is narrower than its role, or than it was. */
export function ScopeFields(props: {
  readonly legend: string;
  readonly typed: TypedScope;
  readonly onTyped: (typed: TypedScope) => void;
}): JSX.Element {
  const { legend, typed, onTyped } = props;
  return (
    <fieldset>
      <legend>{legend}</legend>
      <CheckField
        label="Read-only"
        checked={typed.isReadOnly}
        onInput={(isReadOnly) => onTyped({ ...typed, isReadOnly })}
      />
      <TextField
        label="Services (optional)"
        value={typed.services}
        onInput={(services) => onTyped({ ...typed, services })}
        placeholder="s3, dynamodb:read"
        note="Only these; :read for no more than reading."
      />
      <TextField
        label="Life of each set of keys (optional)"
        value={typed.session}
        onInput={(session) => onTyped({ ...typed, session })}
        placeholder="10m"
        note="A minute at least."
      />
    </fieldset>
  );
}

/** What the fields say of a scope; undefined: nothing. */
export function scopeOf(typed: TypedScope): WantedScope | undefined {
  const services = typed.services.split(/[\s,]+/).filter((each) => each !== "");
  const seconds = secondsIn(typed.session, "The life of keys");
  const scope: WantedScope = {
    ...(typed.isReadOnly && { readOnly: true as const }),
    ...(services.length > 0 && { services }),
    ...(seconds !== undefined && { sessionSeconds: seconds }),
  };
  return Object.keys(scope).length === 0 ? undefined : scope;
}
