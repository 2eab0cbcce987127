import type { TextSpan } from "../../core/aws-import.js";

/** The text without these spans, or with the line of each that has one in its place. Every other character stays. */
export function cutText(text: string, spans: readonly TextSpan[]): string {
  const fromTheEnd = spans.toSorted((a, b) => b.start - a.start);
  return fromTheEnd.reduce((left, { start, end, instead }) => {
    const lineEnd = /[\r\n]*$/.exec(left.slice(start, end))?.[0] ?? "";
    return left.slice(0, start) + (instead === undefined ? "" : instead + lineEnd) + left.slice(end);
  }, text);
}
