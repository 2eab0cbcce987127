/** One replacement in a text; every other byte stays. */
export interface TextEdit {
  readonly offset: number;
  /** What stands there; it goes. */
  readonly replaced: string;
  readonly inserted: string;
}

export function edited(text: string, { offset, replaced, inserted }: TextEdit): string {
  return text.slice(0, offset) + inserted + text.slice(offset + replaced.length);
}

/** Of the lines around it, as `diff -u` has them. */
const CONTEXT = 3;

/** An edit as a unified diff; `path` stands at its head. */
export function unifiedDiff(path: string, before: string, edit: TextEdit): string {
  const [old, next] = [linesOf(before), linesOf(edited(before, edit))];
  let head = 0;
  while (head < old.length && head < next.length && old[head] === next[head]) head++;
  let tail = 0;
  const most = Math.min(old.length, next.length) - head;
  while (tail < most && old[old.length - 1 - tail] === next[next.length - 1 - tail]) tail++;
  const from = Math.max(0, head - CONTEXT);
  const after = Math.min(tail, CONTEXT);
  const [oldEnd, nextEnd] = [old.length - tail, next.length - tail];
  const marked = (mark: string, lines: readonly string[]): readonly string[] => lines.map((line) => mark + line);
  return [
    `--- ${path}`,
    `+++ ${path}`,
    `@@ -${range(from, oldEnd + after)} +${range(from, nextEnd + after)} @@`,
    ...marked(" ", old.slice(from, head)),
    ...marked("-", old.slice(head, oldEnd)),
    ...marked("+", next.slice(head, nextEnd)),
    ...marked(" ", old.slice(oldEnd, oldEnd + after)),
  ].join("\n");
}

function range(from: number, to: number): string {
  return `${to > from ? from + 1 : from},${to - from}`;
}

/** The last line's end makes no line of its own; that it has none shows. */
function linesOf(text: string): readonly string[] {
  if (text === "") return [];
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""));
  return text.endsWith("\n")
    ? lines.slice(0, -1)
    : [...lines.slice(0, -1), `${lines.at(-1) ?? ""}\n\\ No newline at end of file`];
}

/** What the lines of the text end with. */
export function lineEndOf(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}
