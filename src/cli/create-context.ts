import type { ControlClient } from "../control-api/client.js";
import type { ControlOperation } from "../control-api/contract.js";
import type { CliContext, CliHost } from "./context.js";
import { createOutput, type Output, printable } from "./terminal/output.js";

/** What one command runs in. */
export function createContext(host: CliHost, { json }: { readonly json: boolean }): CliContext {
  const { stdinIsTTY, stdout, stderr, env, clock } = host;
  const output = createOutput({ stdout, stderr, env, json, clock });
  const shared = { host, output, connection: new Connection(host.connect) };
  const quietClient = createClient({ ...shared, mayWake: false });
  const context = { ...host, output, quietClient, interactive: stdinIsTTY && stderr.isTTY === true };
  const mayWake = env["CREDBROKER_NO_AUTOSTART"] !== "1";
  return { ...context, client: createClient({ ...shared, mayWake, start: starter(context) }) };
}

interface ClientOptions {
  readonly host: CliHost;
  readonly output: Output;
  readonly connection: Connection;
  /** Whether connecting may start the daemon, as it does where systemd holds the socket. */
  readonly mayWake: boolean;
  /** Starts the daemon after this failure, or rejects; without it the daemon is taken as it is. */
  readonly start?: (failure: unknown) => Promise<unknown>;
}

function createClient({ host, output, connection, mayWake, start }: ClientOptions): ControlClient {
  const asking = async <T>(about: Asked, ask: (client: ControlClient) => Promise<T>): Promise<T> => {
    const attempt = async (wakes: boolean): Promise<T> => {
      if (!wakes && connection.client?.daemonVersion === undefined) await refuseToWake(host);
      return telling(about, output, async () => ask(await connection.open()));
    };
    try {
      return await attempt(mayWake);
    } catch (error) {
      if (!start) throw error;
      await start(error);
      return attempt(false);
    }
  };
  return {
    get daemonVersion() {
      return connection.client?.daemonVersion;
    },
    call: (operation, request, options) =>
      asking({ operation, request }, (client) => client.call(operation, request, options)),
    launch: (request, options) => asking({ operation: "warm", request }, (client) => client.launch(request, options)),
  };
}

/** Loads what it takes to talk when something is said: `--help` needs none of it. */
class Connection {
  readonly #connect: () => Promise<ControlClient>;
  #opening: Promise<ControlClient> | undefined;
  client: ControlClient | undefined;

  constructor(connect: () => Promise<ControlClient>) {
    this.#connect = connect;
  }

  async open(): Promise<ControlClient> {
    this.client = await (this.#opening ??= this.#connect());
    return this.client;
  }
}

async function refuseToWake(host: CliHost): Promise<void> {
  if (!host.mayBeHeld()) return;
  const { refuseToWake: refuse } = await import("./daemon/own-supervisor.js");
  await refuse(host);
}

/** Starts the daemon when nothing listens: once, however many calls of this command ask. */
function starter(context: Omit<CliContext, "client">): (failure: unknown) => Promise<unknown> {
  let starting: Promise<unknown> | undefined;
  return async (failure) => {
    const { refuseUnlessStartable, startDaemon } = await import("./daemon/start-daemon.js");
    refuseUnlessStartable(failure, context);
    starting ??= context.output.progress.during("starting brokerd", () => startDaemon(context));
    return starting;
  };
}

/** What the user is told while a call waits; the rest waits for brokerd itself. */
const WAITING: Partial<Record<ControlOperation, string>> = {
  warm: "fetching credentials",
  use: "fetching credentials",
  refresh: "fetching credentials",
  whoami: "asking AWS who this is",
  console: "asking AWS to sign a browser in",
  "login-start": "asking AWS for a login",
  "login-mfa": "sending the MFA code to AWS",
  "login-code": "sending the code to AWS",
  logout: "ending the login",
  "sso-accounts": "asking for the accounts of the login",
  "keys-rotate": "making a new key",
  "lambda-list": "reading the list of functions",
  "lambda-role": "reading the function and its role",
  "lambda-code": "asking for the function's code",
  "lambda-trust": "reading the role's trust policy",
  "task-role": "reading the task definition",
  "task-trust": "reading the role's trust policy",
  "store-create": "opening the secret store; it may be asking for you in a window",
  unlock: "opening the secret store; it may be asking for you in a window",
  "guard-confirm": "waiting for a yes; brokerd may be asking for you in a window",
  "lease-set": "fetching credentials",
};
/** Their commands tell it in their own words. */
const TOLD_ELSEWHERE: readonly ControlOperation[] = ["login-wait", "request-wait", "sso-account-roles"];

interface Asked {
  readonly operation: ControlOperation;
  readonly request: object;
}

function telling<T>({ operation, request }: Asked, { progress }: Output, call: () => Promise<T>): Promise<T> {
  if (TOLD_ELSEWHERE.includes(operation)) return call();
  const role = "role" in request && typeof request.role === "string" ? ` of ${printable(request.role)}` : "";
  return progress.during(`${WAITING[operation] ?? "waiting for brokerd"}${role}`, call);
}
