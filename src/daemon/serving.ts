import type { RequestListener } from "node:http";
import type { Config } from "../config/config.js";
import type { ControlServices, DaemonFacade, RunningConfig } from "../control/control-services.js";
import { Launches } from "../control/launch/launches.js";
import type { Operations } from "../control/operations.js";
import { BrokerError } from "../core/errors.js";
import { onceMade, onFirstUse } from "../core/on-first-use.js";
import { createEndpointApp } from "../endpoint/app.js";
import { SERVER_LIMITS, type ServerLimits } from "../http/limited-server.js";
import {
  type Listener,
  type ListenerOptions,
  listenOnDescriptor,
  listenOnInherited,
  listenOnLoopback,
  listenOnSocket,
} from "../http/listen.js";
import { connectionLimit } from "../system/open-file-limit.js";
import { describePortOwner } from "../system/port-owner.js";
import type { ProcessTable } from "../system/process-identity.js";
import type { EndpointPort } from "./endpoint-port.js";
import type { LeaseSockets } from "./lease-sockets.js";
import { PagesOnDemand } from "./pages-on-demand.js";
import type { DaemonOptions, Services } from "./services.js";

export interface ServingOptions {
  readonly options: DaemonOptions;
  readonly services: Services;
  readonly config: RunningConfig;
  readonly processes: ProcessTable;
  readonly port: EndpointPort;
  /** Looks whether the machine slept, before a client's credentials are asked for. */
  readonly noticeResume: () => void;
  readonly sockets: LeaseSockets;
}

/** The two listeners, endpoint on loopback and control on the unix socket, and between them the sockets of leases. */
export class Serving {
  readonly #parts: ServingOptions;
  #endpoint: { readonly listener: Listener; readonly port: number } | undefined;
  #control: Listener | undefined;
  readonly pages: PagesOnDemand;
  /** That something of `status` is another; there may never be one. */
  tellPages: () => void = () => undefined;

  constructor(parts: ServingOptions) {
    this.#parts = parts;
    const { services, options } = parts;
    const { peers, clock, logger, pageDirectory: directory } = options;
    const onMade = (tell: () => void): void => void (this.tellPages = tell);
    this.pages = new PagesOnDemand({ directory, peers, clock, logger, audit: services.audit, onMade });
  }

  get isStarted(): boolean {
    return this.#control !== undefined;
  }

  port(): number | null {
    return this.#endpoint?.port ?? null;
  }

  /** A literal address: a name could resolve to another program's listener. */
  endpoint(): string | null {
    return this.#endpoint ? `http://127.0.0.1:${this.#endpoint.port}` : null;
  }

  /** The endpoint, and sockets of leases, before control: what control answers is served already. */
  async start(endpointPort: number | undefined, facade: DaemonFacade): Promise<void> {
    if (this.#inheritsEndpoint()) await this.#serveInherited();
    else if (endpointPort !== undefined) await this.bindEndpoint(endpointPort);
    try {
      const control = this.#controlServices(facade);
      const operations = onFirstUse<Operations>(async () => {
        return (await import("../control/operations.js")).createOperations(control);
      });
      await this.#parts.sockets.start(operations);
      this.pages.start({ services: control, operations });
      await this.#bindControl(control, operations);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async bindEndpoint(port: number): Promise<void> {
    const app = this.#endpointApp();
    await this.#rotateAfterSquatting();
    try {
      this.#endpoint = { port, listener: await listenOnLoopback(app, { port, ...this.#endpointOptions() }) };
    } catch (error) {
      throw await this.#explain(error, port);
    }
    await this.#parts.port.remember(port);
    await this.clearTaken();
  }

  /** Also by the sweep: not before it is durable that the tokens which may have been harvested are refused. */
  async clearTaken(): Promise<void> {
    const { port, services } = this.#parts;
    if (this.#endpoint && services.leases.saveProblem === undefined) await port.clearTaken();
  }

  /** What must be done before all of a config is in force in this process. */
  configNotes(config: Config): readonly string[] {
    return [this.#portNote(config.endpointPort), programsNote(config, this.#parts.options)].filter(
      (note) => note !== undefined,
    );
  }

  #portNote(wanted: number): string | undefined {
    const port = this.port();
    if (port === null || port === wanted) return undefined;
    return this.#inheritsEndpoint()
      ? `the service holds port ${port}, endpoint.port is ${wanted}: brokerctl service install, then brokerctl env anew in every shell`
      : "endpoint.port takes effect after brokerctl restart; every shell then needs brokerctl env anew";
  }

  async stop(): Promise<void> {
    const { sockets } = this.#parts;
    await Promise.all([this.#endpoint?.listener.close(), this.#control?.close(), sockets.stop(), this.pages.stop()]);
    this.#endpoint = this.#control = undefined;
  }

  /**
   * What stands behind the interfaces of the endpoint: leases `LeaseState`, credentials `CredentialsRegistry`, peers `ProcPeers`,
   * audit `AuditLog`, config `RunningConfigFile`; noticeResume is of `Sweeper`.
   */
  #endpointApp(): ReturnType<typeof createEndpointApp> {
    const { services, config, noticeResume, options } = this.#parts;
    const { credentials, leases, audit } = services;
    const { clock, logger, peers, fromMemory } = options;
    return createEndpointApp({
      ...{ leases: leases.lookup, credentials, peers, audit, clock, logger, fromMemory },
      noticeResume,
      takeUpEdit: () => config.takeUpEdit(),
      whyMissing: (role) => config.whyLeftOut("role", role),
    });
  }

  /** A program that has the port on ::1 gets what clients send to `localhost`: our URLs never say that, users may. */
  sixNote(): string | undefined {
    if (this.#endpoint?.listener.isTakenOnSix !== true) return undefined;
    return `port ${this.#endpoint.port} on [::1] is another program's: never write localhost in place of 127.0.0.1`;
  }

  #endpointOptions(): ListenerOptions {
    const { options, services } = this.#parts;
    const { clock, logger } = options;
    const onRefused = (): void =>
      services.audit.record({ event: "refused", outcome: "refused", code: "RequestRefused" });
    return { clock, logger, limits: limits(), onRefused };
  }

  #inheritsEndpoint(): boolean {
    return (this.#parts.options.inherited?.endpoint.length ?? 0) > 0;
  }

  /** The port was bound before us and stays so after us; the marker is still looked at: the service may be new. */
  async #serveInherited(): Promise<void> {
    const { port: marker, options } = this.#parts;
    await this.#rotateAfterSquatting();
    const descriptors = options.inherited?.endpoint ?? [];
    const listener = await listenOnInherited(this.#endpointApp(), { descriptors, ...this.#endpointOptions() });
    this.#endpoint = { port: listener.port, listener };
    await marker.remember(listener.port);
    await this.clearTaken();
  }

  #controlServices(daemon: DaemonFacade): ControlServices {
    const { options, services, config, processes, sockets } = this.#parts;
    const { store, credentials, leases, keys, sessions, sources, sso, consoleLogins, aws, functions, tasks, audit } =
      services;
    const { requests, confirmations, questions, display, sessionEnds, schedules } = services;
    const { clock, logger } = options;
    return {
      ...{
        config,
        store,
        credentials,
        leases,
        keys,
        sessions,
        sources,
        sso,
        consoleLogins,
        functions,
        tasks,
        processes,
      },
      ...{ clock, logger },
      ...{ daemon, audit, sts: aws.sts, iam: aws.iam, signIn: aws.signIn, requests, confirmations, questions, display },
      ...{ sockets, sessionNotices: sessionEnds, schedules, pages: this.pages },
    };
  }

  async #bindControl(control: ControlServices, operations: Operations): Promise<void> {
    const { options } = this.#parts;
    const { clock, logger, paths } = options;
    const app = this.#loadedAtFirst(async () => {
      return (await import("../control/app.js")).createControlApp(control, operations);
    });
    const upgrades = new Launches(control, operations);
    const fd = options.inherited?.control;
    const listening = { clock, logger, upgrades, limits: CONTROL_LIMITS };
    this.#control = await (fd === undefined
      ? listenOnSocket(app, { path: paths.controlSocket, ...listening })
      : listenOnDescriptor(app, { fd, ...listening }));
  }

  /** No client of the endpoint waits for the code that answers control. */
  #loadedAtFirst(load: () => Promise<RequestListener>): RequestListener {
    const loaded = onceMade(load);
    return (request, response) => {
      loaded().then(
        (answer) => response.destroyed || answer(request, response),
        (err: unknown) => {
          this.#parts.options.logger.error({ err }, "control cannot be answered");
          response.destroy();
        },
      );
    };
  }

  /** Another program has our port: name it, and remember that what clients sent there is not secret any more. */
  async #explain(error: unknown, port: number): Promise<unknown> {
    if (!(error instanceof BrokerError) || error.code !== "Conflict") return error;
    const { logger } = this.#parts.options;
    // Kept in memory in any case: which program has it is more important than the full disk.
    await this.#parts.port.markTaken().catch((err: unknown) => logger.error({ err }, "a taken port was not noted"));
    const owner = (await describePortOwner(port)) ?? "another process";
    return new BrokerError("Conflict", `port ${port} on 127.0.0.1 is taken by ${owner}`, {
      hint: "end that process, or choose another endpoint.port: brokerctl config edit",
      cause: error,
    });
  }

  /** Before the port is bound: no token that was harvested meanwhile is good for a moment. */
  async #rotateAfterSquatting(): Promise<void> {
    const { port, services, options } = this.#parts;
    if (!(await port.wasTaken())) return;
    try {
      await services.leases.rotateAll();
    } catch (error) {
      // The old tokens are refused all the same, from memory; the marker stays until the disk knows it too.
      services.lifecycle.reconcileLater(error);
      options.logger.error({ err: error }, "new lease tokens could not be saved");
    }
    options.logger.warn({}, "another program had the port before: every lease token was made anew");
  }
}

/** A program may need what the hardened unit takes away; the unit without that is written by `service install`. */
function programsNote(config: Config, { hardened }: DaemonOptions): string | undefined {
  if (!hardened || config.programs.length === 0) return undefined;
  return `the service is hardened, so that programs which the config runs may fail (${config.programs.join(", ")}): brokerctl service install`;
}

/**
 * Only programs of the user's own reach the control socket. One that is slow there was connected and then not run: of a hundred
 * `aws --profile` at once on a busy machine some had the connection for more than the 2 s that strangers get.
 */
const CONTROL_LIMITS: Partial<ServerLimits> = { headersTimeout: 30_000, requestTimeout: 40_000 };

/** Of the endpoint. Idle clients must leave descriptors for files and upstream calls. */
function limits(): Partial<ServerLimits> {
  const most = connectionLimit();
  const maxConnections = Math.min(SERVER_LIMITS.maxConnections, most ?? Number.POSITIVE_INFINITY);
  return { maxConnections, bodies: false };
}
