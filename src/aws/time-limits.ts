/** Of a whole call, from name lookup to last byte. */
export const CALL_LIMIT_MS = 10_000;
/** A network that swallows every packet must show before the limit of the whole call does. */
export const CONNECT_LIMIT_MS = 3000;
/** What a call gets that was under way when the machine slept: its answer is here already, or its connection is dead. */
export const HURRY_LIMIT_MS = 1000;
