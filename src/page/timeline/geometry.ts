import type { Stretch, Track, Window } from "./tracks.js";

/** Where things stand in the picture, in CSS pixels: pure, so that it can be held against numbers. */

export const RANGES = {
  day: { before: 24 * 3_600_000, after: 12 * 3_600_000, label: "36 hours" },
  hours: { before: 2 * 3_600_000, after: 4 * 3_600_000, label: "6 hours" },
} as const;
export type RangeName = keyof typeof RANGES;

export function windowOf(range: RangeName, now: number): Window {
  const { before, after } = RANGES[range];
  return { start: now - before, end: now + after };
}

export interface Frame {
  readonly width: number;
  /** Names stand above their bars where there is no space beside them. */
  readonly stacked: boolean;
  /** Where the axis begins. */
  readonly left: number;
  readonly right: number;
  readonly rowHeight: number;
  readonly top: number;
}

const STACKED_BELOW = 620;

export function frameOf(width: number): Frame {
  const stacked = width < STACKED_BELOW;
  const left = stacked ? 0 : Math.min(250, Math.max(220, Math.round(width * 0.24)));
  return { width, stacked, left, right: width - 1, rowHeight: stacked ? 44 : 34, top: 30 };
}

export function heightOf({ top, rowHeight }: Frame, rows: number): number {
  return top + rows * rowHeight + 6;
}

export function xOf(instant: number, { start, end }: Window, { left, right }: Frame): number {
  const share = (instant - start) / (end - start);
  return left + Math.min(1, Math.max(0, share)) * (right - left);
}

export interface Bar {
  readonly x: number;
  readonly width: number;
  readonly is: Stretch["is"];
  /** It goes on to the left, or to the right, of what is seen. */
  readonly cutLeft: boolean;
  readonly cutRight: boolean;
}

/** Short ones stay visible. */
const THINNEST = 3;

export function barsOf({ stretches }: Pick<Track, "stretches">, window: Window, frame: Frame): readonly Bar[] {
  return stretches.flatMap(({ from, to, is, openStart }) => {
    if (to <= window.start || from >= window.end) return [];
    const x = xOf(from, window, frame);
    const cutLeft = from < window.start || openStart === true;
    const width = Math.max(THINNEST, xOf(to, window, frame) - x - (is === "past" ? 1 : 0));
    return [{ x, width, is, cutLeft, cutRight: to > window.end }];
  });
}

export interface Tick {
  readonly x: number;
  readonly at: number;
  /** The first one of a day. */
  readonly isMidnight: boolean;
}

const HOUR_MS = 3_600_000;
const STEPS_HOURS = [1, 2, 3, 6, 12];
const LABEL_WIDTH = 58;

/** On whole hours of the wall clock, as many as have space for their labels. */
export function ticksOf(window: Window, frame: Frame): readonly Tick[] {
  const hours = (window.end - window.start) / HOUR_MS;
  const fitting = Math.max(1, Math.floor((frame.right - frame.left) / LABEL_WIDTH));
  const step = STEPS_HOURS.find((each) => hours / each <= fitting) ?? 24;
  const ticks: Tick[] = [];
  const first = new Date(window.start);
  first.setMinutes(0, 0, 0);
  for (let at = first.getTime(); at < window.end; at += HOUR_MS) {
    const hour = new Date(at).getHours();
    if (at >= window.start && hour % step === 0) {
      ticks.push({ x: xOf(at, window, frame), at, isMidnight: hour === 0 });
    }
  }
  return ticks;
}
