import { existsSync, lstatSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { freePort, type Outcome } from "../support/broker.js";
import { get, ROLES_YAML } from "../support/in-process-broker.js";
import { UserSession } from "./user-session.js";

/** What a machine may be like, each in a `systemd --user` of its own. */
const CONFIG = ".config/credbroker/config.yaml";
const UNITS = ".config/systemd/user";
const SERVICE = `${UNITS}/brokerd.service`;
const DROP_IN = `${UNITS}/brokerd.service.d/credbroker-confined.conf`;
/** A restart storm would have some ten starts in it, on a fast machine fifty. */
const STORM_MS = 12_000;

let session: UserSession;
let port: number;

afterEach(() => session.stop());

async function begin(options: { namespaces?: boolean } = {}): Promise<void> {
  session = await UserSession.start(options);
  port = await freePort();
  await done(session.ctl(["init", "--secret-store", "key_file", "--yes", "--port", String(port)]));
}

const home = (path: string): string => join(session.home, path);

async function done(outcome: Promise<Outcome>): Promise<Outcome> {
  const ended = await outcome;
  expect({ ...ended, stdout: "", stderr: ended.code === 0 ? "" : ended.stderr + session.log().slice(-2000) }).toEqual({
    code: 0,
    signal: null,
    stdout: "",
    stderr: "",
  });
  return ended;
}

const daemon = async (): Promise<{ pid: number; state: string; warnings: readonly string[] }> =>
  (JSON.parse((await done(session.ctl(["status", "--json"]))).stdout) as { daemon: never }).daemon;
const files = async (): Promise<string> =>
  (await session.run(["sh", "-c", "cd; find . -path './.config/systemd*'; find . -name 'service.env'"])).stdout;

describe("where users cannot make namespaces", { timeout: 120_000 }, () => {
  it("the service runs without the drop-in, and install says so", async () => {
    await begin({ namespaces: false });
    const { stderr } = await done(session.ctl(["service", "install"]));
    expect(stderr).toContain("without the namespaces of the drop-in: this system does not let users make namespaces");
    expect(existsSync(home(DROP_IN))).toBe(false);
    expect((await done(session.ctl(["service", "status"]))).stdout).toMatch(/namespaces\s+no/);
    expect((await get(`http://127.0.0.1:${port}/healthz`)).status).toBe(204);
  });
});

describe("under the drop-in", { timeout: 120_000 }, () => {
  it("every command that changes the config does so, through a link into another directory too", async () => {
    await begin();
    await done(session.ctl(["service", "install"]));
    expect(existsSync(home(DROP_IN))).toBe(true);
    await done(session.run(["sh", "-c", `mkdir ~/dotfiles && mv ~/${CONFIG} ~/dotfiles/broker.yaml`]));
    await done(session.run(["sh", "-c", `ln -s ../../dotfiles/broker.yaml ~/${CONFIG}`]));

    await done(session.ctl(["source", "add", "ops", "--type", "keys"]));
    await done(
      session.ctl(["role", "add", "audit", "--source", "ops", "--role-arn", "arn:aws:iam::111111111111:role/a"]),
    );
    await done(session.ctl(["config", "edit"], { env: { EDITOR: "sed -i s/audit:/looks:/" } }));

    expect(lstatSync(home(CONFIG)).isSymbolicLink()).toBe(true);
    expect(readFileSync(home("dotfiles/broker.yaml"), "utf8")).toContain("looks:");
    expect((await done(session.ctl(["roles"]))).stdout).toContain("looks");
    expect(session.log()).not.toMatch(/EROFS|EACCES|EPERM/);
  });

  it("a program that the config runs from now on is warned of until install has been run again", async () => {
    await begin();
    await done(session.ctl(["service", "install"]));
    expect((await daemon()).warnings.join()).not.toContain("service install");
    const added = await done(
      session.ctl(["source", "add", "legacy", "--type", "process", "--credential-process", "/bin/true"]),
    );
    expect(added.stderr).toContain("source legacy");
    expect((await daemon()).warnings.join()).toContain("brokerctl service install");
    await done(session.ctl(["service", "install"]));
    expect(existsSync(home(DROP_IN))).toBe(false);
    expect((await daemon()).warnings.join()).not.toContain("service install");
  });
});

describe("a shell outside any session", { timeout: 120_000 }, () => {
  it("finds the user manager without XDG_RUNTIME_DIR", async () => {
    await begin();
    const without = ["XDG_RUNTIME_DIR"];
    await done(session.ctl(["service", "install"], { without }));
    expect((await done(session.ctl(["service", "status"], { without }))).stdout).toMatch(/systemd\s+runs brokerd/);
    await done(session.ctl(["stop"], { without }));
    await done(session.ctl(["roles"], { without }));
    expect(await session.property("brokerd.service", "MainPID")).toBe(String((await daemon()).pid));
  });
});

describe("what install finds and leaves", { timeout: 120_000 }, () => {
  it("a foreign unit by our name is named, and nothing is touched", async () => {
    await begin();
    session.write(SERVICE, "[Service]\nExecStart=/bin/true\n");
    const before = await files();
    for (const verb of ["install", "uninstall"]) {
      const { code, stderr } = await session.ctl(["service", verb]);
      expect([code, stderr]).toEqual([1, expect.stringContaining("brokerd.service is there and was not written by")]);
    }
    expect(readFileSync(home(SERVICE), "utf8")).toBe("[Service]\nExecStart=/bin/true\n");
    expect(await files()).toBe(before);
    expect((await done(session.ctl(["service", "status"]))).stdout).toContain("left alone");
    expect((await daemon()).state).toBe("ready");
  });

  it("uninstall leaves no file, link, directory or failed unit that install brought", async () => {
    await begin();
    session.write(`${UNITS}/other.service`, "[Service]\nExecStart=/bin/true\n");
    const before = await files();
    const { stderr } = await done(session.ctl(["service", "install"]));
    expect(stderr).toContain("loginctl enable-linger");
    expect((await files()).split("\n").length).toBeGreaterThan(before.split("\n").length + 6);
    await done(session.systemctl("kill", "--signal=KILL", "brokerd.service"));
    await done(session.ctl(["service", "uninstall"]));
    expect(await files()).toBe(before);
    const known = await session.systemctl("list-units", "--all", "--plain", "--no-legend", "brokerd*");
    expect(known.stdout).toBe("");
    await done(session.ctl(["service", "uninstall"]));
  });
});

describe("a brokerd that cannot start", { timeout: 120_000 }, () => {
  it("is tried every few seconds, not again and again; the port stays held, and serves once it is fixed", async () => {
    await begin();
    await done(session.ctl(["service", "install"]));
    await done(session.run(["sh", "-c", "chmod 755 ~/.local/state/credbroker"]));
    // May be cut by the kill, or wait for the fix.
    const asked = get(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
    await done(session.systemctl("kill", "--signal=KILL", "brokerd.service"));
    const before = Number(await session.property("brokerd.service", "NRestarts"));
    await new Promise((resolve) => setTimeout(resolve, STORM_MS));
    const starts = Number(await session.property("brokerd.service", "NRestarts")) - before;
    process.stdout.write(`a brokerd that cannot start: ${starts} starts in ${STORM_MS / 1000} s\n`);
    expect(starts).toBeLessThanOrEqual(4);
    expect(await session.property("brokerd.socket", "ActiveState")).toBe("active");
    await done(session.run(["sh", "-c", "chmod 700 ~/.local/state/credbroker"]));
    await asked;
    expect((await get(`http://127.0.0.1:${port}/healthz`)).status).toBe(204);
  });

  it("with a config that is broken stays up, degraded, without one restart", async () => {
    await begin();
    await done(session.ctl(["service", "install"]));
    await done(session.systemctl("stop", "brokerd.service"));
    session.write(CONFIG, "version: 1\nendpoint: {");
    expect((await get(`http://127.0.0.1:${port}/healthz`)).status).toBe(204);
    const { pid, state } = await daemon();
    expect(state).toBe("degraded");
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(await session.property("brokerd.service", "NRestarts")).toBe("0");
    session.write(CONFIG, `version: 1\nsecret_store: key_file\nendpoint: { port: ${port} }\n${ROLES_YAML}`);
    await expect.poll(async () => (await daemon()).state, { timeout: 40_000, interval: 1000 }).toBe("ready");
    expect((await daemon()).pid).toBe(pid);
  });
});

describe("a port that another program has when the user logs in", { timeout: 120_000 }, () => {
  it("is handed to no new shell, nothing but brokerctl starts brokerd, and what was heard there is good no more", async () => {
    await begin();
    await done(session.ctl(["service", "install"]));
    await done(session.ctl(["hook", "bash", "--install-line"]));
    const newShell = ". ~/.local/state/credbroker/shell/hook.bash; echo $AWS_CONTAINER_CREDENTIALS_FULL_URI";
    const urlOfNewShell = async (): Promise<string> =>
      (await done(session.run(["bash", "-c", newShell]))).stdout.trim();
    const before = await urlOfNewShell();
    expect(before).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:${port}/lease/brk_`));
    await done(session.ctl(["stop"]));
    const squatter = createServer();
    await new Promise<void>((listening) => squatter.listen(port, "127.0.0.1", listening));

    // As sockets.target does it.
    const sockets = ["brokerd.socket", "brokerd-ipv6.socket", "brokerd-control.socket"];
    expect((await session.systemctl("start", ...sockets)).code).toBe(1);
    const states = await Promise.all(sockets.map((socket) => session.property(socket, "ActiveState")));
    expect(states).toEqual(["failed", "inactive", "inactive"]);
    expect(await urlOfNewShell()).toBe("");

    await new Promise((closed) => squatter.close(closed));
    await done(session.ctl(["env"]));
    expect(await urlOfNewShell()).toMatch(/\/lease\/brk_/);
    expect((await get(before)).body).toMatchObject({ Code: "LeaseEnded" });
  });
});
