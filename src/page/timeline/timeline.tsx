import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { StatusView } from "../../control-api/contract.js";
import { Choice } from "../parts/choice.js";
import { Empty, Section } from "../parts/small-parts.js";
import { wallClock, when } from "../words/when.js";
import { barsOf, type Frame, frameOf, heightOf, RANGES, type RangeName, ticksOf, windowOf, xOf } from "./geometry.js";
import type { History } from "./history.js";
import { TrackTable } from "./track-table.js";
import { type Track, tracksOf, type Window } from "./tracks.js";

/** More than are read at a glance: the rest is in the table below the picture, and in the list of roles. */
const MAX_ROWS = 24;

interface TimelineProps {
  readonly status: StatusView;
  readonly history: History;
  /** What the history was told of: it is drawn anew when there are more. */
  readonly lines: readonly unknown[];
  readonly now: number;
}

export function Timeline({ status, history, lines, now }: TimelineProps): JSX.Element {
  const [range, setRange] = useState<RangeName>("day");
  const [isTable, setTable] = useState(false);
  const window = windowOf(range, now);
  const tracks = useMemo(
    () => tracksOf(status, { history, now, window: windowOf(range, now) }),
    [status, history, lines, now, range],
  );
  const shown = tracks.slice(0, MAX_ROWS);
  return (
    <Section
      id="timeline"
      title="Timeline"
      note={`Credentials and logins: since when, renewed when, until when. ${idleText(status, tracks)}`}
      tools={
        <>
          <Choice
            label="How much of the time"
            options={Object.entries(RANGES).map(([name, { label }]) => [name, label])}
            chosen={range}
            onChoose={(name) => setRange(name as RangeName)}
          />
          <button type="button" class="quiet" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
            Table
          </button>
        </>
      }
    >
      {tracks.length === 0 && <Empty>No credentials are held, and none were in the past day.</Empty>}
      {!isTable && shown.length > 0 && (
        <>
          <Picture tracks={shown} window={window} now={now} />
          <Legend />
        </>
      )}
      {!isTable && tracks.length > shown.length && <p class="note">and {tracks.length - shown.length} more: Table</p>}
      {tracks.length > 0 && (
        <div class={isTable ? "scrolls" : "for-readers"}>
          <TrackTable tracks={isTable ? tracks : shown} now={now} />
        </div>
      )}
    </Section>
  );
}

function idleText({ roles }: StatusView, tracks: readonly Track[]): string {
  const rest = roles.length - tracks.filter(({ kind }) => kind === "role").length;
  return rest === 0 ? "" : `${rest} ${rest === 1 ? "role is" : "roles are"} not held.`;
}

/** The width that the picture has, in CSS pixels, so that its text is as large as all other. */
function useWidth(): readonly [ref: { current: HTMLDivElement | null }, width: number] {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const box = ref.current;
    if (!box) return undefined;
    setWidth(Math.floor(box.clientWidth));
    const observer = new ResizeObserver(() => setWidth(Math.floor(box.clientWidth)));
    observer.observe(box);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

/** Not for screen readers: they have the table. */
function Picture({ tracks, window, now }: { tracks: readonly Track[]; window: Window; now: number }): JSX.Element {
  const [ref, width] = useWidth();
  const frame = frameOf(width);
  const height = heightOf(frame, tracks.length);
  return (
    <div class="picture">
      <div ref={ref} />
      {width > 0 && (
        <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true" focusable="false">
          <Axis {...{ window, frame, now, height }} />
          {tracks.map((track, index) => (
            <Row key={`${track.kind} ${track.name}`} {...{ track, window, frame, now, index }} />
          ))}
          <NowLine {...{ window, frame, now, height }} />
        </svg>
      )}
    </div>
  );
}

/** Each mark with its word; the table needs none. */
function Legend(): JSX.Element {
  const marks: readonly (readonly [word: string, mark: JSX.Element])[] = [
    ["live", <rect key="live" class="bar live" x={0} y={2} width={24} height={12} rx={3} />],
    ["before", <rect key="before" class="bar past" x={0} y={2} width={24} height={12} rx={3} />],
    [
      "login",
      <g key="login" class="login">
        <rect class="bar live" x={1} y={3} width={22} height={10} rx={3} />
      </g>,
    ],
    ["renewal due", <Renewal key="renewal" x={12} y={8} />],
    ["ends", <line key="ends" class="end" x1={12} x2={12} y1={1} y2={15} />],
  ];
  return (
    <div class="legend" aria-hidden="true">
      {marks.map(([word, mark]) => (
        <span key={word}>
          <svg width={24} height={16} viewBox="0 0 24 16">
            {mark}
          </svg>
          {word}
        </span>
      ))}
    </div>
  );
}

function Axis(props: { window: Window; frame: Frame; now: number; height: number }): JSX.Element {
  const { window, frame, now, height } = props;
  const ticks = ticksOf(window, frame);
  const nowX = xOf(now, window, frame);
  return (
    <g class="axis">
      {ticks.map(({ x, at, isMidnight }) => (
        <g key={at}>
          <line class={isMidnight ? "midnight" : ""} x1={x} x2={x} y1={frame.top - 8} y2={height} />
          {Math.abs(x - nowX) > 64 && x < frame.right - 24 && (
            <text x={x} y={12} text-anchor={x < frame.left + 20 ? "start" : "middle"}>
              {isMidnight ? wallClock(at, 0).slice(0, 6) : wallClock(at, at)}
            </text>
          )}
        </g>
      ))}
    </g>
  );
}

function NowLine(props: { window: Window; frame: Frame; now: number; height: number }): JSX.Element {
  const { window, frame, now, height } = props;
  const x = xOf(now, window, frame);
  return (
    <g class="now">
      <line x1={x} x2={x} y1={18} y2={height} />
      <rect x={x - 38} y={0} width={76} height={18} rx={9} />
      <text x={x} y={13} text-anchor="middle">
        now {wallClock(now, now)}
      </text>
    </g>
  );
}

const BAR_HEIGHT = 14;
const LONGEST_NAME = 26;

function Row(props: { track: Track; window: Window; frame: Frame; now: number; index: number }): JSX.Element {
  const { track, window, frame, now, index } = props;
  const y = frame.top + index * frame.rowHeight;
  const middle = frame.stacked ? y + 31 : y + frame.rowHeight / 2;
  const { renewalAt, endsAt, state } = track;
  return (
    <g class={`track tone-${state.tone} ${track.kind}`}>
      <title>{sentenceOf(track, now)}</title>
      <rect
        class="lane"
        x={frame.left}
        y={middle - BAR_HEIGHT / 2}
        width={frame.right - frame.left}
        height={BAR_HEIGHT}
        rx={3}
      />
      <Name track={track} y={frame.stacked ? y + 16 : middle + 4.5} />
      {barsOf(track, window, frame).map(({ x, width, is, cutLeft }) => (
        <rect
          key={x}
          class={`bar ${is} ${cutLeft ? "cut" : ""}`}
          x={x}
          y={middle - BAR_HEIGHT / 2}
          width={width}
          height={BAR_HEIGHT}
          rx={3}
        />
      ))}
      {renewalAt !== null && renewalAt < window.end && <Renewal x={xOf(renewalAt, window, frame)} y={middle} />}
      {endsAt !== null && endsAt < window.end && <End x={xOf(endsAt, window, frame)} y={middle} />}
    </g>
  );
}

function Name({ track, y }: { readonly track: Track; readonly y: number }): JSX.Element {
  const { name, kind, guarded, state } = track;
  const label = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
  const asks = state.tone === "ask" || state.tone === "bad";
  return (
    <text class="name" x={0} y={y}>
      {label}
      {kind === "login" && <tspan class="what"> login</tspan>}
      {guarded && <tspan class="what"> guarded</tspan>}
      {asks && <tspan class="what asks"> {state.word}</tspan>}
    </text>
  );
}

function Renewal({ x, y }: { readonly x: number; readonly y: number }): JSX.Element {
  return <path class="renewal" d={`M${x} ${y - 5}l5 5-5 5-5-5z`} />;
}

function End({ x, y }: { readonly x: number; readonly y: number }): JSX.Element {
  return <line class="end" x1={x} x2={x} y1={y - 11} y2={y + 11} />;
}

function sentenceOf({ kind, name, state, issuedAt, renewalAt, endsAt }: Track, now: number): string {
  const parts = [
    `${kind === "login" ? "login" : "role"} ${name}: ${state.word}`,
    issuedAt === null ? null : `issued ${when(issuedAt, now)}`,
    renewalAt === null ? null : `renewal due ${when(renewalAt, now)}`,
    endsAt === null ? null : `ends ${when(endsAt, now)}`,
  ];
  return parts.filter((part) => part !== null).join(", ");
}
