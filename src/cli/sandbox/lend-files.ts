import { basename, dirname } from "node:path";
import { SOCKET_VARIABLE } from "../../core/lease-socket.js";
import type { BrokerPaths } from "../../system/paths.js";
import { LENT_DIRECTORY } from "./places.js";
import { isWithin, type Shown } from "./plan.js";

type Variables = Readonly<Record<string, string>>;

export interface Lent {
  readonly variables: Variables;
  readonly shown: readonly Shown[];
}

/**
 * Variables of a lease name files in the broker's own directories: the lease's token and socket, copies of `~/.aws`. A confined command is
 * lent these alone, and where `moves`, under a path that says nothing of where the others are. Copies and socket as a directory, so that
 * one that is replaced is seen.
 */
export function lendFiles(variables: Variables, { stateDir, runtimeDir }: BrokerPaths, moves: boolean): Lent {
  const shown = new Map<string, Shown>();
  const lent = Object.entries(variables).map(([name, path]) => {
    const isOurs = isWithin(path, stateDir) || isWithin(path, runtimeDir);
    if (!isOurs && name !== SOCKET_VARIABLE) return [name, path] as const;
    const place = placeOf(path, isOurs, moves);
    shown.set(place.as, place);
    return [name, place.as + path.slice(place.path.length)] as const;
  });
  return { variables: Object.fromEntries(lent), shown: [...shown.values()] };
}

/** `tokens/LEASE` is one of many there, and a socket's directory may be the user's; `aws/HASH/config`, `profiles/LEASE/credentials`, `leases/LEASE/lease.sock` are alone. */
function placeOf(file: string, isOurs: boolean, moves: boolean): Shown {
  const directory = dirname(file);
  const isToken = basename(directory) === "tokens";
  const path = isToken || !isOurs ? file : directory;
  const name = isToken ? "token" : basename(isOurs ? dirname(directory) : file);
  return { path, as: moves ? `${LENT_DIRECTORY}/${name}` : path };
}
