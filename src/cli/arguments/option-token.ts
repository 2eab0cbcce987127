/** A flag as it was typed; node:util names the fields. */
export interface OptionToken {
  readonly kind: "option";
  readonly name: string;
  /** As typed: `--for`, `-n`. */
  readonly rawName: string;
  readonly value: string | undefined;
  /** `--for=30m`, in one word. */
  readonly inlineValue: boolean | undefined;
}
