import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Outcome } from "../support/broker.js";
import { DeployedFixture } from "./deployed-fixture.js";
import { ACCOUNT, FUNCTIONS, LANGUAGES, SERVICE_ROLE } from "./deployment.js";

const SESSION_SECONDS = 20;
/** Past the end of the first key that a function can have got. */
const WATCH_SECONDS = SESSION_SECONDS + 5;
const PROGRAMS = { node: ["node", "watch.mjs"], python: ["python3", "watch.py"] } as const;

/** What one process saw of itself: the keys with which its SDK signed only where the SDK lets a program look. */
interface Watched {
  readonly arns: readonly string[];
  readonly keys?: readonly string[];
}

interface Run {
  readonly what: string;
  /** Under which the proxy knows its calls. */
  readonly label: string;
  readonly functionName: string;
  readonly seesKeys: boolean;
  readonly run: () => Promise<Outcome>;
}

const INVOKED: readonly Run[] = LANGUAGES.map((language) => ({
  what: `invoke of a handler in ${language}`,
  label: language,
  functionName: FUNCTIONS[language].name,
  seesKeys: language in PROGRAMS,
  run: () => fixture.invoke(language, { do: "watch", seconds: WATCH_SECONDS }),
}));

const EXECUTED: readonly Run[] = (["node", "python"] as const).map((language) => {
  const [program, file] = PROGRAMS[language];
  const label = `exec-${language}`;
  const command = ["--", program, resolve("test/lambda-clients/programs", file), String(WATCH_SECONDS)];
  return {
    what: `exec of a program in ${language}`,
    label,
    functionName: FUNCTIONS[language].name,
    seesKeys: true,
    run: () => fixture.ctl(["lambda", "exec", FUNCTIONS[language].name, "--via", "dev", ...command], { label }),
  };
});

const RUNS = [...INVOKED, ...EXECUTED];

let fixture: DeployedFixture;
const outcomes = new Map<string, Outcome>();

/** All at once: each goes on asking AWS while keys come and end. */
beforeAll(async () => {
  fixture = await DeployedFixture.open({ sessionSeconds: SESSION_SECONDS });
  await Promise.all(RUNS.map(async ({ label, run }) => outcomes.set(label, await run())));
}, 180_000);
afterAll(async () => fixture.close());

describe.each(RUNS)("$what, longer than its credentials live", ({ label, functionName }) => {
  it("goes on as the same role", () => {
    const { code, stdout, stderr } = outcomes.get(label)!;

    expect({ code, stderr }).toMatchObject({ code: 0 });
    const { arns } = JSON.parse(stdout) as Watched;
    expect(arns).toEqual([`arn:aws:sts::${ACCOUNT}:assumed-role/${SERVICE_ROLE}/${functionName}`]);
  });

  it("signs with a second key when the first has ended, and no call is refused", () => {
    const calls = fixture.proxy.callsOf(label);

    const [first = "", ...others] = fixture.proxy.keysOf(label);
    expect(others.length).toBeGreaterThanOrEqual(1);
    expect(calls.at(-1)!.at).toBeGreaterThan(fixture.proxy.endOf(first));
    expect(calls.filter(({ status }) => status !== 200)).toEqual([]);
    expect(calls.length).toBeGreaterThan(WATCH_SECONDS);
  });
});

describe.each(RUNS.filter(({ seesKeys }) => seesKeys))("$what", ({ label }) => {
  it("has seen itself, in its one process, with which keys it signed", () => {
    const { keys = [] } = JSON.parse(outcomes.get(label)!.stdout) as Watched;

    expect(keys.length).toBeGreaterThanOrEqual(2);
    expect(keys).toEqual(fixture.proxy.keysOf(label));
  });
});
