import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prepareMotoVenv } from "../../scripts/moto-venv.js";
import { canaryPassphrase, canarySecretKey } from "../support/canaries.js";
import { runFreshUser } from "../support/fresh-user.js";
import { pack } from "../support/packed.js";
import { startUpstream, type Upstream } from "../support/upstream.js";

const ROLE_ARN = "arn:aws:iam::222222222222:role/dev";
const VENV_LIMIT_MS = 600_000;

let upstream: Upstream;
let tarball: string;

beforeAll(async () => {
  prepareMotoVenv();
  upstream = await startUpstream({ sessionSeconds: 3600 });
  tarball = pack();
}, VENV_LIMIT_MS);

afterAll(() => upstream.stop());

describe("a fresh user on a machine without a keychain", () => {
  it.each(["passphrase", "key_file"])(
    "installs, asks AWS who they are by the AWS CLI, and leaves the home as it was: %s",
    { timeout: 300_000 },
    async (store) => {
      const { code, stdout, stderr, home } = await runFreshUser({
        tarball,
        args: [store, "AKIAFRESHUSER0000000", ROLE_ARN],
        env: { AWS_ENDPOINT_URL: upstream.proxy.url(store) },
        input: `${canarySecretKey("fresh")}\n${canaryPassphrase("fresh")}\n`,
      });
      console.log(stdout);
      expect([code, stderr.match(/^fresh-user: .*$/gm)], stderr).toEqual([0, null]);
      const asked = upstream.proxy.calls.filter(({ label }) => label === store).map(({ action }) => action);
      expect(asked.filter((action) => action === "AssumeRole")).toHaveLength(1);
      expect(asked.filter((action) => action === "GetCallerIdentity").length).toBeGreaterThanOrEqual(3);
      expect(readdirSync(home).sort()).toEqual([".bashrc", ".local", ".npm"]);
      expect(readFileSync(join(home, ".bashrc"), "utf8")).toBe("# a start file of my own\n");
    },
  );
});
