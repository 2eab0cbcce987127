import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { tempDir } from "../support/temp-dir.js";

/** What a notification server was asked to show. */
export interface ReceivedNotice {
  readonly app: string;
  readonly icon: string;
  readonly title: string;
  /** Markup: `&lt;` stands for a `<`. */
  readonly body: string;
  readonly actions: readonly string[];
}

/** A session bus of its own, found by XDG_RUNTIME_DIR alone, as that of a login; with or without a notification server on it. */
export class DesktopSession {
  readonly received: ReceivedNotice[] = [];
  readonly environment: Readonly<Record<string, string>>;
  readonly #bus: ChildProcess;
  #server: ChildProcess | undefined;

  private constructor(bus: ChildProcess, environment: Readonly<Record<string, string>>) {
    this.#bus = bus;
    this.environment = environment;
  }

  static async start(): Promise<DesktopSession> {
    const root = tempDir("desktop");
    const runtime = join(root, "run");
    mkdirSync(runtime, { mode: 0o700 });
    const config = join(root, "bus.conf");
    writeFileSync(config, busConfig(join(runtime, "bus")));
    const environment = { PATH: "/usr/bin:/bin", HOME: root, XDG_RUNTIME_DIR: runtime };
    // The bus ends when its stdin does, also where this process is killed.
    const bus = spawn("dbus-run-session", [`--config-file=${config}`, "--", "sh", "-c", "echo ready; exec cat"], {
      env: environment,
      stdio: ["pipe", "pipe", "ignore"],
    });
    await once(bus.stdout, "data");
    return new DesktopSession(bus, environment);
  }

  async startServer(): Promise<void> {
    const program = resolve("test/desktop/programs/notification_server.py");
    // Debian's, for which python3-dbus is installed, whatever comes first in PATH.
    const server = spawn("/usr/bin/python3", [program], {
      env: {
        ...this.environment,
        DBUS_SESSION_BUS_ADDRESS: `unix:path=${this.environment["XDG_RUNTIME_DIR"] ?? ""}/bus`,
      },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#server = server;
    const lines = createInterface(server.stdout);
    await once(lines, "line");
    lines.on("line", (line) => this.received.push(JSON.parse(line) as ReceivedNotice));
  }

  async stop(): Promise<void> {
    for (const child of [this.#server, this.#bus]) {
      if (child?.exitCode !== null) continue;
      const ended = once(child, "exit");
      child.stdin?.end();
      await ended;
    }
  }
}

/** It can start no server by itself: what is there was started by the test. */
function busConfig(socket: string): string {
  return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${socket}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`;
}
