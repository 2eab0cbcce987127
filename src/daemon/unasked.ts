import { join } from "node:path";
import type { AuditRecorder } from "../audit/audit-log.js";
import type { Aws } from "../aws/aws.js";
import type { RunningConfig } from "../control/control-services.js";
import type { RotationParts } from "../control/rotate-key.js";
import { BrokerError } from "../core/errors.js";
import type { Source } from "../core/role.js";
import type { SourceProvider, SourceProviders } from "../credentials/sources/source-provider.js";
import type { WriteAtomic } from "../files/state-file.js";
import type { StoreAccess } from "../secrets/store-access.js";
import type { Clock } from "../system/clock.js";
import { type DesktopNotices, SystemNotices } from "../system/desktop-notices.js";
import type { Logger } from "../system/logger.js";
import type { BrokerPaths } from "../system/paths.js";
import { SystemPrograms } from "../system/run-program.js";
import { ScheduleRuns } from "./schedule-runs.js";
import { type Acts, Schedules } from "./schedules.js";
import { SessionEnds } from "./session-ends.js";
import type { StoreLifecycle } from "./store-lifecycle.js";

interface UnaskedOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly paths: Pick<BrokerPaths, "stateDir">;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where notices are shown; undefined: on the desktop of the user's session. */
  readonly notices?: DesktopNotices | undefined;
}

interface UnaskedParts extends Omit<RotationParts, "iam" | "clock"> {
  readonly config: Pick<RunningConfig, "current">;
  readonly writeAtomic: WriteAtomic;
  readonly aws: Pick<Aws, "iam">;
  readonly store: StoreAccess;
  readonly lifecycle: Pick<StoreLifecycle, "lock">;
  readonly sources: SourceProviders;
  readonly audit: AuditRecorder;
  /** `XDG_RUNTIME_DIR` of the user's sessions; undefined: there is none. */
  readonly runtimeDir: string | undefined;
}

/** What brokerd tells and does without being asked. */
export interface Unasked {
  readonly sessionEnds: SessionEnds;
  readonly schedules: Schedules;
}

export function buildUnasked(options: UnaskedOptions, parts: UnaskedParts): Unasked {
  const { clock, logger, paths } = options;
  const { audit, store, writeAtomic } = parts;
  const sessionEnds = buildSessionEnds(options, parts);
  const schedules = new Schedules({
    ...{ clock, logger, audit },
    runs: new ScheduleRuns({ path: join(paths.stateDir, "schedules.json"), writeAtomic }),
    acts: actsOf(options, parts, sessionEnds),
    isStoreOpen: () => store.current().state === "open",
  });
  return { sessionEnds, schedules };
}

function buildSessionEnds({ clock, logger, environment, notices }: UnaskedOptions, parts: UnaskedParts): SessionEnds {
  const { config, sources, credentials, audit, runtimeDir } = parts;
  const providers: Readonly<Record<Source["type"], SourceProvider<Source>>> = sources;
  // Where brokerd was not started by the desktop's session, the session's bus is found there.
  const programs = new SystemPrograms({ environment: { ...environment, XDG_RUNTIME_DIR: runtimeDir }, clock });
  return new SessionEnds({
    ...{ clock, logger, audit },
    sources: () => config.current()?.sources.values() ?? [],
    setting: () => config.current()?.notices ?? "on",
    readiness: (source) => providers[source.type].readiness(source),
    roles: () => credentials.snapshot(),
    desktop: notices ?? new SystemNotices({ platform: process.platform, programs }),
  });
}

function actsOf({ clock }: UnaskedOptions, parts: UnaskedParts, sessionEnds: SessionEnds): Acts {
  const { config, lifecycle, keys, sessions, credentials, aws } = parts;
  return {
    lock: () => lifecycle.lock(),
    rotateKey: async (name) => {
      const source = config.current()?.sources.get(name);
      if (source?.type !== "keys") throw notInForce(name);
      // With what answers control, for which no start waits.
      const { rotateKey } = await import("../control/rotate-key.js");
      const { notes } = await rotateKey({ keys, sessions, credentials, iam: aws.iam, clock }, source);
      return notes;
    },
    remind: (name, next) => sessionEnds.remind(name, next),
  };
}

/** It was left out, or is another source since. */
function notInForce(name: string): BrokerError {
  return new BrokerError("ConfigInvalid", `no source ${name} of type keys is in force`, { hint: "brokerctl status" });
}
