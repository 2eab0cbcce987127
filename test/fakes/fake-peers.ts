import type { PeerIdentity, PeerVerdict } from "../../src/system/peer-identity.js";

/** Every connection is whose the test says it is. */
export class FakePeers implements PeerIdentity {
  readonly notChecked = undefined;
  /** What it is, or a function that is asked when a request comes. */
  verdict: PeerVerdict | (() => Promise<PeerVerdict>) = { kind: "own", peer: { uid: 1000, inode: 4711 } };
  asked = 0;

  async of(): Promise<PeerVerdict> {
    this.asked++;
    await new Promise((resolve) => setImmediate(resolve)); // as real ones, which read a file
    return typeof this.verdict === "function" ? this.verdict() : this.verdict;
  }
}
