import { loadavg } from "node:os";

/** What one sample tells: figure → number. */
export type Figures = Readonly<Record<string, number>>;

/** One of the programs that a row compares. */
export interface Side {
  readonly name: string;
  /** `round` counts from 0; round 0 only warms up. */
  readonly sample: (round: number) => Promise<Figures>;
}

/** What a figure of one side shall be: of itself, or as a ratio of the medians of two sides. */
export interface Target {
  readonly of: string;
  readonly figure: string;
  readonly beside?: string;
  readonly atMost?: number;
  readonly atLeast?: number;
  /** Of `figure` itself: `ms`, `MB`. */
  readonly unit?: string;
}

export interface Prepared {
  readonly sides: readonly Side[];
  readonly targets: readonly Target[];
  /** Ends what was started for the row. */
  readonly close: () => Promise<void>;
}

export interface Row {
  readonly id: string;
  readonly title: string;
  /** Rounds that count, and of a quick run. */
  readonly rounds: number;
  readonly quickRounds?: number;
  readonly prepare: (options: RunOptions) => Promise<Prepared>;
}

export interface RunOptions {
  readonly quick: boolean;
  readonly peers: Peers;
}

/** Other programs beside ours. */
export interface Peers {
  /** Container credentials endpoints. */
  readonly endpoints: readonly { readonly name: string; readonly url: string; readonly token: string }[];
  /** Commands, by the row that they stand in. */
  readonly commands: readonly PeerCommand[];
}

export interface PeerCommand {
  readonly row: string;
  readonly name: string;
  /** For `/bin/sh -c`. */
  readonly command: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Median and quartiles. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export interface Verdict extends Target {
  readonly got: Spread;
  /** undefined: there is no target. */
  readonly holds?: boolean;
}

export interface RowResult {
  readonly id: string;
  readonly title: string;
  readonly rounds: number;
  /** The machine's, of a minute, when the row began. */
  readonly load: number;
  readonly sides: Readonly<Record<string, Readonly<Record<string, Spread>>>>;
  readonly verdicts: readonly Verdict[];
}

/** All sides of a row in turn, each round in the other order, so that a machine whose speed drifts does not matter. */
export async function measureRow(row: Row, options: RunOptions): Promise<RowResult> {
  const rounds = options.quick ? (row.quickRounds ?? Math.min(3, row.rounds)) : row.rounds;
  const load = loadavg()[0] ?? Number.NaN;
  const { sides, targets, close } = await row.prepare(options);
  const samples = new Map(sides.map(({ name }) => [name, [] as Figures[]]));
  try {
    for (let round = 0; round <= rounds; round++) {
      for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
        const figures = await side.sample(round);
        if (round > 0) samples.get(side.name)?.push(figures);
      }
    }
  } finally {
    await close();
  }
  return {
    ...{ id: row.id, title: row.title, rounds, load },
    sides: Object.fromEntries([...samples].map(([name, taken]) => [name, spreads(taken)])),
    verdicts: targets
      .filter(({ of, beside }) => isThere(of, samples) && isThere(beside, samples))
      .map((target) => judge(target, samples)),
  };
}

type Samples = ReadonlyMap<string, readonly Figures[]>;

/** A peer may not be here. */
function isThere(side: string | undefined, samples: Samples): boolean {
  return side === undefined || samples.has(side);
}

function spreads(taken: readonly Figures[]): Readonly<Record<string, Spread>> {
  const figures = Object.keys(taken[0] ?? {});
  return Object.fromEntries(figures.map((figure) => [figure, spreadOf(taken.map((one) => one[figure] ?? Number.NaN))]));
}

/** The ratio is that of the medians; its quartiles are those of the rounds' own ratios. */
function judge(target: Target, samples: Samples): Verdict {
  const values = (side: string): readonly number[] =>
    samples.get(side)?.map((one) => one[target.figure] ?? Number.NaN) ?? [];
  const ours = values(target.of);
  const got = target.beside === undefined ? spreadOf(ours) : ratioOf(ours, values(target.beside));
  const { atMost, atLeast } = target;
  if (atMost === undefined && atLeast === undefined) return { ...target, got };
  return { ...target, got, holds: got.median <= (atMost ?? Infinity) && got.median >= (atLeast ?? -Infinity) };
}

function ratioOf(ours: readonly number[], beside: readonly number[]): Spread {
  const each = spreadOf(ours.map((value, round) => value / (beside[round] ?? Number.NaN)));
  return { ...each, median: spreadOf(ours).median / spreadOf(beside).median };
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const [below = Number.NaN, above = below] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
    return below + (place - Math.floor(place)) * (above - below);
  };
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}
