import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { AuditFixture, findingsOf, used } from "../support/audit-fixture.js";
import { auditLines } from "../support/audit-lines.js";
import { canMount, SmallDisk } from "../support/small-disk.js";
import { tempDir } from "../support/temp-dir.js";

let disk: SmallDisk | undefined;
afterEach(() => disk?.unmount());

/** A log on a disk of its own, with one line written. */
async function logOnDisk(): Promise<{ fixture: AuditFixture; disk: SmallDisk; stateDir: string }> {
  const stateDir = join(tempDir("audit-disk"), "disk");
  const own = (disk = new SmallDisk(stateDir));
  const fixture = new AuditFixture();
  await fixture.restart({ stateDir, maxWaiting: 50 });
  await fixture.record(used("before"));
  return { fixture, disk: own, stateDir };
}

describe.skipIf(!canMount())("on a disk that takes no more", () => {
  it("lines wait in memory, `status` says so, and they are written when there is space again", async () => {
    const { fixture, disk: full, stateDir } = await logOnDisk();
    full.fill();
    await fixture.record(...Array.from({ length: 40 }, (_, n) => used(`role-${n}`.padEnd(250, "x"))));

    expect(await fixture.log.warnings()).toEqual([expect.stringMatching(/audit\.jsonl is not written: no space left/)]);
    full.free();
    await fixture.clock.advance(5000);
    await fixture.log.verify();

    expect(auditLines(stateDir)).toHaveLength(41);
    expect(await fixture.log.warnings()).toEqual([]);
    expect(findingsOf(await fixture.log.verify())).toEqual([]);
  });

  it("lines beyond what memory holds are counted, and the gap is told in the chain", async () => {
    const { fixture, disk: full, stateDir } = await logOnDisk();
    full.makeReadOnly();
    for (let n = 0; n < 150; n++) fixture.log.record(used("x"));
    await fixture.log.flush();
    expect(await fixture.log.warnings()).toEqual([expect.stringContaining("read-only file system")]);

    full.makeWritable();
    await fixture.log.flush();
    await fixture.log.flush();

    const [gap] = auditLines(stateDir).filter(({ event }) => event === "gap");
    expect(gap).toMatchObject({ code: "LinesDropped", count: 100 });
    const { logs } = await fixture.log.verify();
    expect([logs.audit.findings, logs.audit.notes.length]).toEqual([[], 1]);
  });
});
