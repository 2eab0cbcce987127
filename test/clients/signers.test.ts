import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bench, DEV, PROD, startBench } from "./bench.js";
import { COMPETING_HOMES, competingHome } from "./homes.js";
import { SIGNERS } from "./signers.js";

const CASES = SIGNERS.flatMap((signer) => COMPETING_HOMES.map((home) => ({ signer, home })));

let bench: Bench;
beforeAll(async () => {
  bench = await startBench({ sessionSeconds: 3600 });
  expect(await bench.broker.ctl(["use", DEV.name])).toMatchObject({ code: 0 });
});
afterAll(async () => bench.stop());

/** The role whose key signed each call. */
function rolesOf(label: string): readonly (string | undefined)[] {
  return bench.proxy.keysOf(label).map((key) => bench.proxy.roleOf(key));
}

describe("the signer of a call, as AWS sees it", () => {
  it.concurrent.each(CASES)(
    "$signer.name, [default] with $home.name: is the broker's role",
    async ({ signer, home }) => {
      const directory = competingHome(home);
      const labels = { env: `env/${signer.name}/${home.name}`, exec: `exec/${signer.name}/${home.name}` };
      const shell = (label: string) => bench.shell({ kind: "empty", directory, env: { HOME: directory } }, label);
      const byEnv = await shell(labels.env).withEnv("", signer.command);
      const byExec = await shell(labels.exec).withExec(PROD.name, signer.command);
      expect([rolesOf(labels.env), byEnv.stdout + byEnv.stderr]).toEqual([[DEV.roleArn], expect.any(String)]);
      expect([rolesOf(labels.exec), byExec.stdout + byExec.stderr]).toEqual([[PROD.roleArn], expect.any(String)]);
    },
  );
});
