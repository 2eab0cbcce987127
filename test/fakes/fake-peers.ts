import type { AcceptedConnection, PeerIdentity, PeerVerdict } from "../../src/system/peer-identity.js";

/** Every connection is whose the test says it is. */
export class FakePeers implements PeerIdentity {
  readonly notChecked = undefined;
  /** What it is, or a function that is asked when a request comes. */
  verdict: PeerVerdict | (() => Promise<PeerVerdict>) = { kind: "own", peer: { uid: 1000, inode: 4711 } };
  asked = 0;
  /** Whether it is known before anyone asked. */
  isKnownAtOnce = false;
  readonly #known = new WeakMap<AcceptedConnection, PeerVerdict>();

  async of(connection: AcceptedConnection): Promise<PeerVerdict> {
    const known = this.#known.get(connection);
    if (known) return known;
    this.asked++;
    await new Promise((resolve) => setImmediate(resolve)); // as real ones, which read a file
    const verdict = typeof this.verdict === "function" ? await this.verdict() : this.verdict;
    if (verdict.kind !== "late") this.#known.set(connection, verdict);
    return verdict;
  }

  known(connection: AcceptedConnection): PeerVerdict | undefined {
    const isPlain = this.isKnownAtOnce && typeof this.verdict !== "function";
    return this.#known.get(connection) ?? (isPlain ? (this.verdict as PeerVerdict) : undefined);
  }
}
