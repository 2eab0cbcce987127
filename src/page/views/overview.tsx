import type { JSX } from "preact";
import type { RoleView, StatusView } from "../../control-api/contract.js";
import { refresh } from "../actions/act.js";
import { MoveDialog } from "../actions/move-dialog.js";
import type { PageState } from "../connection/store.js";
import { usePage } from "../parts/page-context.js";
import { Section, State } from "../parts/small-parts.js";
import { Timeline } from "../timeline/timeline.js";
import { programText } from "../words/leases.js";
import { fixOfRole, fixOfSource, reasonOf, roleWord, sourceWord } from "../words/states.js";
import { until, when } from "../words/when.js";
import { FixButton } from "./fix-button.js";
import { nextRun } from "./health.js";
import { PendingRequests } from "./requests.js";

interface OverviewProps {
  readonly state: PageState;
  readonly status: StatusView;
  readonly now: number;
}

/** What a person wants to know at a glance: what programs get, what waits for them, what ends when. */
export function Overview({ state, status, now }: OverviewProps): JSX.Element {
  const { store } = usePage();
  return (
    <>
      <Lead status={status} now={now} />
      <PendingRequests status={status} requests={state.requests} now={now} />
      <NeedsYou status={status} />
      <Timeline status={status} history={store.history} lines={state.lines} now={now} />
      <div class="columns">
        <Held state={state} now={now} />
        <Next status={status} now={now} />
      </div>
    </>
  );
}

/** The default lease's role, in a sentence. */
function Lead({ status, now }: { readonly status: StatusView; readonly now: number }): JSX.Element {
  const page = usePage();
  const { defaultRole } = status;
  const role = status.roles.find(({ name }) => name === defaultRole);
  return (
    <section class="lead" aria-labelledby="lead-title">
      <h2 id="lead-title">
        {defaultRole === null ? (
          <>Your programs get no role yet</>
        ) : (
          <>
            Your programs get <em>{defaultRole}</em>
          </>
        )}
      </h2>
      <p class="note">{role ? leadText(role, now) : "The default lease has none: choose one."}</p>
      <div class="tools">
        <button type="button" class="primary" onClick={() => page.openDialog(<MoveDialog status={status} />)}>
          Use another role
        </button>
        <button type="button" onClick={() => void refresh(page)}>
          Refresh all
        </button>
      </div>
    </section>
  );
}

function leadText({ accountId, expiration, refreshAt, state }: RoleView, now: number): string {
  const account = accountId === null ? "" : `Account ${accountId}. `;
  if (expiration === null) return `${account}No credentials are held: ${roleWord(state).word}.`;
  return `${account}Credentials until ${until(expiration, now)}${refreshAt === null ? "" : `, renewed ${when(refreshAt, now)}`}.`;
}

const MAX_TROUBLES = 8;

function NeedsYou({ status }: { readonly status: StatusView }): JSX.Element | null {
  const sources = status.sources.flatMap((source) => {
    const fix = fixOfSource(source);
    return fix || sourceWord(source.state).tone === "bad"
      ? [{ name: source.name, state: sourceWord(source.state), reason: null, fix }]
      : [];
  });
  const fixed = new Set(sources.map(({ name }) => name));
  const roles = status.roles.flatMap((role) => {
    const state = roleWord(role.state);
    const fix = fixOfRole(role, status.sources);
    const isOfSource = fixed.has(role.source) && fix?.by !== "command" && fix?.by !== "refresh";
    const isTrouble = state.tone === "ask" || state.tone === "bad";
    return isTrouble && !isOfSource ? [{ name: role.name, state, reason: reasonOf(role), fix }] : [];
  });
  const troubles = [...sources, ...roles];
  if (troubles.length === 0) return null;
  return (
    <Section id="needs-you" title="Needs you">
      <ul class="troubles" role="list">
        {troubles.slice(0, MAX_TROUBLES).map(({ name, state, reason, fix }) => (
          <li key={name}>
            <b>{name}</b>
            <State state={state} />
            {reason !== null && <span class="reason">{reason}</span>}
            {fix && <FixButton fix={fix} of={name} />}
          </li>
        ))}
      </ul>
      {troubles.length > MAX_TROUBLES && (
        <p class="note">
          and {troubles.length - MAX_TROUBLES} more: <a href="#/roles">Roles</a>
        </p>
      )}
    </Section>
  );
}

const MAX_HELD = 6;

function Held({ state, now }: { readonly state: PageState; readonly now: number }): JSX.Element {
  const { holders } = state;
  return (
    <Section id="held" title="Who holds what">
      {holders.length === 0 && <p class="empty">No program is known to hold credentials.</p>}
      <ul class="plain" role="list">
        {holders.slice(0, MAX_HELD).map((holder) => (
          <li key={`${holder.lease} ${holder.role} ${holder.pid ?? ""} ${holder.until}`}>
            <b>{holder.role}</b> {programText(holder)}
            <span class="note">
              {" "}
              by lease {holder.leaseName ?? holder.lease}, until {until(holder.until, now)}
            </span>
          </li>
        ))}
      </ul>
      {holders.length > MAX_HELD && (
        <p class="note">
          and {holders.length - MAX_HELD} more: <a href="#/leases">Leases</a>
        </p>
      )}
    </Section>
  );
}

const MAX_NEXT = 4;

function Next({ status, now }: { readonly status: StatusView; readonly now: number }): JSX.Element {
  const schedules = (status.schedules ?? []).toSorted(
    (a, b) => (a.nextAt ?? Number.MAX_VALUE) - (b.nextAt ?? Number.MAX_VALUE),
  );
  return (
    <Section id="next" title="Next by schedule">
      {schedules.length === 0 && <p class="empty">The config has no schedules.</p>}
      <ul class="plain" role="list">
        {schedules.slice(0, MAX_NEXT).map((schedule) => (
          <li key={`${schedule.cron} ${schedule.do}`}>
            <b>{schedule.do}</b> {nextRun(schedule, now)}
          </li>
        ))}
      </ul>
    </Section>
  );
}
