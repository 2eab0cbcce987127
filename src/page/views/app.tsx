import { type ComponentChild, Fragment, type JSX } from "preact";
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import type { StatusView } from "../../control-api/contract.js";
import { unlock } from "../actions/act.js";
import { LockDialog } from "../actions/decide-dialogs.js";
import type { PageClient } from "../connection/client.js";
import { isLink } from "../connection/open-session.js";
import type { PageState, PageStore } from "../connection/store.js";
import { Icon } from "../parts/icon.js";
import { type Outcome, PageContext, type PageParts, useNow, usePage, useStore } from "../parts/page-context.js";
import { Command, Hint, State } from "../parts/small-parts.js";
import { daemonWord } from "../words/states.js";
import { AuditFeed } from "./audit-feed.js";
import { Banner } from "./banner.js";
import { Health, troublesOf } from "./health.js";
import { Leases } from "./leases.js";
import { NoticeButton } from "./notice-button.js";
import { Outcomes } from "./outcomes.js";
import { Overview } from "./overview.js";
import { Requests } from "./requests.js";
import { Roles } from "./roles.js";

const VIEWS = {
  now: "Now",
  roles: "Roles",
  leases: "Leases",
  requests: "Requests",
  audit: "Audit",
  health: "Health",
} as const;
type ViewName = keyof typeof VIEWS;

function viewInAddress(): ViewName {
  const name = location.hash.slice("#/".length);
  return Object.hasOwn(VIEWS, name) ? (name as ViewName) : "now";
}

export function App({ client, store }: { readonly client: PageClient; readonly store: PageStore }): JSX.Element {
  const [view, setView] = useState(viewInAddress);
  const [dialog, openDialog] = useDialog();
  const [outcomes, setOutcomes] = useState<readonly Outcome[]>([]);
  const parts = useMemo<PageParts>(
    () => ({ client, store, openDialog, say: (outcome) => setOutcomes((before) => withOutcome(before, outcome)) }),
    [client, store, openDialog],
  );
  useEffect(() => {
    const onMove = (): void => {
      // A link that was opened in the tab of another one.
      if (isLink(location.hash)) return location.reload();
      setView(viewInAddress());
      document.querySelector("main")?.focus();
    };
    addEventListener("hashchange", onMove);
    return () => removeEventListener("hashchange", onMove);
  }, []);
  const state = useStore(store);
  return (
    <PageContext.Provider value={parts}>
      <Head view={view} state={state} />
      {state.link !== "open" && <LinkProblem state={state} />}
      {state.status && <Banner status={state.status} requests={state.requests} />}
      <main id="main" tabIndex={-1}>
        <h1 class="for-readers">credbroker: {VIEWS[view]}</h1>
        {state.status ? <View view={view} state={state} status={state.status} /> : <Opening state={state} />}
      </main>
      <Outcomes outcomes={outcomes} onClose={(closed) => setOutcomes((all) => all.filter((each) => each !== closed))} />
      {dialog}
    </PageContext.Provider>
  );
}

/** One dialog at a time, each a new one: what is opened again before the last one's end was told has not that one's state. */
function useDialog(): [ComponentChild, PageParts["openDialog"]] {
  const [{ content, opened }, setDialog] = useState<{ content: ComponentChild; opened: number }>(NO_DIALOG);
  const openDialog = useCallback((content: ComponentChild): void => {
    setDialog((before) => ({ content, opened: before.opened + 1 }));
  }, []);
  return [content === null ? null : <Fragment key={opened}>{content}</Fragment>, openDialog];
}

const NO_DIALOG = { content: null, opened: 0 };

/** What was said before, in the same words, is said once. */
function withOutcome(before: readonly Outcome[], outcome: Outcome): readonly Outcome[] {
  return [outcome, ...before.filter(({ text }) => text !== outcome.text)].slice(0, 3);
}

const REDRAW_MS = 10_000;

function View({ view, state, status }: { view: ViewName; state: PageState; status: StatusView }): JSX.Element {
  const now = useNow(REDRAW_MS);
  const { requests, holders, lines, findings } = state;
  switch (view) {
    case "now":
      return <Overview {...{ state, status, now }} />;
    case "roles":
      return <Roles {...{ status, now }} />;
    case "leases":
      return <Leases {...{ status, holders, now }} />;
    case "requests":
      return <Requests {...{ status, requests, now }} />;
    case "audit":
      return <AuditFeed {...{ status, lines, now }} />;
    case "health":
      return <Health {...{ status, findings, now }} />;
  }
}

function Head({ view, state }: { readonly view: ViewName; readonly state: PageState }): JSX.Element {
  const { status } = state;
  const counts = status ? countsOf(state, status) : {};
  return (
    <header>
      <a class="skip" href="#/now" onClick={skip}>
        Skip to the content
      </a>
      <div class="brand">
        <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
          <path class="mark" d="M12 2l8 3.5v6c0 5-3.4 8.6-8 10.5-4.6-1.9-8-5.5-8-10.5v-6z" />
          <path class="mark-line" d="M8.5 12.5l2.5 2.5 4.7-5.5" />
        </svg>
        credbroker
      </div>
      <nav aria-label="Views">
        <ul role="list">
          {Object.entries(VIEWS).map(([name, title]) => (
            <li key={name}>
              <a href={`#/${name}`} aria-current={name === view ? "page" : undefined}>
                {title}
                {(counts[name] ?? 0) > 0 && <Count name={name} count={counts[name] ?? 0} />}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {status && <HeadTools status={status} />}
    </header>
  );
}

function skip(event: MouseEvent): void {
  event.preventDefault();
  document.querySelector("main")?.focus();
}

function Count({ name, count }: { readonly name: string; readonly count: number }): JSX.Element {
  const asks = name === "requests" || name === "health";
  return (
    <span class={asks ? "count asks" : "count"}>
      {count}
      {asks && <span class="for-readers"> {name === "requests" ? "pending" : "problems"}</span>}
    </span>
  );
}

function countsOf({ requests, findings }: PageState, status: StatusView): Readonly<Record<string, number>> {
  const found = [...troublesOf(status), ...(findings?.findings ?? [])];
  return {
    roles: status.roles.length,
    leases: status.leases.length,
    requests: requests.filter(({ state }) => state === "pending").length,
    health: found.filter(({ level }) => level !== "note").length,
  };
}

function HeadTools({ status }: { readonly status: StatusView }): JSX.Element {
  const page = usePage();
  const { state } = status.daemon;
  return (
    <div class="head-tools">
      <State state={daemonWord(state)} />
      <NoticeButton store={page.store} />
      {state === "locked" ? (
        <button type="button" class="primary" onClick={() => void unlock(page)}>
          <Icon name="key" /> Unlock
        </button>
      ) : (
        <button type="button" class="quiet" onClick={() => page.openDialog(<LockDialog />)}>
          <Icon name="lock" /> <span class="wide">Lock</span>
        </button>
      )}
    </div>
  );
}

function LinkProblem({ state }: { readonly state: PageState }): JSX.Element | null {
  const { link, problem } = state;
  if (link === "opening") return null;
  const isOver = link === "over";
  // Too many pages, say: a new one would not help.
  const isRefused = !isOver && problem !== null && problem.code !== "DaemonUnreachable";
  return (
    <div class="link-problem" role="alert">
      <p>
        <Icon name="alert" />{" "}
        {isOver
          ? "This page has ended. What it shows is old; a new one opens by:"
          : isRefused
            ? `What is shown is old: ${problem.message}. Trying again.`
            : "brokerd cannot be reached: what is shown is old. Trying again; a new page opens by:"}
      </p>
      {isRefused ? problem.hint !== undefined && <Hint text={problem.hint} /> : <Command text="brokerctl ui" />}
    </div>
  );
}

function Opening({ state }: { readonly state: PageState }): JSX.Element | null {
  return state.link === "opening" || state.link === "open" ? (
    <p class="opening" role="status">
      Asking brokerd…
    </p>
  ) : null;
}
