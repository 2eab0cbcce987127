import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { BrokerError } from "../../core/errors.js";
import { SOCKET_VARIABLE } from "../../core/lease-socket.js";
import { toolRunner } from "../../system/service/run-tool.js";
import { environmentOfChild, withMetadata } from "../access/child-environment.js";
import { printChanges, printFailure, SHELL_FORMATS } from "../access/print-changes.js";
import { childWords, runChild } from "../access/run-child.js";
import { changesFor, regionVariables, unlessSet } from "../access/variables.js";
import { awsFiles } from "../aws-files/aws-files.js";
import type { NeutralAwsFiles } from "../aws-files/copies-stamp.js";
import { neutralAwsFiles } from "../aws-files/neutral-aws-files.js";
import { defineCommand, type Outcome } from "../command.js";
import type { CliContext } from "../context.js";
import { EXEC_EXIT, EXEC_EXIT_TEXT } from "../exit-codes.js";
import type { SocketAnswer } from "../forward/ask-socket.js";
import { type Bridge, openBridge } from "../forward/bridge.js";
import { LINK_LOCAL } from "../forward/link-local.js";
import { openLinkLocal } from "../forward/link-local-servers.js";
import { IN_A_NETWORK_OF_ITS_OWN, refuseSharedNetwork } from "../forward/own-network.js";
import { waitForLease } from "../forward/wait-for-lease.js";

export const forwardCommand = defineCommand({
  name: "forward",
  summary: "In a container or network namespace: let AWS SDKs reach a lease's socket",
  details: `Run where the SDKs run: it listens on 127.0.0.1 there, with a token of its own, and asks the socket of the lease for
each client. It holds no credentials, so they are renewed by brokerd, end with the lease, and are there again when brokerd is.
With CMD: runs it with the variables that \`exec\` sets. Without: prints them, as \`env\` does, and serves until a signal ends it.
With --imds, in a network namespace of its own alone: for programs that ask 169.254.170.2 or the instance metadata (IMDSv2) of
169.254.169.254 and nothing else. The loopback there has these addresses while CMD runs, and every program there the lease.
The socket is one of \`lease create --socket\` or \`exec --socket\`, shared into the container, or sent by \`ssh -R\`.`,
  rest: "CMD…",
  options: {
    socket: { type: "string", value: "PATH", help: `of the lease; default: what ${SOCKET_VARIABLE} says` },
    listen: { type: "string", value: "127.0.0.1:PORT", help: "default: any free port" },
    imds: { type: "boolean", help: "instance metadata and 169.254.170.2 in place of the port; Linux, with CMD" },
    format: { type: "string", choices: SHELL_FORMATS, help: "of what is printed without CMD; default sh" },
  },
  examples: [
    "brokerctl forward --socket /run/lease/lease.sock -- python agent.py",
    ". <(brokerctl forward --socket /run/lease/lease.sock)      in bash and zsh, for this shell",
    "brokerctl exec dev --socket -- unshare -rn brokerctl forward --imds -- ./old-program",
    "brokerctl forward --format dotenv > aws.env &",
  ],
  exitCodes: EXEC_EXIT_TEXT,
  failureCode: EXEC_EXIT.ownFailure,
  async run({ options, rest }, context) {
    const socket = socketOf(options.socket, context);
    const port = portOf(options.listen);
    if (rest.length > 0 && options.format !== undefined) throw formatOfCommand();
    const isImds = options.imds;
    if (isImds && (rest.length === 0 || options.listen !== undefined)) throw imdsIsOfCommand();
    const answer = await waitForLease(socket, context);
    const bridge = isImds
      ? await openMetadata(socket, answer, context)
      : await openBridge({ socket, port, clock: context.clock });
    // The socket for what else a lease can be asked: `brokerctl mcp`.
    const variables = { ...bridge.variables, ...regionVariables(answer.region), [SOCKET_VARIABLE]: socket };
    if (rest.length === 0) return serve({ variables, format: options.format ?? "sh" }, context);
    return runBeside(bridge, { variables, rest, isImds }, context);
  },
  onFailure(argv, context) {
    if (!argv.includes("--")) printFailure(argv, context);
  },
});

type Variables = Readonly<Record<string, string>>;

async function openMetadata(
  socket: string,
  { region, network }: SocketAnswer,
  { clock, env }: CliContext,
): Promise<Bridge> {
  refuseSharedNetwork(network);
  return openLinkLocal({ socket, region, clock }, toolRunner(env));
}

/** For programs that others start. Ends with the signal that ends us. */
async function serve(
  { variables, format }: { readonly variables: Variables; readonly format: (typeof SHELL_FORMATS)[number] },
  context: CliContext,
): Promise<Outcome> {
  const { files, defaultSettings } = await filesFor(context);
  const set = { ...unlessSet(defaultSettings, context.env), ...variables, ...files };
  const changes = changesFor(set, context.env);
  printChanges({ changes, format, command: "brokerctl forward" }, context);
  // Who reads what is printed to its end gets there.
  context.endStdout();
  return new Promise(() => undefined);
}

interface CommandBeside {
  readonly variables: Variables;
  readonly rest: readonly string[];
  readonly isImds: boolean;
}

async function runBeside(
  bridge: Bridge,
  { variables, rest, isImds }: CommandBeside,
  context: CliContext,
): Promise<Outcome> {
  try {
    const command = childWords(rest, context.env, "brokerctl forward -- CMD");
    const env = environmentOfChild(context.env, variables, await filesFor(context));
    return await runChild({ ...command, env: isImds ? withMetadata(env, Object.values(LINK_LOCAL)) : env }, context);
  } finally {
    await bridge.close();
  }
}

/** As `exec` has them. In most containers there is no `~/.aws`, and often no place to write: nothing is made there then. */
async function filesFor(context: CliContext): Promise<NeutralAwsFiles> {
  const { config, credentials } = awsFiles(context);
  if (!existsSync(config) && !existsSync(credentials)) return { files: {}, defaultSettings: {} };
  return neutralAwsFiles(context);
}

function socketOf(given: string | undefined, { env, cwd }: CliContext): string {
  const path = given ?? env[SOCKET_VARIABLE];
  if (path !== undefined && path !== "") return resolve(cwd(), path);
  throw new BrokerError("UsageInvalid", `--socket is missing, and ${SOCKET_VARIABLE} is not set`, {
    hint: "brokerctl forward --socket PATH -- CMD",
  });
}

function portOf(listen: string | undefined): number {
  if (listen === undefined) return 0;
  const port = Number(/^127\.0\.0\.1:(\d{1,5})$/.exec(listen)?.[1] ?? Number.NaN);
  if (port >= 0 && port <= 65_535) return port;
  throw new BrokerError("UsageInvalid", `--listen takes 127.0.0.1:PORT, not '${listen}'`, {
    hint: "brokerctl forward --listen 127.0.0.1:9171 -- CMD    # SDKs ask no other address over http",
  });
}

function formatOfCommand(): BrokerError {
  return new BrokerError("UsageInvalid", "--format is of what is printed, and with CMD nothing is", {
    hint: "brokerctl forward --socket PATH -- CMD",
  });
}

function imdsIsOfCommand(): BrokerError {
  return new BrokerError(
    "UsageInvalid",
    "--imds takes a command and no --listen: its addresses are there while that runs",
    {
      hint: IN_A_NETWORK_OF_ITS_OWN,
    },
  );
}
