/**
 * For `node --import`: a program whose wall clock stands `offset` milliseconds beside the machine's, read from the file
 * CREDBROKER_TEST_CLOCK at each SIGUSR2. Timers go on as they were, as over a suspend.
 */
export const JUMPING_CLOCK = `data:text/javascript,${encodeURIComponent(`
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
`)}`;
