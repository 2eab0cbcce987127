import { describe, expect, it } from "vitest";
import { nodeAge } from "../../../../src/cli/doctor/findings/machine.js";
import { type Reach, type ReadProc, sandbox as sandboxOf } from "../../../../src/cli/doctor/findings/sandbox.js";

const LEASE = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:9171/lease/brk_${"t".repeat(43)}` };
const HEADINGS = "Inter-|   Receive\n face |bytes\n";
const ALONE = { "/proc/net/dev": `${HEADINGS}    lo: 0 0\n` };
const ONLINE = { "/proc/net/dev": `${HEADINGS}    lo: 0 0\n  eth0: 1 1\n` };
const REACH: Reach = { isReached: true, mayNotConnect: false, isStateClosed: false };
const sandbox = (env: Readonly<Record<string, string>>, isReached: boolean, read: ReadProc) =>
  sandboxOf(env, { ...REACH, isReached }, read);
const reader = (files: Readonly<Record<string, string>>) => (path: string) => files[path];

describe("the place that a shell runs in", () => {
  it.each([
    ["Docker", {}, { "/.dockerenv": "" }],
    ["bubblewrap", {}, { "/proc/1/comm": "bwrap\n" }],
    ["WSL", {}, { "/proc/version": "Linux version 5.15 (Microsoft@x)" }],
    ["Claude Code's sandbox", { CLAUDECODE: "1", SANDBOX_RUNTIME: "1" }, {}],
    ["Codex's sandbox", { CODEX_SANDBOX: "seatbelt" }, {}],
    ["sandbox-runtime", { SANDBOX_RUNTIME: "1" }, {}],
    ["a dev container, Docker", { REMOTE_CONTAINERS: "true" }, { "/.dockerenv": "" }],
  ])("is told: %s", (name, env, files) => {
    const [finding] = sandbox(env, true, reader({ ...ONLINE, ...files }));
    expect(finding).toMatchObject({ id: "sandbox", severity: "note" });
    expect(finding?.message).toContain(name);
  });

  it("is nothing to speak of on a machine of one's own", () => {
    expect(sandbox({}, true, reader(ONLINE))).toEqual([]);
  });

  it("blocks where there is no network but its own loopback and brokerd does not answer", () => {
    expect(sandbox({}, false, reader(ALONE))[0]).toMatchObject({ id: "sandbox-blocks", severity: "error" });
    expect(sandbox({}, true, reader(ALONE))[0]?.id).toBe("sandbox");
  });

  it("blocks in a container where the shell has a lease that is not served", () => {
    const docker = reader({ ...ONLINE, "/.dockerenv": "" });
    expect([sandbox(LEASE, false, docker)[0]?.id, sandbox({}, false, docker)[0]?.id]).toEqual([
      "sandbox-blocks",
      "sandbox",
    ]);
  });

  it("is told with what it keeps away, and the setting that opens the endpoint", () => {
    const reach = { isReached: false, mayNotConnect: true, isStateClosed: true };
    const [, kept] = sandboxOf({ CODEX_SANDBOX_NETWORK_DISABLED: "1" }, reach, reader(ONLINE));
    expect(kept).toMatchObject({
      id: "sandbox-keeps-out",
      fix: "codex -c sandbox_workspace_write.network_access=true",
    });
    for (const part of ["control socket", "127.0.0.1", "state directory"]) expect(kept?.message).toContain(part);
    const claude = { CLAUDECODE: "1", SANDBOX_RUNTIME: "1" };
    expect(sandbox(claude, false, reader(ALONE))[0]?.fix).toContain("excludedCommands");
  });

  it("is told once, as it is meant, where it is our own", () => {
    const found = sandbox({ CREDBROKER_CONFINED: "bwrap" }, false, reader({ ...ONLINE, "/proc/1/comm": "bwrap\n" }));
    expect(found).toMatchObject([{ id: "sandbox-confined", severity: "note", fix: null }]);
  });

  it("may drop variables in Codex", () => {
    const found = sandbox({ CODEX_SANDBOX: "seatbelt" }, true, reader(ONLINE));
    expect(found.map(({ id }) => id)).toContain("sandbox-drops-variables");
  });
});

describe("the Node that runs brokerctl", () => {
  it.each([
    ["20.19.0", "2026-11-29", 1],
    ["22.12.0", "2026-11-29", 0],
    ["22.12.0", "2027-03-15", 1],
    ["99.0.0", "2026-11-29", 0],
  ])("%s on %s: is told to be old, or not", (node, day, count) => {
    expect(nodeAge(node, Date.parse(day)).length).toBe(count);
  });
});
