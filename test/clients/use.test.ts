import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLIENTS } from "./aws-clients.js";
import { type Bench, CASES, type ClientCase, DEV, PROD, startBench, type UserShell } from "./bench.js";
import { arnsIn, SUCCESS } from "./outcomes.js";

/** What `env` printed once, kept as a shell keeps it: all that comes later happens with these variables. */
const KEEP_VARIABLES = "brokerctl env > variables";
const WITH_KEPT_VARIABLES = '. ./variables && exec "$@"';

let bench: Bench;
const shells = new Map<string, UserShell>();
const labelOf = ({ client, kind }: ClientCase): string => `${client.name}/${kind}`;

beforeAll(async () => {
  bench = await startBench({ sessionSeconds: 3600 });
  await bench.broker.ctl(["use", DEV.name]);
  for (const each of CASES) {
    const shell = bench.shell(each.kind, labelOf(each));
    expect(await shell.script(KEEP_VARIABLES)).toMatchObject({ code: 0 });
    shells.set(labelOf(each), shell);
  }
});
afterAll(async () => bench.stop());

describe.each([DEV, PROD, DEV])("after `brokerctl use $name`", (role) => {
  beforeAll(async () => {
    expect(await bench.broker.ctl(["use", role.name])).toMatchObject({ code: 0 });
  });

  it.concurrent.each(CASES)("$name, home $kind: a new process has that role by the same variables", async (each) => {
    const outcome = await shells.get(labelOf(each))!.script(WITH_KEPT_VARIABLES, each.client.identity);
    expect(outcome).toEqual(SUCCESS);
    expect(arnsIn(outcome)).toEqual([role.arn]);
  });
});

describe("`use` inside a shell of `exec`", () => {
  it.concurrent.each(CLIENTS)("$name: moves that shell's lease, and the default lease stays", async (client) => {
    const shell = bench.shell("[default] with keys", `inside/${client.name}`);
    const script = `"$@" && brokerctl use ${PROD.name} >&2 && "$@"`;
    const outcome = await shell.withExec("", ["/bin/sh", "-c", script, "sh", ...client.identity]);
    expect(outcome.code).toBe(0);
    expect(arnsIn(outcome)).toEqual([DEV.arn, PROD.arn]);
    const outside = await shell.withEnv("", client.identity);
    expect(arnsIn(outside)).toEqual([DEV.arn]);
  });
});
