import { BrokerError } from "../../core/errors.js";
import { NodeFileSystem, writeFileAtomic } from "../../files/atomic-file.js";
import { takenPortMarker } from "../paths.js";
import { describePortOwner } from "../port-owner.js";
import { readIfThere } from "./read-if-there.js";
import type { Systemctl } from "./systemctl.js";
import { ENDPOINT_SOCKET } from "./unit-names.js";

/** `Result=` of a socket unit that could not bind. */
const NOT_BOUND = "resources";

export interface HeldPortOptions {
  readonly systemctl: Systemctl;
  /** The file of `brokerd.socket`. */
  readonly unit: string;
  readonly stateDir: string;
}

/** The port that systemd is to hold for us, and what follows when another program has it. */
export class HeldPort {
  readonly #options: HeldPortOptions;

  constructor(options: HeldPortOptions) {
    this.#options = options;
  }

  /** Before a start: systemd could not hold the port, at the login say; the program that had it then may have left it since. */
  async noticeFailure(): Promise<void> {
    const { ActiveState: activity, Result: result } = await this.#socket();
    if (activity === "failed" && result === NOT_BOUND) await this.#rememberTaken();
  }

  /** A port that cannot be bound is another program's: what clients sent there is not secret any more (as at a start). */
  async explained(error: unknown): Promise<unknown> {
    const { unit } = this.#options;
    const port = /^ListenStream=127\.0\.0\.1:(\d+)$/m.exec((await readIfThere(unit)) ?? "")?.[1];
    const activity = (await this.#socket())["ActiveState"];
    // Where systemd does not answer, the port may be held by our own brokerd.
    if (port === undefined || activity === undefined || activity === "active") return error;
    const owner = await describePortOwner(Number(port));
    if (owner === undefined) return error;
    await this.#rememberTaken();
    return new BrokerError("Conflict", `systemd cannot hold port ${port} on 127.0.0.1: it is taken by ${owner}`, {
      hint: "end that process and run brokerctl start, or choose another endpoint.port: brokerctl config edit",
      cause: error,
    });
  }

  /** Empty: systemd cannot be asked. */
  async #socket(): Promise<Readonly<Record<string, string>>> {
    const [socket] = await this.#options.systemctl.show([ENDPOINT_SOCKET], ["ActiveState", "Result"]).catch(() => []);
    return socket ?? {};
  }

  async #rememberTaken(): Promise<void> {
    await writeFileAtomic(new NodeFileSystem(), takenPortMarker(this.#options.stateDir), Buffer.from(""));
  }
}
