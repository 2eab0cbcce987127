/** Time for people, in the command line's words (cli/terminal/when): how long from now, and the clock on their wall. */
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `in 42 min (14:05)`, `3 d ago (Jan 02 14:05)`; `-` for null. */
export function when(instant: number | null, now: number): string {
  return instant === null ? "-" : `${distance(instant, now)} (${wallClock(instant, now)})`;
}

/** `in 42 min`, `3 d 2 h ago`, `just now`. */
export function distance(instant: number, now: number): string {
  const away = instant - now;
  if (Math.abs(away) < 1000) return "just now";
  return away >= 0 ? `in ${span(away)}` : `${span(-away)} ago`;
}

/** As `when`, in a sentence: `14:05 (in 42 min)`. */
export function until(instant: number | null, now: number): string {
  if (instant === null) return "an unknown time";
  return `${wallClock(instant, now)} (${instant >= now ? `in ${span(instant - now)}` : "over"})`;
}

/** `42 s`, `12 min`, `3 h 05 min`, `2 d 4 h`. */
export function span(milliseconds: number): string {
  if (milliseconds < 2 * MINUTE_MS) return `${Math.floor(milliseconds / 1000)} s`;
  if (milliseconds < HOUR_MS) return `${Math.floor(milliseconds / MINUTE_MS)} min`;
  if (milliseconds < 2 * DAY_MS) {
    return `${Math.floor(milliseconds / HOUR_MS)} h ${two(Math.floor((milliseconds % HOUR_MS) / MINUTE_MS))} min`;
  }
  return `${Math.floor(milliseconds / DAY_MS)} d ${Math.floor((milliseconds % DAY_MS) / HOUR_MS)} h`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** In the user's own zone; with the day where it is not today's. */
export function wallClock(instant: number, now: number): string {
  const date = new Date(instant);
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (date.toDateString() === new Date(now).toDateString()) return time;
  return `${MONTHS[date.getMonth()] ?? ""} ${two(date.getDate())} ${time}`;
}

/** `14:05:09`, for lines of a record. */
export function toTheSecond(instant: number): string {
  const date = new Date(instant);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
