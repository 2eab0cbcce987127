import type { JSX } from "preact";
import type { LeftOutView, ScheduleView, StatusView } from "../../control-api/contract.js";
import type { PageResponse } from "../../control-api/page-contract.js";
import { LogoutDialog } from "../actions/decide-dialogs.js";
import { LoginDialog } from "../actions/login-dialog.js";
import { Icon, type IconName } from "../parts/icon.js";
import { usePage } from "../parts/page-context.js";
import { RowList } from "../parts/row-list.js";
import { Badge, Empty, Hint, Section, State } from "../parts/small-parts.js";
import { fixOfSource, sourceWord, type Tone } from "../words/states.js";
import { span, until, wallClock, when } from "../words/when.js";
import { FixButton } from "./fix-button.js";

type Findings = PageResponse<"page-findings">;
type Finding = Findings["findings"][number];

interface HealthProps {
  readonly status: StatusView;
  readonly findings: Findings | null;
  readonly now: number;
}

/** Sources and their logins, what brokerd and `doctor` say, what runs at set times. */
export function Health({ status, findings, now }: HealthProps): JSX.Element {
  return (
    <>
      <Sources status={status} now={now} />
      <Section
        id="doctor"
        title="Doctor"
        note={findings ? `As of ${wallClock(findings.at, now)}, in the shell that opened this page.` : undefined}
      >
        <FindingList findings={[...troublesOf(status), ...(findings?.findings ?? [])]} />
      </Section>
      <Schedules schedules={status.schedules ?? []} now={now} />
      <Daemon status={status} now={now} />
    </>
  );
}

function Sources({ status, now }: { readonly status: StatusView; readonly now: number }): JSX.Element {
  const { openDialog } = usePage();
  return (
    <Section id="sources" title="Sources">
      <RowList
        label="sources"
        rows={status.sources}
        keyOf={({ name }) => name}
        empty="The config has no sources yet: brokerctl source add"
        render={(source) => {
          const fix = fixOfSource(source);
          const { name, type, state, expiresAt } = source;
          const takesLogin = type === "sso" || type === "console_login";
          return (
            <>
              <div class="row-main">
                <h3>{name}</h3>
                <p class="note">{type}</p>
              </div>
              <div class="row-state">
                <State state={sourceWord(state)} />
                {expiresAt !== null && (
                  <p class="note">
                    {type === "sso"
                      ? `access token until ${until(expiresAt, now)}, renewed by itself`
                      : `login ends ${when(expiresAt, now)}`}
                  </p>
                )}
                {fix && <FixButton fix={fix} of={name} />}
              </div>
              <div class="row-tools">
                {state === "ready" && takesLogin && (
                  <>
                    <button
                      type="button"
                      class="quiet"
                      aria-label={`Log in anew: ${name}`}
                      onClick={() => openDialog(<LoginDialog source={name} />)}
                    >
                      Log in anew
                    </button>
                    <button
                      type="button"
                      class="quiet"
                      aria-label={`Log out of ${name}`}
                      onClick={() => openDialog(<LogoutDialog source={name} />)}
                    >
                      Log out
                    </button>
                  </>
                )}
              </div>
            </>
          );
        }}
      />
    </Section>
  );
}

/** What `status` warns of, as doctor would say it. */
export function troublesOf({ daemon, leftOut = [], schedules = [] }: StatusView): readonly Finding[] {
  const { problem, warnings } = daemon;
  const own = leftOut.filter(({ because }) => because === null);
  return [
    ...(problem ? [{ level: "error" as const, title: problem.message, fix: problem.hint ?? null }] : []),
    ...own.map(({ error }: LeftOutView) => ({
      level: "error" as const,
      title: error.message,
      fix: error.hint ?? null,
    })),
    ...schedules.flatMap(({ cron, do: act, lastError }) =>
      lastError
        ? [
            {
              level: "error" as const,
              title: `the schedule "${cron}" ${act} failed: ${lastError.message}`,
              fix: lastError.hint ?? null,
            },
          ]
        : [],
    ),
    ...warnings.map((title) => ({ level: "warning" as const, title, fix: null })),
  ];
}

const LEVELS: Readonly<Record<Finding["level"], { readonly icon: IconName; readonly tone: Tone }>> = {
  error: { icon: "cross", tone: "bad" },
  warning: { icon: "alert", tone: "ask" },
  note: { icon: "note", tone: "quiet" },
};

function FindingList({ findings }: { readonly findings: readonly Finding[] }): JSX.Element {
  if (findings.length === 0) return <Empty>Nothing stands in the way.</Empty>;
  return (
    <ul class="findings" role="list">
      {findings.map(({ level, title, fix }) => (
        <li key={`${level} ${title}`} class={`finding tone-${LEVELS[level].tone}`}>
          <p>
            <span class="level">
              <Icon name={LEVELS[level].icon} /> {level}
            </span>{" "}
            {title}
          </p>
          {fix !== null && <Hint text={fix} />}
        </li>
      ))}
    </ul>
  );
}

function Schedules({
  schedules,
  now,
}: {
  readonly schedules: readonly ScheduleView[];
  readonly now: number;
}): JSX.Element | null {
  if (schedules.length === 0) return null;
  return (
    <Section id="schedules" title="Schedules">
      <RowList
        label="schedules"
        rows={schedules}
        keyOf={({ cron, do: act }) => `${cron} ${act}`}
        empty=""
        render={(schedule) => (
          <>
            <div class="row-main">
              <h3>{schedule.do}</h3>
              <p class="note number">{schedule.cron}</p>
            </div>
            <div class="row-state">
              <p>{nextRun(schedule, now)}</p>
              <p class="note">last run {when(schedule.lastRunAt, now)}</p>
              {schedule.lastError && <Badge icon="cross">failed</Badge>}
            </div>
          </>
        )}
      />
    </Section>
  );
}

export function nextRun({ nextAt, waitsForUnlock }: ScheduleView, now: number): string {
  if (waitsForUnlock) return "after unlock";
  return nextAt !== null && nextAt <= now ? "now" : when(nextAt, now);
}

function Daemon({ status, now }: { readonly status: StatusView; readonly now: number }): JSX.Element {
  const { pid, version, startedAt, endpoint, secretStore, configPath, overrides, peerCheck, memory } = status.daemon;
  const facts: readonly (readonly [string, string])[] = [
    ["brokerd", `${version}, pid ${pid}, up ${span(now - startedAt)}`],
    ["Endpoint", endpoint ?? "not bound"],
    ["Secret store", secretStore],
    ["Config", configPath],
    ...(peerCheck
      ? [
          [
            "Who asks",
            peerCheck.on ? "programs of your user only" : `the token alone decides: ${peerCheck.why ?? ""}`,
          ] as const,
        ]
      : []),
    ...(memory ? [["Memory", memory.on ? "closed to other programs" : (memory.why ?? "")] as const] : []),
    ...overrides.map((override) => ["Override", override] as const),
  ];
  return (
    <Section id="daemon" title="brokerd">
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={`${name} ${value}`}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}
