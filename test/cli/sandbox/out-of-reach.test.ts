import { expect, it } from "vitest";
import { cliFixture } from "../../support/cli-fixture.js";

it("a command in a sandbox of ours says that brokerd is out of reach, and starts none", async () => {
  const { run } = await cliFixture({ listening: false });
  for (const argv of [["status"], ["use", "dev"], ["exec", "dev", "--", "true"]]) {
    const { stderr } = await run(argv, { env: { CREDBROKER_CONFINED: "bwrap", CREDBROKER_NO_AUTOSTART: "1" } });
    expect(stderr).toContain("brokerd is out of reach for what `exec --confine` runs");
  }
});
