import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { freePort, type Outcome } from "../support/broker.js";
import { get } from "../support/in-process-broker.js";
import { missing, UserSession } from "./user-session.js";

const COPY = ".local/state/credbroker/program/node";
const ROOT_COPY = "/usr/lib/credbroker/node";

interface DaemonStatus {
  readonly pid: number;
  readonly state: string;
  readonly memory: { readonly on: boolean; readonly why: string | null };
}

let session: UserSession;
let port: number;

beforeAll(() => expect(missing()).toEqual([]));
afterEach(() => session.stop());

async function begin(options: { namespaces: boolean; store?: string }): Promise<void> {
  session = await UserSession.start(options);
  port = await freePort();
  if (options.store === "keychain") await openKeyring();
  await done(session.ctl(["init", "--secret-store", options.store ?? "key_file", "--yes", "--port", String(port)]));
}

/** As after a login: unlocked, on the session's bus. */
async function openKeyring(): Promise<void> {
  const start = "printf pw | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null 2>&1";
  await done(session.run(["sh", "-c", start], { env: { DBUS_SESSION_BUS_ADDRESS: busAddress() } }));
}

const busAddress = (): string => `unix:path=${session.env["XDG_RUNTIME_DIR"] ?? ""}/bus`;

async function done(outcome: Promise<Outcome>): Promise<Outcome> {
  const ended = await outcome;
  expect(ended.code, ended.stderr + session.log().slice(-2000)).toBe(0);
  return ended;
}

async function daemon(): Promise<DaemonStatus> {
  return (JSON.parse((await done(session.ctl(["status", "--json"]))).stdout) as { daemon: DaemonStatus }).daemon;
}

/** Which of brokerd's files another program of the same user can read: `environ`, `mem`, `maps`, `fd`. */
async function readable(pid: number): Promise<readonly string[]> {
  const script = `
    for file in environ maps; do head -c 1 /proc/${pid}/$file >/dev/null 2>&1 && echo $file; done
    exec 3</proc/${pid}/mem && echo mem
    readlink /proc/${pid}/fd/0 >/dev/null && echo fd`;
  return (await session.run(["sh", "-c", script])).stdout.trim().split("\n").filter(Boolean).sort();
}

describe("brokerd's memory, to another program of its user", { timeout: 180_000 }, () => {
  it("is open without a service, closed by a copy of Node where there is no drop-in, and the keychain opens", async () => {
    await begin({ namespaces: false, store: "keychain" });
    const detached = await daemon();
    expect(await readable(detached.pid)).toEqual(["environ", "fd", "maps", "mem"]);
    expect(detached.memory).toEqual({ on: false, why: "programs of your user can read it" });

    const { stderr } = await done(session.ctl(["service", "install"]));

    expect(stderr).toContain("programs of yours cannot read brokerd's memory");
    const { pid, state, memory } = await daemon();
    expect(await readable(pid)).toEqual([]);
    expect([state, memory]).toEqual(["ready", { on: true, why: null }]);
    expect((await done(session.ctl(["service", "status"]))).stdout).toMatch(/memory +closed to other programs/);
    expect((await get(`http://127.0.0.1:${port}/healthz`)).status).toBe(204);
    await done(session.ctl(["lock"]));
    await done(session.ctl(["unlock"]));
    expect((await daemon()).state).toBe("ready");
  });

  it("stays closed when Node was upgraded in place: the copy is older, said so, and made anew by a restart", async () => {
    await begin({ namespaces: false });
    await done(session.ctl(["service", "install"]));
    const copy = join(session.home, COPY);
    const before = statSync(copy).ino;
    await done(session.asRoot(["sh", "-ec", "cp /mnt/bin/node /run/node; mount --bind /run/node /mnt/bin/node"]));
    expect((await done(session.ctl(["service", "status"]))).stderr).toMatch(/out of date.*hint: brokerctl restart/s);

    await done(session.ctl(["restart"]));

    expect(statSync(copy).ino).not.toBe(before);
    expect((await done(session.ctl(["service", "status"]))).stderr).not.toContain("out of date");
    expect(await readable((await daemon()).pid)).toEqual([]);
    await done(session.ctl(["service", "uninstall"]));
    expect(existsSync(join(copy, ".."))).toBe(false);
  });

  it("is open under the drop-in, which status says, and closed there by a Node of root's", async () => {
    await begin({ namespaces: true });
    const { stderr } = await done(session.ctl(["service", "install"]));
    expect(stderr).toContain(`only a Node of root's helps: sudo install -D -m 0111`);
    const open = await daemon();
    expect(await readable(open.pid)).toContain("environ");
    expect(open.memory).toMatchObject({ on: false, why: expect.stringContaining("user namespace") as string });

    await rootsNode();
    await done(session.ctl(["service", "install"]));

    const closed = await daemon();
    expect((await done(session.ctl(["service", "status"]))).stdout).toMatch(/namespaces +yes\nmemory +closed/);
    expect(await readable(closed.pid)).toEqual([]);
    expect([closed.state, closed.memory.on]).toEqual(["ready", true]);
  });
});

/** In the session's own view of /usr/lib: nothing of it stays on this machine. */
async function rootsNode(): Promise<void> {
  const script = `
    mkdir -p /run/usr-lib /run/usr-lib-work
    mount -t overlay overlay -o lowerdir=/usr/lib,upperdir=/run/usr-lib,workdir=/run/usr-lib-work /usr/lib
    install -D -m 0111 /mnt/bin/node ${ROOT_COPY}`;
  await done(session.asRoot(["sh", "-ec", script]));
}
