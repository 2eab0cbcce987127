import { hashLeaseToken } from "../../core/lease.js";
import { leaseMark } from "../../core/shell-files.js";
import { tokenOf } from "./lease-token.js";

/** Says to a shell's hook whose lease the variables hold; see core/shell-files. */
const MARK_VARIABLE = "CREDBROKER_LEASE";
/** The region that came with a role: the hook follows the role's as long as it is in force. */
const REGION_VARIABLE = "CREDBROKER_REGION";

type Variables = Readonly<Record<string, string>>;

/** For `set`, the variables of a lease; `of` is a pid, `env` or `default`. */
export function markFor(set: Variables, of: string): Variables {
  const token = tokenOf(set);
  const region = set["AWS_REGION"];
  return {
    ...(token !== undefined && { [MARK_VARIABLE]: leaseMark({ token, tokenHash: hashLeaseToken(token), of }) }),
    ...(region !== undefined && { [REGION_VARIABLE]: region }),
  };
}

/** For a child of `exec`: a hook in a shell below leaves what it was given alone, be it a lease or keys. */
export function markForChild(set: Variables): Variables {
  return { [MARK_VARIABLE]: "none:none:exec", ...markFor(set, "exec") };
}
