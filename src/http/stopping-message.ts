import { IncomingMessage } from "node:http";

const PARSED = Symbol("what the parser says");
const STOPS = Symbol("stops");

/**
 * The class of requests for a server whose parser stops at some of them; `stopAt` is asked once, when a request's fields
 * are known. Node parses all that one read brought, up to 64 KB, before anything else runs: a thousand requests, or ten
 * thousand chunks of a body. It stops at an upgrade only, where it hands the connection over by the event `upgrade`: so
 * that is what a request at which it shall stop reads as.
 */
export function stoppingMessage(stopAt: (request: IncomingMessage) => boolean): typeof IncomingMessage {
  return class StoppingMessage extends IncomingMessage {
    declare [PARSED]: boolean | null;
    declare [STOPS]: boolean | undefined;

    /** Node reads it before it emits `request`, and again when the read is over. */
    get upgrade(): boolean | null {
      return (this[STOPS] ??= stopAt(this)) || this[PARSED];
    }

    /** Set by the constructor of IncomingMessage, then by the parser. */
    set upgrade(parsed: boolean | null) {
      this[PARSED] = parsed;
    }
  };
}
