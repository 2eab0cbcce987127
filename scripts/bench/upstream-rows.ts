import { BenchBroker, type Command, timed } from "./bench-broker.js";
import { shellCommand } from "./command-rows.js";
import { load } from "./load.js";
import type { Row } from "./measure.js";

const AT_ONCE = 20;
const STS_MS = 2000;
const CONNECTIONS = 8;
/** Of each connection: a machine that is not at its limit. */
const EVERY_MS = 4;
const ROUNDS = 9;

/** What is about AWS's answer: who waits for it, and how often it is asked. */
export const UPSTREAM_ROWS: readonly Row[] = [coldRow(), rotationRow()];

/** A role that nothing was fetched for, a new one each round. */
function coldRow(): Row {
  return {
    ...{ id: "cold", title: `${AT_ONCE} cold \`exec\` at once`, rounds: ROUNDS },
    prepare: async ({ peers }) => {
      const bench = await BenchBroker.create(ROUNDS + 1);
      return {
        sides: [
          {
            name: "ours",
            sample: async (round) => {
              const before = bench.aws.countOf("AssumeRole");
              const ms = await timed(atOnce(bench.ctl("exec", `r${round}`, "--", "true")));
              return { ms, AssumeRole: bench.aws.countOf("AssumeRole") - before };
            },
          },
          {
            name: "node -e 0",
            sample: async () => ({ ms: await timed(atOnce({ command: [process.execPath, "-e", "0"], env: {} })) }),
          },
          ...peers.commands
            .filter(({ row }) => row === "exec")
            .map(({ name, ...peer }) => ({
              name,
              sample: async () => ({ ms: await timed(atOnce(shellCommand(peer))) }),
            })),
        ],
        targets: [
          { of: "ours", figure: "AssumeRole", atMost: 1, unit: "calls" },
          { of: "ours", figure: "ms", beside: "aws-vault", atMost: 1 },
          { of: "ours", figure: "ms", beside: "node -e 0" },
        ],
        close: () => bench.close(),
      };
    },
  };
}

/** Started by a shell: the process that measures is AWS for them. */
function atOnce({ command, env }: Command): Command {
  const script = `for n in $(seq ${AT_ONCE}); do "$@" & pids="$pids $!"; done; for pid in $pids; do wait $pid || exit 1; done`;
  return { command: ["/bin/sh", "-c", script, "sh", ...command], env: { PATH: process.env["PATH"] ?? "", ...env } };
}

function rotationRow(): Row {
  return {
    ...{ id: "rotation", title: "longest request while STS takes 2 s", rounds: ROUNDS },
    prepare: async () => {
      const bench = await BenchBroker.create(1);
      const [url = ""] = await bench.activate();
      const paced = { url, connections: CONNECTIONS, everyMs: EVERY_MS, milliseconds: STS_MS + 500 };
      const longest = async (): Promise<{ "longest ms": number }> => ({
        "longest ms": (await load(paced))["longest ms"] ?? Number.NaN,
      });
      return {
        sides: [
          {
            name: "ours",
            sample: async () => {
              bench.aws.faults.set("AssumeRole", { kind: "slow", milliseconds: STS_MS });
              const [waited] = await Promise.all([longest(), bench.broker.call("refresh", { role: "r0" })]);
              bench.aws.faults.clear();
              return waited;
            },
          },
          { name: "without a rotation", sample: longest },
        ],
        targets: [
          { of: "ours", figure: "longest ms", beside: "without a rotation", atMost: 1.5 },
          { of: "ours", figure: "longest ms", atMost: 100, unit: "ms" },
        ],
        close: () => bench.close(),
      };
    },
  };
}
