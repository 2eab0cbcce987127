import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AWS_CLI } from "./aws-clients.js";
import { type Bench, CASES, type ClientCase, DEV, PROD, startBench } from "./bench.js";
import { arnsIn, SUCCESS } from "./outcomes.js";

/** Both processes of a case are up for this long, so that they do ask at the same time. */
const WATCH_SECONDS = 2;

let bench: Bench;
beforeAll(async () => {
  bench = await startBench({ sessionSeconds: 3600 });
});
afterAll(async () => bench.stop());

describe("two roles at once", () => {
  it.concurrent.each(CASES)("$name, home $kind: each process keeps to its own", async (each) => {
    const shell = bench.shell(each.kind, `${each.client.name}/${each.kind}`);
    const command = watching(each);
    const [dev, prod] = await Promise.all([
      shell.withExec(DEV.name, command),
      shell.script(`eval "$(brokerctl env ${PROD.name} 2>/dev/null)" && exec "$@"`, command),
    ]);
    expect(dev).toEqual(SUCCESS);
    expect(prod).toEqual(SUCCESS);
    expect([...new Set(arnsIn(dev))]).toEqual([DEV.arn]);
    expect([...new Set(arnsIn(prod))]).toEqual([PROD.arn]);
  });

  it("leaves no lease of `exec` behind", async () => {
    const { leases } = await bench.broker.call("lease-list", {});
    expect(leases.filter(({ kind }) => kind === "child")).toEqual([]);
  });
});

/** The AWS CLI asks once for each process: three, one after the other. */
function watching({ client }: ClientCase): readonly string[] {
  if (client !== AWS_CLI) return [...client.identity, String(WATCH_SECONDS)];
  return ["/bin/sh", "-c", '"$@" && "$@" && "$@"', "sh", ...client.identity];
}
