import type { JSX } from "preact";

/** Drawn in a square of 16, with a line of 1.5. */
const PATHS = {
  check: "M3.5 8.5l3 3 6-7",
  turning: "M13 8a5 5 0 1 1-1.5-3.5M13 2.5v3h-3",
  ring: "M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3z",
  key: "M10.5 2.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8.3 7.7L2.5 13.5M4.5 11.5l2 2",
  cross: "M4 4l8 8M12 4l-8 8",
  lock: "M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
  alert: "M8 2.5l6 11H2zM8 6.5v3M8 11.5v.2",
  clock: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM8 5v3.2l2 1.3",
  back: "M3 6.5h7a3 3 0 0 1 0 6H6M3 6.5l3-3M3 6.5l3 3",
  shield: "M8 2l5 2v4c0 3-2 5-5 6-3-1-5-3-5-6V4z",
  copy: "M5.5 5.5h7v8h-7zM3.5 10.5v-8h7",
  bell: "M4 11.5V7a4 4 0 0 1 8 0v4.5M2.5 11.5h11M7 13.5h2",
  out: "M9 3h4v4M13 3L7.5 8.5M11 9.5V13H3V5h3.5",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.2 10.2l3.3 3.3",
  left: "M10 3.5L5.5 8l4.5 4.5",
  right: "M6 3.5L10.5 8 6 12.5",
  plus: "M8 3v10M3 8h10",
  note: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM8 7.5v3.5M8 5v.2",
} as const;
export type IconName = keyof typeof PATHS;

/** A sign beside its word, which says the same: not for screen readers. */
export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
