import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Outcome } from "../support/broker.js";
import { inVenv } from "../support/venv.js";
import { AWS_CLI, BOTO3, JAVASCRIPT } from "./aws-clients.js";
import { type Bench, CASES, type ClientCase, DEV, startBench, type UserShell } from "./bench.js";
import { arnsIn, SUCCESS, successByEnv } from "./outcomes.js";

/** The broker renews at 40 % left; a key ends within this time after a client first sees it. */
const SESSION_SECONDS = 12;
/** How long a client goes on asking: past the end of the first key that it can have got. */
const WATCH_SECONDS = SESSION_SECONDS + 3;

let bench: Bench;
const outcomes = new Map<string, Outcome>();

/** All clients at once, each in one process that goes on asking while keys come and end. */
beforeAll(async () => {
  bench = await startBench({ sessionSeconds: SESSION_SECONDS });
  expect(await bench.broker.ctl(["use", DEV.name])).toMatchObject({ code: 0 });
  await Promise.all(CASES.map(async (each) => outcomes.set(labelOf(each), await watch(each))));
}, 120_000);
afterAll(async () => bench.stop());

function labelOf({ client, kind }: ClientCase): string {
  return `${client.name}/${kind}`;
}

function watch(each: ClientCase): Promise<Outcome> {
  const shell = bench.shell(each.kind, labelOf(each));
  return each.client === AWS_CLI
    ? watchByWaiter(shell, labelOf(each))
    : byEither(shell, each, [...each.client.identity, String(WATCH_SECONDS)]);
}

/** One command of the AWS CLI that asks again and again: it waits for an IAM user, who comes once the first key has ended. */
async function watchByWaiter(shell: UserShell, label: string): Promise<Outcome> {
  const userName = label.replaceAll(/\W+/g, "-");
  const waiting = shell.withEnv("", [inVenv("aws"), "iam", "wait", "user-exists", "--user-name", userName]);
  await firstKeyEnded(label);
  const created = await shell.withExec("", [inVenv("aws"), "iam", "create-user", "--user-name", userName]);
  expect(created).toEqual(SUCCESS);
  return waiting;
}

/** By `env` from two of the homes, by `exec` from the others. */
function byEither(shell: UserShell, { kind }: ClientCase, command: readonly string[]): Promise<Outcome> {
  return kind === "empty" || kind === "AWS_PROFILE set" ? shell.withEnv("", command) : shell.withExec("", command);
}

async function firstKeyEnded(label: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const first = bench.proxy.keysOf(label)[0];
    if (first !== undefined && bench.proxy.endOf(first) < Date.now()) return;
    if (Date.now() > deadline) throw new Error(`${label} has not signed a call within a minute`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe("one client process while keys come and end", () => {
  it.each(CASES)("$name, home $kind: goes on without an error", (each) => {
    const outcome = outcomes.get(labelOf(each))!;
    const isEnvInKeysHome = each.client === AWS_CLI;
    expect(outcome).toEqual(isEnvInKeysHome ? successByEnv(each.kind) : SUCCESS);
    const label = labelOf(each);
    const calls = bench.proxy.callsOf(label);
    expect(bench.proxy.keysOf(label).length).toBeGreaterThanOrEqual(2);
    const [first = ""] = bench.proxy.keysOf(label);
    expect(calls.at(-1)!.at).toBeGreaterThan(bench.proxy.endOf(first));
    // 404: the CLI waits for a user who does not exist yet.
    expect(calls.filter(({ status }) => status !== 200 && status !== 404)).toEqual([]);
    expect(calls.length).toBeGreaterThan(SESSION_SECONDS / 2);
  });

  it.each([BOTO3, JAVASCRIPT])("$name is the same role all the time", (client) => {
    const arns = CASES.filter((each) => each.client === client).flatMap((each) => arnsIn(outcomes.get(labelOf(each))!));
    expect([...new Set(arns)]).toEqual([DEV.arn]);
  });

  it("costs AWS one AssumeRole for each key, and each comes before the last has ended", () => {
    const assumed = bench.proxy.callsOf("broker").filter(({ action }) => action === "AssumeRole");
    const gaps = assumed.slice(1).map(({ at }, index) => (at - assumed[index]!.at) / 1000);
    expect(gaps.length).toBeGreaterThanOrEqual(1);
    // Due at 60 % of the life; from 82 % on nothing is advertised, and clients would have to wait.
    for (const gap of gaps) {
      expect(gap).toBeGreaterThan(0.4 * SESSION_SECONDS);
      expect(gap).toBeLessThan(0.8 * SESSION_SECONDS);
    }
  });
});
