import { join } from "node:path";
import type { WriteAtomic } from "../files/state-file.js";
import { Confirmations } from "../requests/confirmations.js";
import { Questions } from "../requests/questions.js";
import { RequestRegistry } from "../requests/request-registry.js";
import type { Clock } from "../system/clock.js";
import { SystemDialogs } from "../system/desktop-dialog.js";
import { type BrokerPaths, homeDirectory } from "../system/paths.js";
import { toolRunner } from "../system/service/run-tool.js";
import { SessionDisplay } from "../system/session-display.js";
import type { CurrentStore } from "./current-store.js";

/** What asks a person, and keeps what was said. */
export interface GuardServices {
  readonly requests: RequestRegistry;
  readonly confirmations: Confirmations;
  readonly questions: Questions;
  readonly dialogs: SystemDialogs;
  readonly display: SessionDisplay;
}

export interface GuardOptions {
  readonly paths: BrokerPaths;
  readonly clock: Clock;
  /** Cleaned (system/clean-environment). */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

interface GuardParts {
  readonly writeAtomic: WriteAtomic;
  readonly store: CurrentStore;
  /** `$XDG_RUNTIME_DIR`, or where that is by custom. */
  readonly runtimeDir: string | undefined;
}

export function buildGuard(
  { paths, clock, environment }: GuardOptions,
  { writeAtomic, store, runtimeDir }: GuardParts,
): GuardServices {
  const { platform } = process;
  const display = new SessionDisplay(platform, toolRunner({ XDG_RUNTIME_DIR: runtimeDir }));
  const homeDir = environment["HOME"] ?? homeDirectory();
  const dialogs = new SystemDialogs({ platform, clock, homeDir, display: () => display.current() });
  return {
    requests: new RequestRegistry({ path: join(paths.stateDir, "requests.json"), writeAtomic, clock }),
    confirmations: new Confirmations(clock),
    questions: new Questions({ clock, dialogs, isPassphrase: (passphrase) => store.isPassphrase(passphrase) }),
    ...{ dialogs, display },
  };
}
