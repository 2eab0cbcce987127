import type { SsoSource } from "../../src/core/role.js";
import type { Secret } from "../../src/core/secret.js";
import type { CallbackAnswer } from "../../src/sso/callback-pages.js";
import { createSso, type Sso } from "../../src/sso/sso.js";
import { MemorySecretStore } from "../fakes/memory-secret-store.js";
import { MemorySso } from "../fakes/memory-sso.js";
import { FakeClock } from "../support/fake-clock.js";
import { type LogLine, memoryLogger } from "../support/memory-logger.js";

export const SCOPE = "sso:account:access";

export function ssoSource(name = "corp", extra: Partial<SsoSource> = {}): SsoSource {
  return {
    type: "sso",
    name,
    startUrl: "https://corp.awsapps.com/start",
    ssoRegion: "eu-west-1",
    registrationScopes: [SCOPE],
    stsRegion: "eu-west-1",
    ...extra,
  };
}

/** A store whose writes can be held back, or fail. */
class TrickySecretStore extends MemorySecretStore {
  gate: Promise<void> = Promise.resolve();
  failure: Error | undefined;

  override async put(key: string, value: Secret): Promise<void> {
    await this.gate;
    if (this.failure) throw this.failure;
    await super.put(key, value);
  }
}

export interface SsoFixture {
  readonly clock: FakeClock;
  readonly center: MemorySso;
  readonly secrets: TrickySecretStore;
  readonly sso: Sso;
  readonly log: readonly LogLine[];
  /** Sources that were woken, in order. */
  readonly woken: string[];
  /** What the browser would get for a callback with these parameters; undefined: there is no listener any more. */
  callback(parameters: Readonly<Record<string, string>> | URLSearchParams): Promise<CallbackAnswer | undefined>;
  /** Logs in by a device that is approved at once. */
  logIn(source?: SsoSource): Promise<void>;
}

export function ssoFixture(sources: readonly SsoSource[] = [ssoSource()]): SsoFixture {
  const clock = new FakeClock();
  const center = new MemorySso(clock);
  const secrets = new TrickySecretStore();
  const woken: string[] = [];
  const log: LogLine[] = [];
  let decide: ((parameters: URLSearchParams) => Promise<CallbackAnswer>) | undefined;
  const sso = createSso({
    oidc: center,
    portal: center,
    secrets,
    clock,
    logger: memoryLogger(log),
    random: () => 0,
    listen: async (listening) => {
      decide = listening.decide;
      return {
        port: 54_321,
        close: async () => {
          decide = undefined;
        },
      };
    },
    sources: () => sources,
    onLoggedIn: (source) => woken.push(source),
  });
  return {
    clock,
    center,
    secrets,
    sso,
    log,
    woken,
    callback: async (parameters) => decide?.(new URLSearchParams(parameters)),
    async logIn(source = sources[0] ?? ssoSource()) {
      const { decision } = center;
      center.decision = "approved";
      const { running } = await sso.logins.start(source, "device");
      await running.done;
      center.decision = decision;
    },
  };
}
