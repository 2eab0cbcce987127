import type { RowResult } from "./measure.js";

const [WIDTH, HEIGHT] = [720, 360];
const [LEFT, RIGHT, TOP, BOTTOM] = [60, 150, 20, 50];
const LEAST_TOP = 3;
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9"];

/** Each figure of the growth row as a curve: × itself at the smallest size, over roles and leases on a logarithmic axis. */
export function growthSvg({ sides }: RowResult): string {
  const sizes = Object.keys(sides)
    .map(Number)
    .sort((a, b) => a - b);
  const median = (size: number, figure: string): number => sides[String(size)]?.[figure]?.median ?? Number.NaN;
  const [first = 1, last = 1] = [sizes[0], sizes.at(-1)];
  const curves = Object.keys(sides[String(first)] ?? {}).map((figure) => ({
    figure,
    points: sizes.map((size) => ({ size, ratio: median(size, figure) / median(first, figure) })),
  }));
  const top = Math.ceil(Math.max(LEAST_TOP, ...curves.flatMap(({ points }) => points.map(({ ratio }) => ratio))));
  const x = (size: number): string =>
    (LEFT + ((WIDTH - LEFT - RIGHT) * Math.log10(size / first)) / Math.log10(last / first)).toFixed(1);
  const y = (ratio: number): string => (HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * ratio) / top).toFixed(1);
  const text = (at: { x: string; y: string; anchor?: string }, content: string): string =>
    `<text x="${at.x}" y="${at.y}" text-anchor="${at.anchor ?? "start"}">${content}</text>`;
  const grid = Array.from({ length: 5 }, (_, index) => (index * top) / 4).map(
    (ratio) =>
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(ratio)}" y2="${y(ratio)}" stroke="#ddd"/>${text({ x: String(LEFT - 8), y: y(ratio), anchor: "end" }, `${Number(ratio.toFixed(2))} ×`)}`,
  );
  const ticks = sizes.map((size) =>
    text({ x: x(size), y: String(HEIGHT - BOTTOM + 20), anchor: "middle" }, size.toLocaleString("en")),
  );
  const labels = spreadOut(curves.map(({ points }) => Number(y(points.at(-1)?.ratio ?? 0))));
  const lines = curves.map(({ figure, points }, index) => {
    const color = COLORS[index % COLORS.length] ?? "#000";
    const path = points.map(({ size, ratio }) => `${x(size)},${y(ratio)}`).join(" ");
    const label = { x: String(WIDTH - RIGHT + 8), y: String(labels[index] ?? 0) };
    return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"/><g fill="${color}">${text(label, figure)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13" fill="#444">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...grid,
    ...ticks,
    text(
      { x: String((LEFT + WIDTH - RIGHT) / 2), y: String(HEIGHT - 8), anchor: "middle" },
      "roles and leases, as many of each",
    ),
    ...lines,
    "</svg>\n",
  ].join("\n");
}

/** Heights of labels, at least a line apart, in the order given. */
function spreadOut(heights: readonly number[]): readonly number[] {
  const placed = heights.map((height, index) => ({ height, index })).sort((a, b) => a.height - b.height);
  let free = 0;
  for (const label of placed) free = (label.height = Math.max(label.height, free)) + 15;
  return heights.map((_, index) => placed.find((label) => label.index === index)?.height ?? 0);
}
