import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { PageError } from "../connection/client.js";
import { Icon } from "./icon.js";
import { type Outcome, usePage } from "./page-context.js";
import { Hint } from "./small-parts.js";

/** A question over the page; Escape and "Cancel" close it, and the focus goes back to where it was. */
export function Dialog(props: {
  readonly title: string;
  readonly children: ComponentChildren;
  /** Beside being closed. */
  readonly onClose?: () => void;
}): JSX.Element {
  const { title, children, onClose } = props;
  const { openDialog } = usePage();
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const opener = document.activeElement;
    ref.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  // The browser tells of it later: by then another one may be open.
  const close = (): void => {
    onClose?.();
    if (ref.current) openDialog(null);
  };
  return (
    <dialog ref={ref} aria-labelledby={titleId} onClose={close}>
      <div class="dialog-head">
        <h2 id={titleId}>{title}</h2>
        <button type="button" class="quiet only-icon" aria-label="Close" onClick={() => ref.current?.close()}>
          <Icon name="cross" />
        </button>
      </div>
      {children}
    </dialog>
  );
}

/** What went wrong, with the command that fixes it. */
export function Problem({ error }: { readonly error: PageError }): JSX.Element {
  return (
    <div class="problem" role="alert">
      <p>
        <Icon name="alert" /> {error.message}
      </p>
      {error.hint !== undefined && <Hint text={error.hint} />}
    </div>
  );
}

/** A dialog with fields and one thing that it does. Where that fails it stays, with the reason; what it waits for ends when it is closed. */
export function FormDialog(props: {
  readonly title: string;
  readonly children: ComponentChildren;
  /** What the button does. */
  readonly verb: string;
  readonly isDangerous?: boolean;
  /** A page cannot do it; what the dialog holds says who can. */
  readonly isElsewhere?: boolean;
  /** Said beside the button while it is done. */
  readonly waiting?: string | undefined;
  /** `signal` aborts when the dialog is closed. */
  readonly submit: (signal: AbortSignal) => Promise<Outcome | undefined>;
}): JSX.Element {
  const { title, children, verb, isDangerous = false, isElsewhere = false, waiting, submit } = props;
  const { openDialog, say, store } = usePage();
  const [error, setError] = useState<PageError | null>(null);
  const [isBusy, setBusy] = useState(false);
  const open = useRef(new AbortController());
  useEffect(() => () => open.current.abort(), []);
  const run = async (): Promise<void> => {
    const { signal } = open.current;
    setError(null);
    setBusy(true);
    try {
      const outcome = await submit(signal);
      // Another one may be open by then.
      if (!signal.aborted) openDialog(null);
      if (outcome) say(outcome);
    } catch (thrown) {
      setError(asPageError(thrown));
      setBusy(false);
    }
    await store.reload().catch(() => undefined);
  };
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (!isBusy && !isElsewhere) void run();
  };
  return (
    <Dialog title={title}>
      <form onSubmit={onSubmit}>
        <div class="dialog-body">{children}</div>
        {error && <Problem error={error} />}
        <div class="dialog-foot">
          {isBusy && <p role="status">{waiting ?? "One moment…"}</p>}
          <button type="button" class="quiet" onClick={() => openDialog(null)}>
            Cancel
          </button>
          <button type="submit" class={isDangerous ? "danger" : "primary"} disabled={isBusy || isElsewhere}>
            {verb}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function asPageError(thrown: unknown): PageError {
  if (thrown instanceof PageError) return thrown;
  const message = thrown instanceof Error ? thrown.message : "it failed";
  return new PageError({ code: "InternalError", message });
}
