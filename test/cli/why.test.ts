import { spawn } from "node:child_process";
import { once } from "node:events";
import { beforeEach, describe, expect, it } from "vitest";
import type { LastRefusal } from "../../src/core/audit-views.js";
import { NOW, TOKEN } from "../fakes/fake-control.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";

let fixture: CliFixture;
beforeEach(async () => {
  fixture = await cliFixture();
});

const REFUSAL: LastRefusal = {
  ...{ code: "LoginRequired", message: "source corp needs a login", hint: "brokerctl login corp", at: NOW - 60_000 },
  ...{ lease: "lease-7", leaseName: "ide", role: "dev", servedSince: null },
  ...{ pid: 4711, program: "node (node)", cwd: "/home/me/orders" },
};
const variables = (token: string): Record<string, string> => ({
  AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://127.0.0.1:9171/creds",
  AWS_CONTAINER_AUTHORIZATION_TOKEN: token,
});

describe("brokerctl why", () => {
  it("tells code, message, when, program, lease, and the command that fixes it", async () => {
    fixture.control.lastRefusal = REFUSAL;
    const { code, stdout, stderr } = await fixture.run(["why"]);
    expect([code, stderr]).toEqual([0, expect.stringContaining("brokerctl login corp")]);
    expect(stdout).toContain("LoginRequired: source corp needs a login\n");
    expect(stdout).toContain("program  node (node), pid 4711, in /home/me/orders\n");
    expect(stdout).toContain("lease    ide, role dev\n");
    expect(stdout).toMatch(/when {5}1\d+ s ago|when {5}\d+ s ago|when {5}1 min ago/);
  });

  it("asks for the lease in this shell's variables, else for the default one", async () => {
    expect(await fixture.run(["why"])).toMatchObject({ code: 0, stdout: "nothing was refused to the default lease\n" });
    const own = await fixture.run(["why"], { env: variables(TOKEN) });
    expect(own).toMatchObject({ code: 0, stdout: "nothing was refused to this shell's lease\n" });
    expect(fixture.control.requests("why")).toEqual([
      { lease: { by: "default" } },
      { lease: { by: "token", token: TOKEN } },
    ]);
  });

  it.runIf(process.platform === "linux")(
    "asks for a process, and for the lease in its variables while it runs",
    async () => {
      const child = spawn(process.execPath, ["-e", "console.log(1);setInterval(() => {}, 1000)"], {
        env: variables(TOKEN),
      });
      await once(child.stdout, "data");
      const { pid = 0 } = child;
      expect(await fixture.run(["why", String(pid)])).toMatchObject({
        stdout: `nothing was refused to process ${pid}\n`,
      });
      child.kill("SIGKILL");
      await once(child, "exit");
      await fixture.run(["why", String(pid)]);
      expect(fixture.control.requests("why")).toEqual([{ lease: { by: "token", token: TOKEN }, pid }, { pid }]);
    },
  );

  it("says that the lease of this shell has ended, and how to get one", async () => {
    const { code, stdout, stderr } = await fixture.run(["why"], { env: variables(`brk_${"e".repeat(43)}`) });
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^LeaseEnded: /)]);
    expect(stderr).toContain('eval "$(brokerctl env)"');
  });

  it("says that credentials were served since, and then gives no command", async () => {
    fixture.control.lastRefusal = { ...REFUSAL, servedSince: NOW - 30_000 };
    const { stdout, stderr } = await fixture.run(["why"]);
    expect([stdout, stderr]).toEqual([expect.stringContaining("served again"), ""]);
  });

  it("prints the same as JSON, and null where there is nothing", async () => {
    expect((await fixture.run(["why", "--json"])).json).toEqual({ refusal: null, lease_problem: null });
    fixture.control.lastRefusal = REFUSAL;
    expect((await fixture.run(["why", "4711", "--json"])).json).toMatchObject({
      refusal: {
        code: "LoginRequired",
        hint: "brokerctl login corp",
        pid: 4711,
        lease_name: "ide",
        at: "2025-12-31T23:59:00Z",
      },
    });
  });

  it.each(["0", "x", "-1", "99999999"])("refuses %s in the place of a process", async (text) => {
    expect(await fixture.run(["why", "--", text].filter((word) => word !== "--"))).toMatchObject({ code: 2 });
  });
});
