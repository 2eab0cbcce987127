/** A piece of a line in one look: `bold`, `dim`, or a colour's class. */
interface Span {
  readonly text: string;
  readonly looks: readonly string[];
}

const LINE_HEIGHT = 19;
const CHAR_WIDTH = 8.43;
const MARGIN = 16;

/** Of SGR, what brokerctl and the recorder write. */
const LOOKS: Readonly<Record<string, string>> = {
  "1": "bold",
  "2": "dim",
  "31": "red",
  "32": "green",
  "33": "yellow",
  "36": "cyan",
};
const ENDS: Readonly<Record<string, readonly string[]>> = {
  "0": Object.values(LOOKS),
  "22": ["bold", "dim"],
  "39": ["red", "green", "yellow", "cyan"],
};

/** What a terminal got, as the lines that it shows. A code that is not known is an error: it would be drawn wrong. */
export function linesOf(text: string): readonly (readonly Span[])[] {
  let looks: readonly string[] = [];
  const lines = text.replaceAll("\r\n", "\n").trimEnd().split("\n").map(afterErased);
  return lines.map((line) =>
    // eslint-disable-next-line no-control-regex -- colours begin with a control character
    line.split(/(\u001b\[[\d;]*m)/).flatMap((part) => {
      // eslint-disable-next-line no-control-regex -- the same
      const codes = /^\u001b\[([\d;]*)m$/.exec(part)?.[1];
      if (codes === undefined) return shown(part, looks);
      for (const code of codes.split(";")) looks = after(code === "" ? "0" : code, looks);
      return [];
    }),
  );
}

/** What is left of a line when its progress was wiped away. */
function afterErased(line: string): string {
  return line.split("\r\u001b[K").at(-1) ?? line;
}

function shown(text: string, looks: readonly string[]): readonly Span[] {
  // eslint-disable-next-line no-control-regex -- what no picture can show
  if (/[\u0000-\u001f\u007f]/.test(text)) throw new Error(`the terminal got ${JSON.stringify(text)}`);
  return text === "" ? [] : [{ text, looks }];
}

function after(code: string, looks: readonly string[]): readonly string[] {
  const ended = ENDS[code];
  if (ended !== undefined) return looks.filter((look) => !ended.includes(look));
  const look = LOOKS[code];
  if (look === undefined) throw new Error(`the terminal got a code that is not drawn here: ${code}`);
  return [...looks, look];
}

/** Text that can be marked and read aloud, in the reader's light or dark. */
export function sessionSvg(lines: readonly (readonly Span[])[], columns: number): string {
  const width = Math.ceil(columns * CHAR_WIDTH) + 2 * MARGIN;
  const height = lines.length * LINE_HEIGHT + 2 * MARGIN;
  const texts = lines.map((spans, n) => {
    const y = MARGIN + (n + 1) * LINE_HEIGHT - 5;
    return `<text x="${MARGIN}" y="${y}">${spans.map(tspan).join("")}</text>`;
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img">`,
    "<title>A session with brokerctl in a terminal</title>",
    `<style>${STYLE}</style>`,
    `<rect width="${width}" height="${height}" rx="8"/>`,
    ...texts,
    "</svg>",
  ].join("\n")}\n`;
}

function tspan({ text, looks }: Span): string {
  const inside = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return looks.length === 0 ? `<tspan>${inside}</tspan>` : `<tspan class="${looks.join(" ")}">${inside}</tspan>`;
}

const STYLE = [
  "rect{fill:#f6f8fa}",
  "text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1f2328;white-space:pre}",
  ".bold{font-weight:700}.dim{fill:#59636e}",
  ".red{fill:#c4222c}.green{fill:#116329}.yellow{fill:#7d4e00}.cyan{fill:#1b6e85}",
  "@media(prefers-color-scheme:dark){rect{fill:#151b23}text{fill:#d1d7e0}.dim{fill:#9198a1}",
  ".red{fill:#ff7b72}.green{fill:#56d364}.yellow{fill:#e3b341}.cyan{fill:#76d7ea}}",
].join("");
