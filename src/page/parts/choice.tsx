import type { JSX } from "preact";

/** One of a few, as buttons side by side. */
export function Choice(props: {
  readonly label: string;
  readonly options: readonly (readonly [name: string, text: string])[];
  readonly chosen: string;
  readonly onChoose: (name: string) => void;
}): JSX.Element {
  const { label, options, chosen, onChoose } = props;
  return (
    <div class="choice" role="group" aria-label={label}>
      {options.map(([name, text]) => (
        <button key={name} type="button" aria-pressed={name === chosen} onClick={() => onChoose(name)}>
          {text}
        </button>
      ))}
    </div>
  );
}
