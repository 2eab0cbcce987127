import type { JSX } from "preact";
import { refresh, unlock } from "../actions/act.js";
import { LoginDialog } from "../actions/login-dialog.js";
import { usePage } from "../parts/page-context.js";
import { Hint } from "../parts/small-parts.js";
import type { Fix } from "../words/states.js";

/** The button or the command that fixes it. `of`: for screen readers, whose it is. */
export function FixButton({ fix, of }: { readonly fix: Fix; readonly of: string }): JSX.Element {
  const page = usePage();
  if (fix.by === "command") return <Hint text={fix.command} />;
  const buttons = {
    login: {
      text: "Log in",
      run: () => page.openDialog(<LoginDialog source={fix.by === "login" ? fix.source : ""} />),
    },
    unlock: { text: "Unlock", run: () => void unlock(page) },
    refresh: { text: "Try again", run: () => void refresh(page, fix.by === "refresh" ? fix.role : "") },
  } as const;
  const { text, run } = buttons[fix.by];
  return (
    <button type="button" class="primary small" onClick={run} aria-label={`${text}: ${of}`}>
      {text}
    </button>
  );
}
