import type { SigningCredentials } from "../core/credentials.js";

/** What a stack has made of a logical id. */
export interface StackResource {
  /** As the template calls it. */
  readonly logicalId: string;
  /** What AWS calls it: of a function its name. */
  readonly physicalId: string;
  /** `AWS::Lambda::Function`, also of what SAM's `AWS::Serverless::Function` became. */
  readonly type: string;
}

/** CloudFormation; failures are BrokerErrors made by aws-error: an unknown stack is `NotFound`, who may not read it `AccessDenied`. */
export interface CloudFormation {
  /** All that exist, of one stack and none that it nests. */
  stackResources(signer: SigningCredentials, stack: string, region: string): Promise<readonly StackResource[]>;
}
