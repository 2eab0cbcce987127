import type { DaemonFacade, RunningConfig } from "../control/services.js";
import type { DaemonOptions } from "./daemon-options.js";
import type { Services } from "./services.js";
import type { Serving } from "./serving.js";

export interface FacadeParts {
  readonly options: DaemonOptions;
  readonly services: Services;
  readonly serving: Serving;
  readonly config: RunningConfig;
  /** What a restart would lose, a sentence each. */
  readonly notDurable: () => readonly string[];
}

/** The daemon as the control plane sees it. */
export function createFacade({ options, services, serving, config, notDurable }: FacadeParts): DaemonFacade {
  const { lifecycle, store, aws } = services;
  return {
    pid: options.pid,
    version: options.version,
    startedAt: options.clock.now(),
    overrides: aws.overrides,
    endpoint: () => serving.endpoint(),
    warnings: async () => {
      const state = store.current();
      const logins = state.state === "open" ? await endingLogins(services) : [];
      const current = config.current();
      const notes = [...(current ? serving.configNotes(current) : []), serving.sixNote()];
      const told = notes.filter((note) => note !== undefined);
      return [...(state.state === "open" ? state.warnings : []), ...notDurable(), ...logins, ...told];
    },
    unlock: (passphrase) => lifecycle.unlock(passphrase),
    createStore: (passphrase) => lifecycle.create(passphrase),
    lock: () => lifecycle.lock(),
    stopSoon: () => options.onStopRequested(),
  };
}

/** What cannot be read now (the store was locked meanwhile) is told by the state of each source. */
async function endingLogins({ sso }: Services): Promise<readonly string[]> {
  const ending = await sso.endingLogins().catch(() => []);
  return ending.map(({ sources, renewableUntil }) => {
    const day = new Date(renewableUntil).toISOString().slice(0, 10);
    return `the login of ${sources.join(", ")} can be renewed until ${day} only: brokerctl login ${sources[0] ?? ""}`;
  });
}
