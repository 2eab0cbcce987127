import { BrokerError } from "../../src/core/errors.js";
import type { DataKey, DataKeyHolder, DataKeyOutcome, LoadOptions } from "../../src/secrets/data-key.js";

/** Keeps a key in memory; its outcome can be dictated, and a prompt can be left open. */
export class FakeDataKeyHolder implements DataKeyHolder {
  readonly place = "the holder of the test";
  readonly warnings: readonly string[] = [];
  kept: DataKey | undefined;
  /** What every `load` answers instead of what is kept. */
  obstacle: Extract<DataKeyOutcome, { outcome: "locked" | "unavailable" }> | undefined;
  saveError: BrokerError | undefined;
  readonly loads: LoadOptions[] = [];
  #prompt: Promise<void> = Promise.resolve();

  load(options: LoadOptions): Promise<DataKeyOutcome> {
    this.loads.push(options);
    return this.#prompt.then(() => this.#outcome());
  }

  save(key: DataKey): Promise<void> {
    if (this.saveError) return Promise.reject(this.saveError);
    if (this.kept) return Promise.reject(new BrokerError("Conflict", "kept already"));
    this.kept = key;
    return Promise.resolve();
  }

  /** Loads wait until the returned function is called. */
  leavePromptOpen(): () => void {
    let answer = (): void => undefined;
    this.#prompt = new Promise((resolve) => (answer = resolve));
    return answer;
  }

  #outcome(): DataKeyOutcome {
    return this.obstacle ?? (this.kept ? { outcome: "found", key: this.kept } : { outcome: "absent" });
  }
}
