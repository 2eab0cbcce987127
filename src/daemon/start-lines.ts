import { hashLeaseToken, type Lease } from "../core/lease.js";
import type { Secret } from "../core/secret.js";
import {
  HOOKED_SHELLS,
  type HookedShell,
  hookFile,
  isStartLine,
  renderStartLine,
  type StartLine,
  tokenInStartLine,
} from "../core/shell-files.js";
import { readRegularFile } from "../files/read-small-file.js";

export interface StartLinesOptions {
  readonly stateDir: string;
  readonly defaultLease: () => Lease | undefined;
  /** Role of the default lease has this region; null: none. */
  readonly region: () => string | null;
  /** null while the port is not ours. */
  readonly endpoint: () => string | null;
  /** Rejects while the secret store is locked. */
  readonly tokenOf: (lease: Lease) => Promise<Secret>;
  readonly writeAtomic: (path: string, data: Uint8Array) => Promise<void>;
}

/**
 * The first line of the hooks' files: the default lease for new shells. It is made anew when the token, the port or the
 * region is another one, and emptied while the port is not ours: no URL of another program's listener is handed out.
 */
export class StartLines {
  readonly #options: StartLinesOptions;

  constructor(options: StartLinesOptions) {
    this.#options = options;
  }

  async publish(): Promise<void> {
    await this.#write((held) => this.#startFor(held));
  }

  async withdraw(): Promise<void> {
    await this.#write(() => Promise.resolve(undefined));
  }

  async #write(startFor: (held: string) => Promise<StartLine | undefined>): Promise<void> {
    for (const shell of HOOKED_SHELLS) {
      const path = hookFile(this.#options.stateDir, shell);
      const text = await readRegularFile(path).catch(() => "");
      const end = text.indexOf("\n");
      const held = text.slice(0, Math.max(end, 0));
      // Not there, or not written by the hook: not ours to change.
      if (!isStartLine(held)) continue;
      await this.#replace({ path, shell, held, rest: text.slice(end) }, await startFor(held));
    }
  }

  async #replace(
    { path, shell, held, rest }: { path: string; shell: HookedShell; held: string; rest: string },
    start: StartLine | undefined,
  ): Promise<void> {
    const line = renderStartLine(shell, start);
    if (line !== held) await this.#options.writeAtomic(path, Buffer.from(line + rest));
  }

  /** The token that the file holds already is as good as the secret store's, also while that is locked. */
  async #startFor(held: string): Promise<StartLine | undefined> {
    const { defaultLease, endpoint, region } = this.#options;
    const lease = defaultLease();
    const url = endpoint();
    if (lease === undefined || url === null) return undefined;
    const token = tokenInStartLine(held);
    const isCurrent = token !== undefined && hashLeaseToken(token) === lease.tokenHash;
    const current = isCurrent ? token : await this.#storedToken(lease);
    return current === undefined
      ? undefined
      : { url: `${url}/lease/${current}`, tokenHash: hashLeaseToken(current), region: region() };
  }

  async #storedToken(lease: Lease): Promise<string | undefined> {
    return this.#options.tokenOf(lease).then(
      (token) => token.reveal(),
      () => undefined,
    );
  }
}
