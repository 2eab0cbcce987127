import { BenchBroker, type Command, nodeIn, timed } from "./bench-broker.js";
import type { PeerCommand, Row, Side, Target } from "./measure.js";

const BESIDE_PEERS: readonly Target[] = [
  { of: "ours", figure: "ms", beside: "aws-vault", atMost: 1 },
  { of: "ours", figure: "ms", beside: "granted", atMost: 1 },
  { of: "ours", figure: "ms", beside: "node -e 0" },
];
const BESIDE_NODE: readonly Target[] = [{ of: "ours", figure: "ms", beside: "node -e 0", atMost: 1.8 }];

/** Whole processes beside `node -e 0`, which is what starting Node costs, and beside what does the same in other programs. */
export const COMMAND_ROWS: readonly Row[] = [
  commandRow({
    id: "exec",
    title: "exec ROLE -- true",
    args: () => ["exec", "r0", "--", "true"],
    targets: BESIDE_PEERS,
  }),
  commandRow({
    ...{ id: "credential-process", title: "credential-process ROLE" },
    ...{ args: () => ["credential-process", "r0"], targets: BESIDE_PEERS },
  }),
  commandRow({ id: "status", title: "status", args: () => ["status"], targets: BESIDE_NODE }),
  // Each moves the default lease.
  commandRow({ id: "use", title: "use ROLE", args: (round) => ["use", `r${round % 2}`], targets: BESIDE_NODE }),
  commandRow({ id: "env", title: "env", args: () => ["env"], targets: BESIDE_NODE }),
];

interface CommandRow {
  readonly id: string;
  readonly title: string;
  readonly args: (round: number) => readonly string[];
  readonly targets: readonly Target[];
}

/** Two roles, both warm, so that no command waits for AWS. */
function commandRow({ id, title, args, targets }: CommandRow): Row {
  return {
    ...{ id, title, rounds: 31, quickRounds: 7 },
    prepare: async ({ peers }) => {
      const bench = await BenchBroker.create(2);
      await bench.activate();
      return {
        sides: [
          { name: "ours", sample: async (round) => ({ ms: await timed(bench.ctl(...args(round))) }) },
          commandSide("node -e 0", nodeIn(bench.broker)),
          ...peers.commands.filter(({ row }) => row === id).map(peerSide),
        ],
        targets,
        close: () => bench.close(),
      };
    },
  };
}

export function peerSide({ name, ...peer }: PeerCommand): Side {
  return commandSide(name, shellCommand(peer));
}

export function shellCommand({ command, env }: Pick<PeerCommand, "command" | "env">): Command {
  return { command: ["/bin/sh", "-c", `exec ${command}`], env: { ...(process.env as Record<string, string>), ...env } };
}

function commandSide(name: string, command: Command): Side {
  return { name, sample: async () => ({ ms: await timed(command) }) };
}
