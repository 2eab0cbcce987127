import type { Sts } from "../aws/sts.js";
import { BrokerError } from "../core/errors.js";
import type { Clock } from "../system/clock.js";
import type { AssumeRole } from "./sources/source-provider.js";

/** One hop: AssumeRole as the role's definition says. */
export function createAssumeRole({ sts, clock }: { readonly sts: Sts; readonly clock: Clock }): AssumeRole {
  return async (signer, { name, assume, stsRegion }) => {
    if (!assume) throw new BrokerError("ConfigInvalid", `role ${name} has no role_arn to assume`);
    const { credentials } = await sts.assumeRole(signer, assume, stsRegion);
    return { credentials, receivedAt: clock.now(), roleArn: assume.roleArn };
  };
}
