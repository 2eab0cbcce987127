import type { WantedScope } from "../../control-api/lease-contract.js";
import { BrokerError } from "../../core/errors.js";
import { describeScope } from "../../core/lease-scope.js";
import { shellQuote } from "../../core/shell-quote.js";

/** Flags of `exec` that do not go together, each with the command that does. */

/** `given`: ROLE, a stage or an end. */
export function refuseBesideLease(lease: string | undefined, given: string | undefined): void {
  if (lease === undefined || given === undefined) return;
  const message = `--lease ${lease} brings its own role and end: leave ROLE, --stage and --for out`;
  throw new BrokerError("UsageInvalid", message, { hint: `brokerctl exec --lease ${lease} -- CMD` });
}

/** What these bring is not what the flags narrow. */
export function refuseUnnarrowed(
  scope: WantedScope | undefined,
  { lease, with: seconds }: { readonly lease: string | undefined; readonly with: readonly string[] },
): void {
  if (!scope || (lease === undefined && seconds.length === 0)) return;
  const [flag, brings] = lease === undefined ? ["--with", "keys of a second role"] : ["--lease", "a lease of its own"];
  throw new BrokerError("UsageInvalid", `${flag} brings ${brings}, which ${describeScope(scope)} does not narrow`, {
    hint: lease === undefined ? "brokerctl exec ROLE --read-only -- CMD" : `brokerctl exec --lease ${lease} -- CMD`,
  });
}

export function movableWithoutRole(): BrokerError {
  return new BrokerError("UsageInvalid", "--movable is for a lease with ROLE: without, it is like this shell's", {
    hint: "brokerctl exec ROLE --movable -- CMD",
  });
}

export function refuseProfilesOf(form: string, given: readonly string[]): void {
  if (form === "profile" || given.length === 0) return;
  const flags = given.map((one) => `--profile ${shellQuote(one)}`).join(" ");
  throw new BrokerError("UsageInvalid", "--profile is for --as profile: the other forms give CMD one role", {
    hint: `brokerctl exec ROLE --as profile ${flags} -- CMD`,
  });
}

/** Keys need no lease, and a named one has its own socket or none. */
export function refuseSocketOf(wanted: boolean, form: string, lease: string | undefined): void {
  if (!wanted) return;
  if (lease !== undefined) {
    throw new BrokerError(
      "UsageInvalid",
      "--socket is of a lease that ends with CMD: a named one is made with a socket",
      {
        hint: "brokerctl lease create NAME ROLE --socket PATH",
      },
    );
  }
  if (form !== "static" && form !== "profile") return;
  throw new BrokerError("UsageInvalid", `--as ${form} hands out keys: there is no lease for a socket`, {
    hint: "brokerctl exec ROLE --socket -- CMD",
  });
}

export function noRole(hint: string): BrokerError {
  return new BrokerError("NoRole", "no role is chosen, and none is given", { hint });
}
