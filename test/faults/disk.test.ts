import { describe, expect, it } from "vitest";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { canMount, SmallDisk } from "../support/small-disk.js";
import { type Access, type Bed, HANGS_MS, pause, withBed } from "./bed.js";
import { Verdict } from "./verdict.js";

/** Renewed while the disk takes nothing. */
const SHORT = { sessionSeconds: 12 };
const BROKEN_MS = 20_000;

interface DiskTrouble {
  readonly name: string;
  readonly begin: (disk: SmallDisk) => void;
  readonly end: (disk: SmallDisk) => void;
  readonly reason: RegExp;
}

const TROUBLES: readonly DiskTrouble[] = [
  { name: "full", begin: (disk) => disk.fill(), end: (disk) => disk.free(), reason: /no space left on device/ },
  {
    name: "read-only",
    begin: (disk) => disk.makeReadOnly(),
    end: (disk) => disk.makeWritable(),
    reason: /read-only file system/,
  },
];

async function warnings(bed: Bed): Promise<string> {
  return (await bed.broker.call("status", {})).daemon.warnings.join("\n");
}

describe("the disk of the state", () => {
  it("can be mounted here: in CI skipped counts as failed", () => expect(canMount()).toBe(true));

  it.concurrent.each(TROUBLES)(
    "is $name in mid-run: everything is served and renewed, what cannot be kept is refused, and it recovers",
    {
      timeout: HANGS_MS,
    },
    ({ name, begin, end, reason }) => {
      const verdict = new Verdict();
      return withBed({ verdict, name: "disk", aws: SHORT }, async (bed) => {
        const disk = new SmallDisk(bed.stateDir);
        try {
          bed.own();
          // Its log on another disk: an open file would keep the disk from being made read-only.
          await bed.mustStart({ supervised: false });
          await bed.makeStore();
          await bed.broker.call("use", { lease: { by: "default" }, role: "dev" });
          const access = await bed.access("prod");
          await bed.askUntil(access, ({ status }) => status === 200);
          const calls = bed.aws.countOf("AssumeRole");

          begin(disk);
          const refusals = [
            await brokerErrorOf(() => bed.broker.call("use", { lease: { by: "default" }, role: "prod" })),
            await brokerErrorOf(() => bed.broker.call("lease-create", { name: "later", role: "dev" })),
            await brokerErrorOf(() =>
              bed.broker.call("keys-add", {
                ...{ source: "ops-keys", accessKeyId: "AKIA0000000000000009", secretAccessKey: "x".repeat(40) },
                replace: true,
              }),
            ),
          ];
          await servedFor(bed, access, BROKEN_MS);
          const said = await warnings(bed);
          const renewed = bed.aws.countOf("AssumeRole") - calls;
          const kept = (await bed.broker.call("status", {})).defaultRole;
          end(disk);
          await bed.broker.call("use", { lease: { by: "default" }, role: "prod" });
          while (/not durable|older than|cannot write|out of date/.test(await warnings(bed))) await pause(200);
          await bed.end("SIGKILL");
          await bed.mustStart({ supervised: false });
          const after = (await bed.broker.call("status", {})).defaultRole;
          await bed.ask(access, { served: false });

          verdict.look("lost", kept === "dev" ? undefined : `the role became ${String(kept)}`);
          verdict.look("lost", after === "prod" ? undefined : `the role became ${String(after)}`);
          const isExplained = refusals.every(({ message, hint }) => reason.test(message) && hint !== undefined);
          const isSaid = said !== "";
          verdict.conclude({
            case: `the disk becomes ${name} in mid-run`,
            expected:
              "changes refused with reason and hint and unmade, all served and renewed, status says it, all kept after it",
            got: `${isExplained ? "refused" : refusals.map(({ message }) => message).join("; ")}; ${renewed} renewals, ${isSaid ? "said" : "not said"}, ${bed.answers} answers, ${bed.waited}`,
            holds: isExplained && renewed > 0 && isSaid && bed.quick,
            proves: ["C12"],
          });
        } finally {
          await bed.end("SIGKILL");
          disk.unmount();
        }
      });
    },
  );

  it.concurrent("is read-only at the start: it says so and ends with 1", { timeout: HANGS_MS }, () => {
    const verdict = new Verdict();
    return withBed({ verdict, name: "disk", aws: SHORT }, async (bed) => {
      const disk = new SmallDisk(bed.stateDir);
      bed.own();
      disk.makeReadOnly();
      const ended = await bed.start({ supervised: false });
      disk.unmount();
      const isNamed = ended?.stderr.includes(`${bed.stateDir}: read-only file system`) ?? false;
      verdict.conclude({
        case: "the disk is read-only at the start",
        expected: "ends with 1, names the directory and the reason",
        got: `${ended ? `ends with ${ended.code}` : "started"}, ${isNamed ? "named" : "not named"}`,
        holds: ended?.code === 1 && isNamed,
      });
    });
  });
});

async function servedFor(bed: Bed, access: Access, milliseconds: number): Promise<void> {
  const from = Date.now();
  while (Date.now() < from + milliseconds) {
    await bed.ask(access, { served: true });
    await pause(100);
  }
}
