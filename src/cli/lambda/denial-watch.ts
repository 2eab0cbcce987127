import { Writable } from "node:stream";
import { DENIAL_MARKS, type Denial, findDenial } from "../../core/denial.js";
import { writePatiently } from "../../runtime-api/write-patiently.js";

/** What belongs to a mark: a trace may stand between what AWS said and the name of its error. */
const BEFORE_BYTES = 8192;
const AFTER_BYTES = 8192;
const MARKS = DENIAL_MARKS.map((mark) => Buffer.from(mark));

/** Passes on what a function prints, and remembers the last of it that looks like a refusal of AWS. */
export class DenialWatch extends Writable {
  readonly #to: Writable;
  readonly #onMark: () => void;
  #tail = Buffer.alloc(0);
  #open = 0;
  #marked: Buffer | undefined;

  constructor(to: Writable, onMark = (): void => undefined) {
    super();
    this.#to = to;
    this.#onMark = onMark;
  }

  /** What was refused since it was last asked, if anything. */
  take(): Denial | undefined {
    const text = this.#marked?.toString("utf8");
    this.#marked = undefined;
    this.#open = 0;
    return text === undefined ? undefined : findDenial(text);
  }

  /** Resolves when all that was written is passed on. */
  async passedOn(): Promise<void> {
    if (this.writableLength === 0) return;
    await new Promise<void>((resolve) => this.write(Buffer.alloc(0), () => resolve()));
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#look(chunk);
    void writePatiently(this.#to, chunk).then(() => done());
  }

  #look(chunk: Buffer): void {
    const before = this.#tail.length;
    const text = Buffer.concat([this.#tail, chunk]);
    this.#tail = text.subarray(-BEFORE_BYTES);
    const end = Math.max(...MARKS.map((mark) => endOfLast(mark, text)));
    if (end > before) {
      this.#marked = text.subarray(Math.max(0, end - BEFORE_BYTES), end + AFTER_BYTES);
      this.#open = end + AFTER_BYTES - text.length;
      this.#onMark();
    } else if (this.#open > 0 && this.#marked) {
      this.#marked = Buffer.concat([this.#marked, chunk.subarray(0, this.#open)]);
      this.#open -= chunk.length;
    }
  }
}

/** 0: it is not there. */
function endOfLast(mark: Buffer, text: Buffer): number {
  const at = text.lastIndexOf(mark);
  return at < 0 ? 0 : at + mark.length;
}
