import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Outcome } from "../support/broker.js";
import { runToEnd } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";
import { inVenv } from "../support/venv.js";
import { AWS_CLI, BOTO3, JAVASCRIPT } from "./aws-clients.js";
import { type Bench, DEV, PROD, startBench, type TestRole } from "./bench.js";
import { AwsFromInside, NAMESPACES, type Namespace } from "./namespaces.js";
import { arnsIn } from "./outcomes.js";

const SESSION_SECONDS = 20;
/** Past the end of the second key that a client can have got. */
const WATCH_SECONDS = 2 * SESSION_SECONDS + 6;
/** For all of it, on a machine that does other things as well. */
const LIMIT_SECONDS = 170;

interface Client {
  readonly client: string;
  /** Asks once, or for so many seconds in one process; the AWS CLI, which asks once, is started again and again. */
  readonly ask: (seconds: number) => readonly string[];
}

const CLIENTS: readonly Client[] = [
  { client: AWS_CLI.name, ask: (seconds) => repeated([inVenv("aws"), "sts", "get-caller-identity"], seconds) },
  { client: BOTO3.name, ask: (seconds) => [...BOTO3.identity, String(seconds)] },
  { client: JAVASCRIPT.name, ask: (seconds) => [...JAVASCRIPT.identity, String(seconds)] },
  { client: "Go SDK v2", ask: (seconds) => [resolve(".aws-clients/go/identity"), String(seconds)] },
];

function repeated(command: readonly string[], seconds: number): readonly string[] {
  const script = `end=$(($(date +%s) + ${seconds})); until "$@" || exit; [ "$(date +%s)" -ge $end ]; do :; done`;
  return ["sh", "-c", script, "sh", ...command];
}

const EVERY_NAMESPACE = Object.keys(NAMESPACES) as readonly Namespace[];
const CASES = EVERY_NAMESPACE.flatMap((namespace) => CLIENTS.map(({ client }) => ({ namespace, client })));

let bench: Bench;
const opened: AwsFromInside[] = [];
beforeAll(async () => {
  bench = await startBench({ sessionSeconds: SESSION_SECONDS, sessionSecondsOf: { [PROD.roleArn]: 3600 } });
});
afterAll(async () => {
  for (const aws of opened) aws.close();
  await bench.stop();
});

interface Inside {
  readonly namespace: Namespace;
  /** Under which its calls to AWS are found. */
  readonly label: string;
  readonly role: TestRole;
  /** Run in the namespace, with `forward` as brokerctl's users start it. */
  readonly script: string;
}

/** `exec --socket` outside, `forward` inside, in the home of a user with keys of their own. */
async function inNamespace({ namespace, label, role, script }: Inside, command: readonly string[]): Promise<Outcome> {
  const shell = bench.shell("[default] with keys", label);
  const aws = await AwsFromInside.open(bench.proxy.url(label));
  opened.push(aws);
  const enter = [...NAMESPACES[namespace], "sh", "-c", aws.script(script), "sh", ...command];
  const outside = ["/bin/sh", "-c", 'exec brokerctl exec "$@"', "sh", role.name, "--socket", "--", ...enter];
  return runToEnd(outside, { env: shell.env, cwd: shell.home.directory, seconds: LIMIT_SECONDS });
}

/** A busy machine has SDKs warn that they wait; what is an error ends them. */
const DONE = { code: 0, signal: null };

describe("a client in a network namespace of its own, through forward", () => {
  const outcomes = new Map<string, Outcome>();
  const labelOf = ({ namespace, client }: (typeof CASES)[number]): string => `${client} in ${namespace}`;

  beforeAll(
    async () => {
      for (const namespace of EVERY_NAMESPACE) {
        const watched = CLIENTS.map(async ({ client, ask }) => {
          const label = labelOf({ namespace, client });
          const inside = { namespace, label, role: DEV, script: 'brokerctl forward -- "$@"' };
          outcomes.set(label, await inNamespace(inside, ask(WATCH_SECONDS)));
        });
        await Promise.all(watched);
      }
    },
    2 * LIMIT_SECONDS * 1000,
  );

  it.each(CASES)("$client in $namespace: goes on without an error over two ends of its keys", (each) => {
    const outcome = outcomes.get(labelOf(each))!;
    expect(outcome, outcome.stderr).toMatchObject(DONE);
    expect([...new Set(arnsIn(outcome))]).toEqual([DEV.arn]);
    const calls = bench.proxy.callsOf(labelOf(each));
    expect(calls.filter(({ status }) => status !== 200)).toEqual([]);
    const keys = bench.proxy.keysOf(labelOf(each));
    expect(keys.length).toBeGreaterThanOrEqual(3);
    expect(calls.at(-1)!.at).toBeGreaterThan(bench.proxy.endOf(keys[1]!));
  });
});

describe("a forward that runs while brokerd is restarted", () => {
  const outcomes = new Map<string, Outcome>();
  const labelOf = (client: string): string => `${client}, restart`;
  const restarted = join(tempDir("restart"), "done");
  /** Once before and, when brokerd is there again, once after. */
  const TWICE = `"$@" && until [ -e '${restarted}' ]; do sleep 0.1; done && "$@"`;

  beforeAll(async () => {
    const each = CLIENTS.map(async ({ client, ask }) => {
      const script = `brokerctl forward -- sh -c '${TWICE.replaceAll("'", String.raw`'\''`)}' sh "$@"`;
      const inside = { namespace: "unshare -n", label: labelOf(client), role: PROD, script } as const;
      outcomes.set(client, await inNamespace(inside, ask(0)));
    });
    const isBefore = ({ client }: Client): boolean =>
      bench.proxy.callsOf(labelOf(client)).length === 0 && !outcomes.has(client);
    while (CLIENTS.some(isBefore)) await new Promise((resolve) => setTimeout(resolve, 100));
    await bench.broker.stop();
    await bench.broker.start();
    writeFileSync(restarted, "");
    await Promise.all(each);
  }, LIMIT_SECONDS * 1000);

  it.each(CLIENTS)("serves $client before and after", ({ client }) => {
    const outcome = outcomes.get(client)!;
    expect(outcome, outcome.stderr).toMatchObject(DONE);
    expect(arnsIn(outcome)).toEqual([PROD.arn, PROD.arn]);
  });
});
