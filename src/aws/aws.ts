import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import { AwsCaller } from "./aws-caller.js";
import type { AwsEnvironment } from "./aws-environment.js";
import { Connections } from "./connections.js";
import type { Iam } from "./iam.js";
import type { IamRoles } from "./iam-roles.js";
import type { Lambda } from "./lambda.js";
import { SdkIam } from "./sdk-iam.js";
import { SdkIamRoles } from "./sdk-iam-roles.js";
import { SdkLambda } from "./sdk-lambda.js";
import { SdkSso } from "./sdk-sso.js";
import { SdkSsoOidc } from "./sdk-sso-oidc.js";
import { SdkSts } from "./sdk-sts.js";
import type { SsoPortal } from "./sso.js";
import type { SsoOidc } from "./sso-oidc.js";
import type { Sts } from "./sts.js";

export interface AwsOptions {
  /** From `awsEnvironment(process.env)`, read by the entry. */
  readonly environment: AwsEnvironment;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface Aws {
  readonly sts: Sts;
  readonly iam: Iam;
  readonly iamRoles: IamRoles;
  readonly lambda: Lambda;
  readonly sso: SsoPortal;
  readonly ssoOidc: SsoOidc;
  /** After a suspend: calls that were under way end within a second, with their answer or without. */
  onResume(): void;
  /** `NAME=value`, for `status`. */
  readonly overrides: readonly string[];
}

/** All of AWS that the broker calls, over one set of connections. */
export function createAws({ environment, logger, clock }: AwsOptions): Aws {
  const connections = new Connections(environment);
  const caller = new AwsCaller({ environment, connections, clock, logger });
  const sts = new SdkSts({ caller, clock });
  return {
    sts,
    iam: new SdkIam({ caller, sts, clock }),
    iamRoles: new SdkIamRoles({ caller }),
    lambda: new SdkLambda({ caller }),
    sso: new SdkSso({ caller, clock }),
    ssoOidc: new SdkSsoOidc({ caller, clock }),
    onResume: () => caller.onResume(),
    overrides: environment.overrides,
  };
}
