import { onceMade, onFirstUse } from "../core/on-first-use.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import type { AwsCaller } from "./aws-caller.js";
import type { AwsEnvironment } from "./aws-environment.js";
import type { CloudFormation } from "./cloud-formation.js";
import type { Ecs } from "./ecs.js";
import type { Iam } from "./iam.js";
import type { IamRoles } from "./iam-roles.js";
import type { Lambda } from "./lambda.js";
import type { SignIn } from "./sign-in.js";
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
  readonly cloudFormation: CloudFormation;
  readonly ecs: Ecs;
  readonly sso: SsoPortal;
  readonly ssoOidc: SsoOidc;
  readonly signIn: SignIn;
  /** After a suspend: calls that were under way end within a second, with their answer or without. */
  onResume(): void;
  /** `NAME=value`, for `status`. */
  readonly overrides: readonly string[];
}

/** All of AWS that the broker calls, over one set of connections. Each client's part of the SDK is loaded by its first call. */
export function createAws(options: AwsOptions): Aws {
  const { environment, clock } = options;
  let loaded: AwsCaller | undefined;
  const callerOnce = onceMade(async () => (loaded = await createCaller(options)));
  const sts = onFirstUse<Sts>(async () => {
    const [{ SdkSts }, caller] = await Promise.all([import("./sdk-sts.js"), callerOnce()]);
    return new SdkSts({ caller, clock });
  });
  return {
    sts,
    iam: onFirstUse<Iam>(async () => {
      const [{ SdkIam }, caller] = await Promise.all([import("./sdk-iam.js"), callerOnce()]);
      return new SdkIam({ caller, sts, clock });
    }),
    iamRoles: onFirstUse<IamRoles>(async () => {
      const [{ SdkIamRoles }, caller] = await Promise.all([import("./sdk-iam-roles.js"), callerOnce()]);
      return new SdkIamRoles({ caller });
    }),
    lambda: onFirstUse<Lambda>(async () => {
      const [{ SdkLambda }, caller] = await Promise.all([import("./sdk-lambda.js"), callerOnce()]);
      return new SdkLambda({ caller });
    }),
    cloudFormation: onFirstUse<CloudFormation>(async () => {
      const [{ SdkCloudFormation }, caller] = await Promise.all([import("./sdk-cloud-formation.js"), callerOnce()]);
      return new SdkCloudFormation({ caller });
    }),
    ecs: onFirstUse<Ecs>(async () => {
      const [{ SdkEcs }, caller] = await Promise.all([import("./sdk-ecs.js"), callerOnce()]);
      return new SdkEcs({ caller });
    }),
    sso: onFirstUse<SsoPortal>(async () => {
      const [{ SdkSso }, caller] = await Promise.all([import("./sdk-sso.js"), callerOnce()]);
      return new SdkSso({ caller, clock });
    }),
    ssoOidc: onFirstUse<SsoOidc>(async () => {
      const [{ SdkSsoOidc }, caller] = await Promise.all([import("./sdk-sso-oidc.js"), callerOnce()]);
      return new SdkSsoOidc({ caller, clock });
    }),
    signIn: onFirstUse<SignIn>(async () => {
      const [{ SdkSignIn }, caller] = await Promise.all([import("./sdk-sign-in.js"), callerOnce()]);
      return new SdkSignIn({ caller, clock });
    }),
    onResume: () => loaded?.onResume(),
    overrides: environment.overrides,
  };
}

async function createCaller({ environment, clock, logger }: AwsOptions): Promise<AwsCaller> {
  const [{ AwsCaller }, { Connections }] = await Promise.all([import("./aws-caller.js"), import("./connections.js")]);
  return new AwsCaller({ environment, connections: new Connections(environment), clock, logger });
}
