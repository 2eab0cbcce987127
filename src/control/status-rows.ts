import type { RowsLeftOut } from "../control-api/contract.js";

/** Why someone who asks for a part of a long list wants to see an entry: the first that holds. */
export const RANKS = ["own", "in trouble", "live", "named by a lease", "rest"] as const;
export type Rank = (typeof RANKS)[number];

export interface ChosenRows<T> {
  readonly shown: readonly T[];
  readonly leftOut: RowsLeftOut;
}

/** Those that matter most, as many as are wanted, in the order of their ranks; without a limit all, in their own order. */
export function chooseRows<T>(all: readonly T[], rows: number | undefined, rankOf: (one: T) => Rank): ChosenRows<T> {
  if (rows === undefined) return { shown: all, leftOut: { count: 0, inTrouble: 0 } };
  const ranked = new Map<Rank, T[]>(RANKS.map((rank) => [rank, []]));
  for (const one of all) ranked.get(rankOf(one))?.push(one);
  const shown: T[] = [];
  for (const rank of RANKS) shown.push(...(ranked.get(rank) ?? []).splice(0, rows - shown.length));
  return { shown, leftOut: { count: all.length - shown.length, inTrouble: ranked.get("in trouble")?.length ?? 0 } };
}
