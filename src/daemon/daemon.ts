import type { Config } from "../config/config.js";
import type { DaemonFacade } from "../control/control-services.js";
import { BrokerError } from "../core/errors.js";
import { shellDirectory } from "../core/shell-files.js";
import { NodeFileSystem, writeFileAtomic } from "../files/atomic-file.js";
import { ensurePrivateDirectory } from "../files/private-directory.js";
import { sweepTemporaryFiles } from "../files/temporary-file.js";
import { SystemProcessTable } from "../system/process-identity.js";
import { acquireInstanceLock, type InstanceLock } from "../system/single-instance.js";
import { refuseIfStopped } from "../system/stop-marker.js";
import { applyConfig, namesInUse, unnamedRole } from "./apply-config.js";
import { Calendar, type CalendarJob } from "./calendar.js";
import { EndpointPort } from "./endpoint-port.js";
import { createFacade, type FacadeParts } from "./facade.js";
import { LeaseSockets } from "./lease-sockets.js";
import { sweepProfileDirectories } from "./profile-directories.js";
import { RunningConfigFile } from "./running-config.js";
import type { Schedules } from "./schedules.js";
import { buildServices, type DaemonOptions, type Services } from "./services.js";
import { Serving } from "./serving.js";
import { createShellFiles, type ShellFiles } from "./shell-files.js";
import { Sweeper } from "./sweeper.js";

export interface Daemon {
  /** `http://127.0.0.1:PORT`; null while no port is known (degraded). */
  readonly endpoint: () => string | null;
  /** SIGHUP: rejects with ConfigInvalid and keeps what runs. */
  readonly reload: () => Promise<Config>;
  /** Drains, saves and releases the lock on the state directory. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts everything in order, or nothing: directories, the one-instance lock, audit log, leases, roles of functions, config
 * and with it the secret store, sockets, calendar, sweep. Rejects with DaemonRunning, FileRefused, Conflict (port taken) or, in the foreground, ConfigInvalid.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { paths, pid, clock, wantedSince } = options;
  await ensurePrivateDirectory(paths.stateDir);
  await ensurePrivateDirectory(paths.runtimeDir);
  const processes = new SystemProcessTable();
  const lock = acquireInstanceLock({ stateDir: paths.stateDir, pid, processes });
  try {
    // With the lock: `stop` either sees that we hold it, and waits for us, or its marker is there already.
    if (wantedSince !== undefined) refuseIfStopped(paths.stateDir, { since: wantedSince, now: clock.now() });
    return await startLocked(options, processes, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function startLocked(options: DaemonOptions, processes: SystemProcessTable, lock: InstanceLock): Promise<Daemon> {
  const { paths, clock, logger } = options;
  for (const directory of [paths.stateDir, shellDirectory(paths.stateDir)]) await sweepTemporaryFiles(directory);
  const fileSystem = new NodeFileSystem();
  const writeAtomic = (path: string, data: Uint8Array): Promise<void> => writeFileAtomic(fileSystem, path, data);

  const config: RunningConfigFile = new RunningConfigFile({
    ...{ path: paths.configFile, user: options.user, host: options.host, supervised: options.supervised },
    unnamedRole: (name, current) => unnamedRole(name, current, services),
    viaOf: (name) => services.lambdaRoles.get(name)?.via,
    onChange: (next, former) => applyConfig({ options, services, serving, writeAtomic, fileSystem, next, former }),
  });
  const services = buildServices(options, {
    ...{ processes, writeAtomic, config, onHeldChanged: () => serving.tellPages() },
    onLeasesChanged: async () => {
      serving.tellPages();
      await Promise.all([shellFiles.publish(), sockets.follow()]);
    },
  });
  const port = new EndpointPort(paths.stateDir, writeAtomic);
  const calendar = new Calendar({ clock, logger, jobs: dailyJobs(options, services) });
  const sweeper = new Sweeper({
    ...{ clock, logger, onResume: (jumpedMs) => resume(services, calendar, jumpedMs) },
    sweep: () => sweep({ options, services, serving, config, lock, port, shellFiles, calendar, sockets }),
  });
  const { noticeResume } = sweeper;
  const sockets: LeaseSockets = new LeaseSockets(options, { services, config, noticeResume });
  const serving: Serving = new Serving({ options, services, config, processes, port, noticeResume, sockets });
  const shellFiles: ShellFiles = createShellFiles(options, { services, serving, config, writeAtomic });
  const facade = createFacade({
    ...{ options, services, serving, config, lock, port, shellFiles, sockets },
    pinnedNow: () => pinnedNow,
  });

  await services.audit.open();
  const pinnedNow = await services.leases.load();
  await loadRequests(services, options);
  await loadLambdaRoles(services, options);
  await services.schedules.load();
  await loadConfig(config, options);
  services.lifecycle.block();
  await startServing({ serving, facade, config, port, shellFiles });
  sweeper.start();
  const cancelPlanning = clock.after(PLANNING_AFTER_MS, () => {
    noticeResume(); // a midnight may have passed meanwhile
    void plan(calendar, services.schedules, options);
  });
  services.audit.record({ event: "started", outcome: "done", detail: `brokerd ${options.version}` });
  logger.info({ version: options.version, endpoint: serving.endpoint(), config: paths.configFile }, "started");

  return {
    endpoint: () => serving.endpoint(),
    reload: async () => (await config.reload()).config,
    stop: async () => {
      cancelPlanning();
      sweeper.stop();
      await stopServing(services, serving, calendar);
      await shellFiles.settle();
      lock.release();
      logger.info({}, "stopped");
    },
  };
}

interface Swept extends Omit<FacadeParts, "pinnedNow"> {
  readonly config: RunningConfigFile;
  readonly calendar: Calendar;
}

/** What the clock, the disk or another program may have changed; every step is harmless however often. */
async function sweep(parts: Swept): Promise<void> {
  const { options, services, serving, config, lock, port, shellFiles, calendar, sockets } = parts;
  const { clock, logger, paths } = options;
  const { credentials, leases, requests, lambdaRoles, lifecycle, store, sso, audit, sessionEnds, schedules } = services;
  void calendar.runDue();
  void schedules.runDue();
  credentials.sweep();
  // The file was fixed, or the port is free again: that takes no command.
  if (config.problem() !== undefined || serving.endpoint() === null) await config.reload().catch(() => undefined);
  await leases.sweep();
  await sweepProfileDirectories(paths.runtimeDir, leases.list()).catch((err: unknown) =>
    logger.warn({ err }, "keys of an ended exec kept"),
  );
  await sockets.sweep();
  await requests.sweep().catch((err: unknown) => logger.warn({ err }, "requests could not be saved"));
  // What the disk did not take before.
  lock.retry();
  await port.retry();
  await lifecycle.reconcileAgain();
  await serving.clearTaken();
  const inUse = namesInUse(services);
  credentials.release(inUse);
  await shellFiles.publish();
  await lambdaRoles.keepOnly(inUse).catch((err: unknown) => logger.warn({ err }, "roles of functions and tasks kept"));
  await lifecycle.probeAgain(clock.now());
  if (store.current().state === "open") await sso.sweep();
  await sessionEnds.sweep();
  await audit.sweep();
}

/** Programs that waited for brokerd ask it as soon as it listens: they are not to wait for a plan of the day as well. */
const PLANNING_AFTER_MS = 1000;

async function plan(calendar: Calendar, schedules: Schedules, { logger }: DaemonOptions): Promise<void> {
  try {
    const { createTask } = await import("node-cron");
    calendar.start(createTask);
    schedules.start(createTask);
  } catch (err) {
    logger.error({ err }, "nothing is done at midnight, and no schedule");
  }
}

const AT_MIDNIGHT = "0 0 * * *";

function dailyJobs({ clock, rotateLog }: DaemonOptions, { sso, store }: Services): readonly CalendarJob[] {
  const registrations = {
    name: "client-registrations",
    cron: AT_MIDNIGHT,
    // A machine that is off at night has it checked when it starts.
    dueAt: clock.now(),
    isReady: () => store.current().state === "open",
    run: () => sso.checkRegistrations(),
  };
  return [registrations, ...(rotateLog ? [{ name: "log-rotation", cron: AT_MIDNIGHT, run: rotateLog }] : [])];
}

function resume({ aws, sso, credentials, leases, schedules }: Services, calendar: Calendar, jumpedMs: number): void {
  if (jumpedMs < 0) void leases.clockSetBack(-jumpedMs);
  calendar.onResume();
  schedules.onResume();
  aws.onResume();
  sso.onResume();
  credentials.onResume(jumpedMs);
}

async function stopServing(
  { sso, consoleLogins, programs, dialogs, store, leases, audit, schedules }: Services,
  serving: Serving,
  calendar: Calendar,
): Promise<void> {
  programs.stop();
  dialogs.stop();
  await Promise.all([serving.stop(), sso.lock(), consoleLogins.lock(), calendar.stop(), schedules.stop()]);
  audit.record({ event: "stopped", outcome: "done" });
  await audit.close();
  await store.flush();
  await leases.flush();
}

/** Where they cannot be read, requests for a function's role say so; everything else works. */
async function loadLambdaRoles({ lambdaRoles }: Services, { logger }: DaemonOptions): Promise<void> {
  const problem = await lambdaRoles.load();
  if (problem) logger.error({ reason: problem.message }, "roles of functions and tasks not loaded");
}

/** Where they cannot be read, nothing is requested or approved; everything else works. */
async function loadRequests({ requests }: Services, { logger }: DaemonOptions): Promise<void> {
  await requests.load().catch((err: unknown) => logger.error({ err }, "requests not loaded"));
}

interface Starting {
  readonly serving: Serving;
  readonly facade: DaemonFacade;
  readonly config: RunningConfigFile;
  readonly port: EndpointPort;
  readonly shellFiles: ShellFiles;
}

/** Where another program has the port, new shells must not be pointed to it either. */
async function startServing({ serving, facade, config, port, shellFiles }: Starting): Promise<void> {
  try {
    await serving.start(config.current()?.endpointPort ?? (await port.last()), facade);
  } catch (error) {
    await shellFiles.withdraw();
    throw error;
  }
  await shellFiles.publish();
}

/** A supervised daemon stays up and says what is wrong; a foreground one tells its terminal and ends. */
async function loadConfig(config: RunningConfigFile, { supervised, logger }: DaemonOptions): Promise<void> {
  try {
    await config.reload();
  } catch (error) {
    if (!supervised || !(error instanceof BrokerError) || error.code !== "ConfigInvalid") throw error;
    logger.error({ reason: error.message }, "config not valid, degraded");
  }
}
