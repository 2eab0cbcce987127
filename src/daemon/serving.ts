import type { Config } from "../config/config.js";
import { createControlApp } from "../control/app.js";
import type { DaemonFacade, RunningConfig } from "../control/control-services.js";
import { BrokerError } from "../core/errors.js";
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
import type { DaemonOptions, Services } from "./services.js";

export interface ServingOptions {
  readonly options: DaemonOptions;
  readonly services: Services;
  readonly config: RunningConfig;
  readonly processes: ProcessTable;
  readonly port: EndpointPort;
  /** Looks whether the machine slept, before a client's credentials are asked for. */
  readonly noticeResume: () => void;
}

/** The two listeners: endpoint on loopback, control on the unix socket. */
export class Serving {
  readonly #parts: ServingOptions;
  #endpoint: { readonly listener: Listener; readonly port: number } | undefined;
  #control: Listener | undefined;

  constructor(parts: ServingOptions) {
    this.#parts = parts;
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

  /** The endpoint before control: a URL that control answers is served already. */
  async start(endpointPort: number | undefined, facade: DaemonFacade): Promise<void> {
    if (this.#inheritsEndpoint()) await this.#serveInherited();
    else if (endpointPort !== undefined) await this.bindEndpoint(endpointPort);
    try {
      await this.#bindControl(facade);
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
    await Promise.all([this.#endpoint?.listener.close(), this.#control?.close()]);
    this.#endpoint = this.#control = undefined;
  }

  /**
   * What stands behind the interfaces of the endpoint: leases `LeaseState`, credentials `CredentialsRegistry`, peers `ProcPeers`,
   * audit `AuditLog`, config `RunningConfigFile`; noticeResume is of `Sweeper`.
   */
  #endpointApp(): ReturnType<typeof createEndpointApp> {
    const { services, config, noticeResume, options } = this.#parts;
    const { credentials, leases, audit } = services;
    const { clock, logger, peers } = options;
    return createEndpointApp({
      ...{ leases: leases.lookup, credentials, peers, audit, clock, logger },
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

  async #bindControl(daemon: DaemonFacade): Promise<void> {
    const { options, services, config, processes } = this.#parts;
    const { store, credentials, leases, keys, sessions, sources, sso, aws, functions, audit } = services;
    const { requests, confirmations, questions, display } = services;
    const { clock, logger, paths } = options;
    const app = createControlApp({
      ...{ config, store, credentials, leases, keys, sessions, sources, sso, functions, processes, clock, logger },
      ...{ daemon, audit, sts: aws.sts, iam: aws.iam, requests, confirmations, questions, display },
    });
    const fd = options.inherited?.control;
    this.#control = await (fd === undefined
      ? listenOnSocket(app, { path: paths.controlSocket, clock, logger })
      : listenOnDescriptor(app, { fd, clock, logger }));
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

/** Of the endpoint. Idle clients must leave descriptors for files and upstream calls. */
function limits(): Partial<ServerLimits> {
  const most = connectionLimit();
  const maxConnections = Math.min(SERVER_LIMITS.maxConnections, most ?? Number.POSITIVE_INFINITY);
  return { maxConnections, bodies: false };
}
