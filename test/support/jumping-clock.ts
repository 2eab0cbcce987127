import { writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A script in `directory` that runs the program which is its first argument with a wall clock that stands `offset`
 * milliseconds beside the machine's, read from the file CREDBROKER_TEST_CLOCK at each SIGUSR2. Timers go on as they were, as
 * over a suspend. Not by `--import`: brokerd refuses that.
 */
export function jumpingClock(directory: string): string {
  const path = join(directory, "jumping-clock.mjs");
  writeFileSync(path, SCRIPT);
  return path;
}

const SCRIPT = `
import { readFileSync } from "node:fs";
const RealDate = Date;
let offset = 0;
globalThis.Date = class extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(RealDate.now() + offset);
    else super(...parts);
  }
  static now() {
    return RealDate.now() + offset;
  }
};
process.on("SIGUSR2", () => {
  offset = Number(readFileSync(process.env.CREDBROKER_TEST_CLOCK, "utf8"));
});
process.argv.splice(1, 1);
await import(process.argv[1]);
`;
