import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";

/** An X server without a screen, on a display that it chooses itself. */
export class VirtualScreen {
  readonly display: string;
  readonly #server: ChildProcess;

  private constructor(server: ChildProcess, display: string) {
    this.#server = server;
    this.display = display;
  }

  static async start(): Promise<VirtualScreen> {
    const args = ["-displayfd", "3", "-screen", "0", "1024x768x24", "-nolisten", "tcp", "-ac"];
    const server = spawn("Xvfb", args, { stdio: ["ignore", "ignore", "ignore", "pipe"] });
    const [line] = (await once(server.stdio[3] as Readable, "data")) as [Buffer];
    return new VirtualScreen(server, `:${line.toString().trim()}`);
  }

  async stop(): Promise<void> {
    const ended = once(this.#server, "exit");
    this.#server.kill("SIGTERM");
    await ended;
  }

  /** The window of the question, once it is shown. */
  async window(): Promise<string> {
    for (;;) {
      const found = this.#xdotool("search", "--onlyvisible", "--name", "^credbroker$").split("\n")[0];
      if (found !== undefined && found !== "") return found;
      await pause(50);
    }
  }

  /** Whether a question is shown now. */
  get isShowing(): boolean {
    return this.#xdotool("search", "--onlyvisible", "--name", "^credbroker$") !== "";
  }

  /** Pressed again until the window is gone: it takes keys only once it is drawn. */
  async press(...keys: readonly string[]): Promise<void> {
    const window = await this.window();
    while (this.isShowing) {
      this.#xdotool("windowfocus", window);
      await pause(300);
      this.#xdotool("key", ...keys);
      await pause(500);
    }
  }

  #xdotool(...args: readonly string[]): string {
    try {
      const env = { PATH: process.env["PATH"] ?? "", DISPLAY: this.display };
      return execFileSync("xdotool", [...args], { env, stdio: ["ignore", "pipe", "ignore"] })
        .toString()
        .trim();
    } catch {
      return ""; // nothing found, or gone meanwhile
    }
  }
}
