import { BrokerError } from "../../core/errors.js";
import { NEVER_PLACES } from "./places.js";
import { isWithin } from "./plan.js";

interface Asked {
  readonly home: string;
  /** The broker's directories and `~/.aws`. */
  readonly ours: readonly string[];
  /** A flag, or the working directory. */
  readonly what: string;
}

/** Throws where a confined command would find the broker's own files, other credentials for AWS, or sockets. */
export function refusePlace(path: string, asked: Asked): void {
  const why = reasonAgainst(path, asked);
  if (why === undefined) return;
  throw new BrokerError("UsageInvalid", `--confine: ${asked.what} ${path} ${why}`, { hint: "cd ~/PROJECT" });
}

function reasonAgainst(path: string, { home, ours }: Asked): string | undefined {
  if (path === "/") return "is the whole machine";
  if (isWithin(home, path)) return path === home ? "is the whole home" : "holds the home";
  if (isNeverShown(path)) return "holds sockets, devices or other processes";
  const near = ours.find((place) => isWithin(place, path) || isWithin(path, place));
  if (near === undefined) return undefined;
  return near.endsWith("/.aws") ? `holds or is in ${near}` : `holds or is in the broker's ${near}`;
}

export function isNeverShown(path: string): boolean {
  return NEVER_PLACES.some((place) => isWithin(path, place));
}
