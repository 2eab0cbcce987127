import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { LAUNCH_PATH, LAUNCH_PROTOCOL } from "../../control-api/launch-contract.js";
import type { TakenUpgrade } from "../../http/limited-server.js";
import type { ControlServices } from "../control-services.js";
import type { Operations } from "../operations.js";
import { LaunchConnection } from "./launch-connection.js";

/**
 * Connections of launches at once, most of them of commands that run: half of what control holds, so that the rest of it
 * is answered whatever they do. Beyond it a client is told to come in the older way, which keeps no connection.
 */
const MOST_OPEN = 2048;

/** The launches under way, behind the upgrade of control's listener. */
export class Launches {
  readonly #services: ControlServices;
  readonly #operations: Operations;
  readonly #mostOpen: number;
  readonly #open = new Set<LaunchConnection>();
  readonly #stopWatching: () => void;

  constructor(services: ControlServices, operations: Operations, mostOpen = MOST_OPEN) {
    this.#services = services;
    this.#operations = operations;
    this.#mostOpen = mostOpen;
    this.#stopWatching = services.sessionNotices.watch((notice) => {
      for (const connection of this.#open) connection.tell(notice);
    });
  }

  /** What is not a launch, or comes from a browser through a proxy, is the listener's to refuse. */
  readonly take = ({ method, url, headers }: IncomingMessage, socket: Duplex, head: Buffer): TakenUpgrade => {
    const isLaunch = method === "POST" && url === LAUNCH_PATH && headers.upgrade?.toLowerCase() === LAUNCH_PROTOCOL;
    const isBrowser = [headers.origin, headers.referer, headers.cookie].some((header) => header !== undefined);
    if (!isLaunch || isBrowser) return "refused";
    if (this.#open.size >= this.#mostOpen) return "full";
    const connection = new LaunchConnection({
      ...{ socket, headers, services: this.#services, operations: this.#operations },
    });
    this.#open.add(connection);
    socket.once("close", () => this.#open.delete(connection));
    connection.begin(head);
    return "taken";
  };

  /** No lease ends with it. */
  close(): void {
    this.#stopWatching();
    for (const connection of this.#open) connection.drop();
  }
}
