const inspectCustom = Symbol.for("nodejs.util.inspect.custom");

/**
 * A string that must not be printed. Every implicit way to text gives `[secret]`;
 * `reveal()` is called on the last line that needs the value.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [inspectCustom](): string {
    return "[secret]";
  }
}
