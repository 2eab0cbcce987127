import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { hintParts } from "../words/hint.js";
import type { StateWord } from "../words/states.js";
import { Icon, type IconName } from "./icon.js";

/** A state: its sign and its word, in its colour. */
export function State({ state }: { readonly state: StateWord }): JSX.Element {
  return (
    <span class={`state tone-${state.tone}`}>
      <Icon name={state.icon} />
      {state.word}
    </span>
  );
}

export function Badge({ icon, children }: { icon?: IconName; children: ComponentChildren }): JSX.Element {
  return (
    <span class="badge">
      {icon && <Icon name={icon} />}
      {children}
    </span>
  );
}

const COPIED_MS = 2000;

/** A command to run in a terminal, and a button that copies it. */
export function Command({ text }: { readonly text: string }): JSX.Element {
  const [isCopied, setCopied] = useState(false);
  const copy = (): void => {
    void navigator.clipboard.writeText(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), COPIED_MS);
    });
  };
  return (
    <span class="command">
      <code>{text}</code>
      <button type="button" class="quiet" onClick={copy} aria-label={`Copy the command ${text}`}>
        <Icon name={isCopied ? "check" : "copy"} />
        <span aria-live="polite">{isCopied ? "Copied" : "Copy"}</span>
      </button>
    </span>
  );
}

/** What fixes an error: a command, or a sentence with or without one. */
export function Hint({ text }: { readonly text: string }): JSX.Element {
  const { sentence, command } = hintParts(text);
  return (
    <span class="hint">
      {sentence !== null && <span class="note">{sentence}</span>}
      {command !== null && <Command text={command} />}
    </span>
  );
}

/** A part of the page with a heading. */
export function Section(props: {
  readonly id: string;
  readonly title: string;
  readonly note?: ComponentChildren;
  readonly tools?: ComponentChildren;
  readonly children: ComponentChildren;
}): JSX.Element {
  const { id, title, note, tools, children } = props;
  return (
    <section class="section" aria-labelledby={`${id}-title`}>
      <div class="section-head">
        <h2 id={`${id}-title`}>{title}</h2>
        {note !== undefined && <p class="note">{note}</p>}
        {tools !== undefined && <div class="tools">{tools}</div>}
      </div>
      {children}
    </section>
  );
}

export function Empty({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return <p class="empty">{children}</p>;
}
