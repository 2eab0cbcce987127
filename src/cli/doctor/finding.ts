/** `error`: programs do not get what they should, or something is open to others; `warning`: unsafe, or about to fail; `note`: good to know. */
export type Severity = "error" | "warning" | "note";

/** One thing that doctor found. */
export interface Finding {
  /** Stable, for scripts. */
  readonly id: string;
  readonly severity: Severity;
  readonly message: string;
  /** A whole command; null: there is nothing to do about it. */
  readonly fix: string | null;
  /** What `--fix` offers to do by itself. */
  readonly offer?: Offer;
}

/** Things that undo themselves easily and touch nothing of others: `chmod` of our own files; `import` asks by itself. */
export type Offer =
  | { readonly do: "chmod"; readonly path: string; readonly mode: number }
  | { readonly do: "import"; readonly profile: string };

export function isWrong({ severity }: Finding): boolean {
  return severity !== "note";
}

/** The access key id as far as it may be shown. */
export function redacted(accessKeyId: string): string {
  return `…${accessKeyId.slice(-4)}`;
}
