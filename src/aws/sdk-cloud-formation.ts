import {
  CloudFormationClient,
  ListStackResourcesCommand,
  type ListStackResourcesCommandOutput,
} from "@aws-sdk/client-cloudformation";
import type { SigningCredentials } from "../core/credentials.js";
import { BrokerError } from "../core/errors.js";
import { accessError } from "./access-error.js";
import type { AwsAnswer, AwsCaller, CallOptions } from "./aws-caller.js";
import type { Explain } from "./aws-error.js";
import type { CloudFormation, StackResource } from "./cloud-formation.js";
import { unusableAnswer } from "./unreachable.js";

const ACTION = "ListStackResources";
/** Of an answer that never ends: a stack has at most 500 resources, and a page 100. */
const MAX_PAGES = 50;

/** CloudFormation through the AWS SDK. */
export class SdkCloudFormation implements CloudFormation {
  readonly #caller: AwsCaller;

  constructor({ caller }: { readonly caller: AwsCaller }) {
    this.#caller = caller;
  }

  async stackResources(signer: SigningCredentials, stack: string, region: string): Promise<readonly StackResource[]> {
    const all: StackResource[] = [];
    let token: string | undefined;
    for (let pages = 1; ; pages++) {
      const { output, host } = await this.#page({ signer, stack, region, token });
      if (!output.StackResourceSummaries) throw unusableAnswer(ACTION, host, "no list");
      all.push(...output.StackResourceSummaries.flatMap(existing));
      token = output.NextToken;
      if (!token) return all;
      if (pages >= MAX_PAGES) throw unusableAnswer(ACTION, host, "a list without an end");
    }
  }

  #page({ signer, stack, region, token }: WantedPage): Promise<AwsAnswer<ListStackResourcesCommandOutput>> {
    const input = { StackName: stack, ...(token !== undefined && { NextToken: token }) };
    return this.#caller.call({
      ...{ service: "cloudformation", action: ACTION, subject: `stack ${stack}`, region, signer },
      explain: stackError,
      client: (options: CallOptions) => new CloudFormationClient(options),
      send: (client, http) => client.send(new ListStackResourcesCommand(input), http),
    });
  }
}

interface WantedPage {
  readonly signer: SigningCredentials;
  readonly stack: string;
  readonly region: string;
  readonly token: string | undefined;
}

type Summary = NonNullable<ListStackResourcesCommandOutput["StackResourceSummaries"]>[number];

/** One that is being made has no physical id yet; one that is gone is listed on. */
function existing(summary: Summary): readonly StackResource[] {
  const { LogicalResourceId, PhysicalResourceId, ResourceType, ResourceStatus } = summary;
  if (!LogicalResourceId || !PhysicalResourceId || !ResourceType || ResourceStatus === "DELETE_COMPLETE") return [];
  return [{ logicalId: LogicalResourceId, physicalId: PhysicalResourceId, type: ResourceType }];
}

/** It has no code of its own for a stack that there is not: a ValidationError, told by its text. */
const stackError: Explain = (failure, call) => {
  if (failure.awsCode !== "ValidationError" || !failure.message.includes("does not exist")) {
    return accessError("cloudformation")(failure, call);
  }
  return new BrokerError("NotFound", `there is no ${call.subject} in ${call.region}: ${failure.message}`, {
    hint: "check the stack's name and region (--region): aws cloudformation list-stacks",
    cause: failure,
  });
};
