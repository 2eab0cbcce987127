import { BrokerError } from "../core/errors.js";

/** Listening sockets that a service manager opened for us, by descriptor. */
export interface InheritedSockets {
  /** TCP on loopback: 127.0.0.1, and ::1 where it could be had. */
  readonly endpoint: readonly number[];
  readonly control: number | undefined;
}

/** sd_listen_fds(3): the first descriptor that is handed over. */
const FIRST_DESCRIPTOR = 3;
const PROTOCOL = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

/**
 * The sockets handed over as sd_listen_fds(3) says, by the names that our units give them; undefined: none for this
 * process. The variables are removed from `env` in any case: no child may take our descriptors for its own.
 * `UsageInvalid` for sockets that are not named as ours are.
 */
export function takeInheritedSockets(env: NodeJS.ProcessEnv, pid: number): InheritedSockets | undefined {
  const [forPid, count, names] = PROTOCOL.map((name) => env[name]);
  for (const name of PROTOCOL) Reflect.deleteProperty(env, name);
  if (forPid === undefined || Number(forPid) !== pid) return undefined;
  return named(Number(count), (names ?? "").split(":"));
}

function named(count: number, names: readonly string[]): InheritedSockets | undefined {
  if (!Number.isInteger(count) || count <= 0) return undefined;
  const unknown = names.find((name) => name !== "endpoint" && name !== "control");
  const controls = descriptorsOf(names, "control");
  if (names.length !== count || unknown !== undefined || controls.length > 1) {
    const found = names.join(", ") || "no names";
    throw new BrokerError(
      "UsageInvalid",
      `${count} sockets were handed over as ${found}, not as endpoint and control`,
      {
        hint: "brokerctl service install",
      },
    );
  }
  return { endpoint: descriptorsOf(names, "endpoint"), control: controls[0] };
}

function descriptorsOf(names: readonly string[], wanted: string): number[] {
  return names.flatMap((name, index) => (name === wanted ? [FIRST_DESCRIPTOR + index] : []));
}
