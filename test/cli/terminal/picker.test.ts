import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { widthOf } from "../../../src/cli/terminal/table.js";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";

const BROKERCTL = resolve("dist/brokerctl.js");
const hasTmux = spawnSync("tmux", ["-V"]).status === 0;
const LONG = "client-production-account/AdministratorAccessForEverything";

/** `brokerctl use` in a terminal of so many columns; what its screen shows can be read, and keys pressed. */
function picker(fixture: CliFixture, columns: number): { screen(): string; press(...keys: string[]): void } {
  const tmux = (...args: string[]): string => {
    const env = { PATH: process.env["PATH"] ?? "", LC_ALL: "C.UTF-8", TERM: "xterm", HOME: fixture.home };
    const { stdout, stderr, status } = spawnSync(
      "tmux",
      ["-u", "-f", "/dev/null", "-S", join(fixture.home, "tmux"), ...args],
      { env: { ...env, CREDBROKER_HOME: fixture.home }, encoding: "utf8" },
    );
    expect([status, stderr]).toEqual([0, ""]);
    return stdout;
  };
  // It stays for a while when brokerctl has ended, so that the last screen can be read.
  const command = `'${process.execPath}' '${BROKERCTL}' use; echo "ended $?"; sleep 60`;
  tmux("new-session", "-d", "-s", "picker", "-x", String(columns), "-y", "24", command);
  return {
    screen: () => tmux("capture-pane", "-p", "-t", "picker"),
    press: (...keys) => void tmux("send-keys", "-t", "picker", ...keys),
  };
}

describe.runIf(hasTmux || process.env["CI"]).each([60, 100, 200])("the list of `use` in %i columns", (columns) => {
  it("shows role, account, state and when it was last used, fits, and takes the one that is typed", async () => {
    const fixture = await cliFixture();
    const minutesAgo = Date.now() - 5 * 60_000 - 30_000;
    fixture.control.addSource("ops");
    fixture.control.addRole("dev", { state: "ready", accountId: "111111111111", lastRequestedAt: minutesAgo });
    fixture.control.addRole("prod", { state: "denied", accountId: "222222222222" }).addRole(LONG);
    const tmux = picker(fixture, columns);
    const screen = (): string => tmux.screen();
    const settles = { timeout: 60_000, interval: 100 };

    await vi.waitFor(() => expect(screen()).toContain("prod"), settles);
    const shown = screen();
    expect(shown).toMatch(/dev {2}111111111111.*\(ready, used 5 min ago\)/);
    expect(shown).toContain("prod  222222222222");
    expect(shown.replaceAll(/[^\w/-]/g, "")).toContain(LONG);
    expect(Math.max(...shown.split("\n").map(widthOf))).toBeLessThanOrEqual(columns);

    tmux.press("p", "r", "o", "d", "2");
    await vi.waitFor(() => expect(screen()).toContain("(denied)"), settles);
    tmux.press("Enter");
    await vi.waitFor(() => expect(screen()).toContain("ended 0"), settles);
    expect(fixture.control.leases.find(({ kind }) => kind === "default")?.role).toBe("prod");
    tmux.press("C-c");
  });
});
