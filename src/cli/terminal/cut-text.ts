import type { TextSpan } from "../../control-api/import-contract.js";

/** The text without these spans; they do not overlap. Every other character stays. */
export function cutText(text: string, spans: readonly TextSpan[]): string {
  const fromTheEnd = spans.toSorted((a, b) => b.start - a.start);
  return fromTheEnd.reduce((left, { start, end }) => left.slice(0, start) + left.slice(end), text);
}
