import { existsSync } from "node:fs";
import type { RunTool } from "../../src/system/service/supervisor.js";

/**
 * launchctl as its manual page and its users describe it: an agent is loaded into a domain from a file, starts with it,
 * and a bootstrap soon after a bootout fails with 5. Not measured on a Mac.
 */
export class FakeLaunchd {
  /** What was asked, each as one line. */
  readonly asked: string[] = [];
  /** The file that the loaded agent came from; undefined: not loaded. */
  loaded: string | undefined;
  running = false;
  /** No login session: over SSH. */
  reachable = true;
  /** How many looks a bootout takes. */
  slow = 0;
  #leaving = 0;
  #busy = 0;

  readonly run: RunTool = (file, args) => {
    this.asked.push([file, ...args].join(" "));
    const { code, stdout = "", stderr = "" } = this.#answer(args);
    return Promise.resolve({ code, stdout, stderr });
  };

  #answer(args: readonly string[]): { code: number; stdout?: string; stderr?: string } {
    const [verb, target = "", file = ""] = args;
    if (!this.reachable) return { code: 125, stderr: "Domain does not support specified action" };
    if (verb === "print" && !target.includes("/credbroker")) return { code: 0, stdout: "gui/501 = {}" };
    if (verb === "print") return this.#print();
    if (verb === "bootstrap") return this.#bootstrap(file);
    if (this.loaded === undefined) return { code: 3, stderr: "Boot-out failed: 3: No such process" };
    if (verb === "bootout") {
      this.#leaving = this.slow;
      if (this.slow === 0) this.#unload();
      return { code: this.slow === 0 ? 0 : 36 };
    }
    if (verb === "kickstart") this.running = true;
    return { code: 0 };
  }

  #print(): { code: number; stdout?: string; stderr?: string } {
    if (this.#leaving > 0 && --this.#leaving === 0) this.#unload();
    if (this.loaded === undefined) return { code: 113, stderr: "Could not find service in domain" };
    return { code: 0, stdout: `credbroker.brokerd = {\n\tstate = ${this.running ? "running" : "not running"}\n}\n` };
  }

  #bootstrap(file: string): { code: number; stderr?: string } {
    if (this.#busy > 0) {
      this.#busy--;
      return { code: 5, stderr: "Bootstrap failed: 5: Input/output error" };
    }
    if (!existsSync(file)) return { code: 2, stderr: "Bootstrap failed: 2: No such file or directory" };
    this.loaded = file;
    this.running = true;
    return { code: 0 };
  }

  #unload(): void {
    this.loaded = undefined;
    this.running = false;
    this.#busy = this.slow;
  }
}
