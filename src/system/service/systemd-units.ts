import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { DAEMON_NODE_FLAGS } from "../node-flags.js";
import { stablePath } from "./stable-path.js";
import type { SupervisorInstall, SupervisorPlace } from "./supervisor.js";
import { serviceEnvironment } from "./systemd-environment.js";
import { CONTROL_SOCKET, ENDPOINT_SOCKET, IPV6_SOCKET, SERVICE } from "./unit-names.js";
import { commandWord, environmentLine, fillTemplate, unitGlob, unitPath, unitValue, unitWord } from "./unit-text.js";

export const CONFINED = "brokerd.service.d/credbroker-confined.conf";
export const PROGRAMS = "brokerd.service.d/credbroker-programs.conf";

/** All that `install` may write among the units, by their paths below the unit directory. */
export const UNIT_FILES = [SERVICE, ENDPOINT_SOCKET, IPV6_SOCKET, CONTROL_SOCKET, CONFINED, PROGRAMS] as const;
export type UnitFile = (typeof UNIT_FILES)[number];

const TEMPLATES = new URL("../../../systemd/", import.meta.url);

/** Every file as it should be; null: it should not be there. */
export interface SystemdFiles {
  readonly units: ReadonlyMap<UnitFile, string | null>;
  /** Of `EnvironmentFile=`. */
  readonly environment: string | null;
  readonly notes: readonly string[];
}

export interface UnitChoices extends SupervisorInstall {
  /** The drop-in with namespaces is wanted. */
  readonly confined: boolean;
  /** In place of the Node that runs brokerctl. */
  readonly nodePath?: string | undefined;
}

/** The file of the carried variables: among what is private, as a proxy's address may hold a password. */
export function environmentFileOf({ paths }: SupervisorPlace): string {
  return join(paths.stateDir, "service.env");
}

export async function renderUnits(
  place: SupervisorPlace,
  choices: UnitChoices,
  hasIpv6 = ipv6LoopbackExists(),
): Promise<SystemdFiles> {
  const { home, carried } = serviceEnvironment(place, choices);
  const node = choices.nodePath === undefined ? stablePath(place.nodePath) : { path: choices.nodePath };
  const script = stablePath(place.scriptPath);
  const sockets = [ENDPOINT_SOCKET, ...(hasIpv6 ? [IPV6_SOCKET] : []), CONTROL_SOCKET];
  const hasCarried = Object.keys(carried).length > 0;
  const values = {
    CONFIG_FILE: unitValue(place.paths.configFile),
    STATE_DIR: unitValue(place.paths.stateDir),
    COMMAND: [node.path, ...DAEMON_NODE_FLAGS, script.path, "--log-file", place.paths.logFile]
      .map(commandWord)
      .join(" "),
    ENVIRONMENT: [
      ...Object.entries(home).map(([name, value]) => `Environment=${unitWord(`${name}=${value}`)}`),
      ...(hasCarried ? [`EnvironmentFile=${unitGlob(environmentFileOf(place))}`] : []),
    ].join("\n"),
    SOCKETS: sockets.join(" "),
    PORT: String(choices.port),
    CONTROL_SOCKET: unitPath(place.paths.controlSocket),
    WRITABLE: [place.paths.stateDir, place.paths.runtimeDir].map(unitWord).join(" "),
  };
  const wanted = new Set<string>([SERVICE, ...sockets]);
  if (choices.needsPath) wanted.add(PROGRAMS);
  else if (choices.confined) wanted.add(CONFINED);
  const units = new Map<UnitFile, string | null>();
  for (const file of UNIT_FILES) units.set(file, wanted.has(file) ? fillTemplate(await template(file), values) : null);
  const lines = Object.entries(carried).map(([name, value]) => environmentLine(name, value));
  return { units, environment: hasCarried ? lines.join("") : null, notes: notesOf([node, script], carried) };
}

/** The settings of the drop-in, for a trial: `PrivateUsers=yes`, … */
export async function confinement(place: SupervisorPlace): Promise<readonly string[]> {
  const writable = [place.paths.stateDir, place.paths.runtimeDir].map(unitWord).join(" ");
  const [, settings = ""] = (await template(CONFINED)).split("[Service]\n");
  return fillTemplate(settings, { WRITABLE: writable })
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}

async function template(file: UnitFile): Promise<string> {
  return readFile(new URL(file, TEMPLATES), "utf8");
}

function notesOf(
  programs: readonly ReturnType<typeof stablePath>[],
  carried: Readonly<Record<string, string>>,
): string[] {
  const names = Object.keys(carried);
  const ending = programs.flatMap(({ path, endsWith }) =>
    endsWith === undefined ? [] : [`${path} may be removed by ${endsWith}: then run brokerctl service install again`],
  );
  return [
    ...(names.length === 0 ? [] : [`carried over from this shell, as it is now: ${names.join(" ")}`]),
    ...ending.slice(0, 1),
  ];
}

function ipv6LoopbackExists(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === "::1"));
}
