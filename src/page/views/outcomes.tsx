import type { JSX } from "preact";
import { Icon } from "../parts/icon.js";
import type { Outcome } from "../parts/page-context.js";
import { Hint } from "../parts/small-parts.js";

/** What the last actions came to; read out as it comes, and there until it is closed. */
export function Outcomes(props: {
  readonly outcomes: readonly Outcome[];
  readonly onClose: (outcome: Outcome) => void;
}): JSX.Element {
  const { outcomes, onClose } = props;
  return (
    <div class="outcomes" role="log" aria-live="polite" aria-label="What was done">
      {outcomes.map((outcome) => {
        const { tone, text, lines = [], hint } = outcome;
        return (
          <div key={text} class={`outcome tone-${tone}`}>
            <Icon name={tone === "good" ? "check" : "alert"} />
            <div>
              <p>{text}</p>
              {lines.map((line) => (
                <p key={line} class="note">
                  {line}
                </p>
              ))}
              {hint !== undefined && <Hint text={hint} />}
            </div>
            <button
              type="button"
              class="quiet only-icon"
              aria-label="Close this message"
              onClick={() => onClose(outcome)}
            >
              <Icon name="cross" />
            </button>
          </div>
        );
      })}
    </div>
  );
}
