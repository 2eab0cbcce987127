import { setTimeout as pause } from "node:timers/promises";
import type { TestRole } from "../clients/bench.js";
import type { Outcome } from "../support/broker.js";
import { startFetchRelay } from "../support/fetch-relay.js";
import { BRIEF, LIVES, type MatrixBench } from "./bench.js";
import type { MatrixClient } from "./client.js";
import { published } from "./messages.js";
import type { Shells } from "./shells.js";

/** Longer than three of BRIEF's sessions, held to their ends one after the other. */
const LOOP_SECONDS = 42;
/** Beside them: starting an interpreter or a JVM on a busy machine, and the 40 tries of the AWS CLI's waiter. */
const LOOP_LIMIT_SECONDS = LOOP_SECONDS + 60;
const FIRST_CALL_LIMIT_MS = 30_000;

/** One process of a client while its keys come and end. */
export interface Rotation {
  readonly keys: number;
  /** Of them, those that had ended before its last call. */
  readonly ended: number;
  readonly calls: number;
  /** Signed with a key that had ended. */
  readonly expired: number;
  /** Unsigned, or signed by another than the role. */
  readonly others: number;
  /** Refused; 404 is what the AWS CLI waits with. */
  readonly failed: number;
  /** The last line of a process that ended in an error before its time. */
  readonly lastWords: string | null;
}

/** One process of a client: how often it asks the endpoint while it makes a call about every second. */
export interface FetchRate {
  readonly minutesLeft: number;
  readonly fetchesAMinute: number;
  readonly callsAMinute: number;
}

export interface OverTime {
  readonly rotation: Rotation;
  readonly rates: readonly FetchRate[];
}

/** Starting is what takes the processor: only so many are started at a time, and all then run in one window. */
export type StartGate = <T>(start: () => Promise<T>) => Promise<T>;

/** One client's processes, each in a loop, one for each life of its credentials. */
export async function overTime(
  client: MatrixClient & { readonly loop: NonNullable<MatrixClient["loop"]> },
  { bench, shells, gate }: { bench: MatrixBench; shells: Shells; gate: StartGate },
): Promise<OverTime> {
  const loop = async (role: TestRole, label: string): Promise<LoopEnd> => {
    const access = await bench.broker.call("lease-access", { pinnedRole: role.name });
    const relay = await startFetchRelay(access.leaseUrl);
    const env = relay.relayed(await shells.withLease(access, client.as ?? "url"));
    const command = client.loop(LOOP_SECONDS);
    const running = await gate(async () => {
      const outcome = bench.run(client, { label, env, command, seconds: LOOP_LIMIT_SECONDS });
      await Promise.race([outcome, firstCall(bench, label)]);
      return { outcome };
    });
    const outcome = await running.outcome;
    relay.stop();
    return { fetches: relay.fetches, outcome };
  };
  const rotating = loop(BRIEF, `${client.name}/rotation`);
  const rates = LIVES.map(async ({ role, minutes }) => {
    const label = `${client.name}/rate/${minutes}`;
    const { fetches } = await loop(role, label);
    return rateOf({ minutesLeft: minutes, fetches, calls: bench.callsOf(label) });
  });
  const { outcome } = await rotating;
  const rotation = rotationOf(bench, `${client.name}/rotation`);
  return { rotation: { ...rotation, lastWords: lastWordsOf(outcome) }, rates: await Promise.all(rates) };
}

interface LoopEnd {
  readonly fetches: readonly number[];
  readonly outcome: Outcome;
}

/** The AWS CLI's waiter ends with 255, since that user never comes. */
function lastWordsOf({ code, stdout, stderr }: Outcome): string | null {
  if (code === 0 || code === 255) return null;
  const lines = `${stdout}\n${stderr}`.split("\n").filter((line) => line.trim() !== "");
  return published(lines.at(-1) ?? "").slice(0, 200);
}

async function firstCall(bench: MatrixBench, label: string): Promise<void> {
  const deadline = Date.now() + FIRST_CALL_LIMIT_MS;
  while (bench.callsOf(label).length === 0 && Date.now() < deadline) await pause(50);
}

function rotationOf(bench: MatrixBench, label: string): Omit<Rotation, "lastWords"> {
  const calls = bench.callsOf(label);
  const last = calls.at(-1)?.at ?? 0;
  const isOwn = (key: string | null): key is string => key !== null && bench.proxy.roleOf(key) === BRIEF.roleArn;
  const own = calls.filter(({ accessKeyId }) => isOwn(accessKeyId));
  const keys = [...new Set(own.map(({ accessKeyId }) => accessKeyId!))];
  return {
    keys: keys.length,
    ended: keys.filter((key) => bench.proxy.endOf(key) < last).length,
    calls: calls.length,
    expired: own.filter(({ accessKeyId, at }) => at >= bench.proxy.endOf(accessKeyId!)).length,
    others: calls.length - own.length,
    failed: calls.filter(({ status }) => status >= 400 && status !== 404).length,
  };
}

/** Between its first call and its last: the fetches before the first are the start. */
function rateOf(seen: {
  minutesLeft: number;
  fetches: readonly number[];
  calls: readonly { at: number }[];
}): FetchRate {
  const { minutesLeft, fetches, calls } = seen;
  const [first, last] = [calls[0]?.at ?? 0, calls.at(-1)?.at ?? 0];
  const minutes = (last - first) / 60_000;
  const within = fetches.filter((at) => at > first && at <= last).length;
  const perMinute = (count: number): number => (minutes > 0 ? Math.round(count / minutes) : 0);
  return { minutesLeft, fetchesAMinute: perMinute(within), callsAMinute: perMinute(calls.length - 1) };
}
