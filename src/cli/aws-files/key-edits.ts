import type { AwsFileName, FileText, TextSpan, TextSpans } from "../../core/aws-import.js";
import { type OwnCommand, processLine } from "../profiles/process-line.js";
import type { AwsFileTexts } from "./read-aws-files.js";

/** What stands in the place of keys: nothing, or a `credential_process` line that asks us by this command. */
export type Replacement = OwnCommand | undefined;

/** One file of the two, with keys cut out of it. */
export interface KeyEdit {
  readonly file: FileText;
  readonly next: string;
  /** As they are shown, without a secret in them. */
  readonly lines: readonly EditedLine[];
}

export interface EditedLine {
  /** Of the file as it is, from 1. */
  readonly line: number;
  readonly removed: string;
  readonly added: string | undefined;
}

/** Of the files that hold any of these keys, the config first. */
export function keyEdits(files: AwsFileTexts, places: TextSpans, replacement: Replacement): readonly KeyEdit[] {
  return (["config", "credentials"] as const).flatMap((name: AwsFileName) => {
    const file = files[name];
    const spans = places[name];
    if (!file || spans.length === 0) return [];
    const ordered = spans.toSorted((one, other) => one.start - other.start);
    const lines = ordered.map((span) => editedLine(file.text, span, replacement));
    return [{ file, next: cutText(file.text, ordered, replacement), lines }];
  });
}

/** The text without these spans, or with a line in the place of each that has one. Every other character stays. */
function cutText(text: string, spans: readonly TextSpan[], replacement: Replacement): string {
  return spans.toReversed().reduce((left, span) => {
    const { start, end } = span;
    const lineEnd = /[\r\n]*$/.exec(left.slice(start, end))?.[0] ?? "";
    const added = lineInstead(span, replacement);
    return left.slice(0, start) + (added === undefined ? "" : added + lineEnd) + left.slice(end);
  }, text);
}

function lineInstead({ role }: TextSpan, replacement: Replacement): string | undefined {
  return role === undefined || replacement === undefined ? undefined : processLine(replacement, role);
}

const SHOWN_CHARACTERS = 4;

/** An id by its end, as everywhere; a secret not at all. */
function editedLine(text: string, span: TextSpan, replacement: Replacement): EditedLine {
  const [, name = "", value = ""] = /^\s*([^=:\s]+)\s*[=:]\s*(\S*)/.exec(text.slice(span.start, span.end)) ?? [];
  const isId = name.toLowerCase() === "aws_access_key_id";
  return {
    line: text.slice(0, span.start).split(/\r\n|\r|\n/).length,
    removed: `${name} = ${isId ? `…${value.slice(-SHOWN_CHARACTERS)}` : "[secret]"}`,
    added: lineInstead(span, replacement),
  };
}
