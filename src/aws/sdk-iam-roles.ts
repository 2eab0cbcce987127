import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  type EvaluationResult,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
  SimulatePrincipalPolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from "@aws-sdk/client-iam";
import type { SigningCredentials } from "../core/credentials.js";
import { accessError } from "./access-error.js";
import type { AwsAnswer, AwsCall, AwsCaller, CallOptions } from "./aws-caller.js";
import { MAX_POLICY_BYTES } from "./bounded-body.js";
import type {
  AttachedPolicy,
  IamRole,
  IamRoles,
  InlinePolicy,
  NewRole,
  Simulation,
  SimulationQuestion,
} from "./iam-roles.js";
import { unusableAnswer } from "./unreachable.js";

/** Of an answer that never ends: AWS's quotas allow a fraction of it. */
const MAX_PAGES = 50;

/** IAM's roles through the AWS SDK. */
export class SdkIamRoles implements IamRoles {
  readonly #caller: AwsCaller;

  constructor({ caller }: { readonly caller: AwsCaller }) {
    this.#caller = caller;
  }

  async getRole(signer: SigningCredentials, roleName: string, region: string): Promise<IamRole> {
    const { output, host } = await this.#call({
      action: "GetRole",
      subject: roleName,
      region,
      signer,
      send: (client, http) => client.send(new GetRoleCommand({ RoleName: roleName }), http),
    });
    const { Arn, RoleName, AssumeRolePolicyDocument, PermissionsBoundary, Tags = [] } = output.Role ?? {};
    if (!Arn || !RoleName) throw unusableAnswer("GetRole", host, "no role");
    const boundary = PermissionsBoundary?.PermissionsBoundaryArn;
    return {
      roleName: RoleName,
      arn: Arn,
      trustPolicy: decoded(AssumeRolePolicyDocument, "GetRole", host),
      ...(boundary === undefined ? {} : { permissionsBoundaryArn: boundary }),
      tags: Object.fromEntries(Tags.map(({ Key = "", Value = "" }) => [Key, Value])),
    };
  }

  attachedPolicies(signer: SigningCredentials, roleName: string, region: string): Promise<readonly AttachedPolicy[]> {
    const action = "ListAttachedRolePolicies";
    return allPages(action, async (page) => {
      const { output, host } = await this.#call({
        ...{ action, subject: roleName, region, signer },
        send: (client, http) => client.send(new ListAttachedRolePoliciesCommand({ RoleName: roleName, ...page }), http),
      });
      const items = output.AttachedPolicies?.map(({ PolicyName, PolicyArn }) => {
        if (!PolicyName || !PolicyArn) throw unusableAnswer(action, host, "a policy without name or ARN");
        return { policyName: PolicyName, policyArn: PolicyArn };
      });
      return { items, host, ...markerOf(output) };
    });
  }

  async inlinePolicies(signer: SigningCredentials, roleName: string, region: string): Promise<readonly InlinePolicy[]> {
    const action = "ListRolePolicies";
    const names = await allPages(action, async (page) => {
      const { output, host } = await this.#call({
        ...{ action, subject: roleName, region, signer },
        send: (client, http) => client.send(new ListRolePoliciesCommand({ RoleName: roleName, ...page }), http),
      });
      return { items: output.PolicyNames, host, ...markerOf(output) };
    });
    const policies: InlinePolicy[] = [];
    for (const policyName of names) {
      policies.push({ policyName, document: await this.#inlinePolicy(signer, { roleName, policyName }, region) });
    }
    return policies;
  }

  async #inlinePolicy(
    signer: SigningCredentials,
    { roleName, policyName }: { readonly roleName: string; readonly policyName: string },
    region: string,
  ): Promise<string> {
    const { output, host } = await this.#call({
      action: "GetRolePolicy",
      subject: `${roleName}, ${policyName}`,
      region,
      signer,
      send: (client, http) =>
        client.send(new GetRolePolicyCommand({ RoleName: roleName, PolicyName: policyName }), http),
    });
    return decoded(output.PolicyDocument, "GetRolePolicy", host);
  }

  async managedPolicy(signer: SigningCredentials, policyArn: string, region: string): Promise<string> {
    const asked = { subject: policyArn, region, signer };
    const { output, host } = await this.#call({
      ...{ ...asked, action: "GetPolicy" },
      send: (client, http) => client.send(new GetPolicyCommand({ PolicyArn: policyArn }), http),
    });
    const version = output.Policy?.DefaultVersionId;
    if (!version) throw unusableAnswer("GetPolicy", host, "no policy version");
    const input = { PolicyArn: policyArn, VersionId: version };
    const answer = await this.#call({
      ...{ ...asked, action: "GetPolicyVersion" },
      send: (client, http) => client.send(new GetPolicyVersionCommand(input), http),
    });
    return decoded(answer.output.PolicyVersion?.Document, "GetPolicyVersion", answer.host);
  }

  async simulate(
    signer: SigningCredentials,
    { roleArn, action, resource }: SimulationQuestion,
    region: string,
  ): Promise<Simulation> {
    const resources = resource === undefined ? {} : { ResourceArns: [resource] };
    const input = { PolicySourceArn: roleArn, ActionNames: [action], ...resources };
    const { output, host } = await this.#call({
      ...{ action: "SimulatePrincipalPolicy", subject: roleArn, region, signer },
      send: (client, http) => client.send(new SimulatePrincipalPolicyCommand(input), http),
    });
    return simulationOf(output.EvaluationResults?.[0], host);
  }

  async updateTrustPolicy(
    signer: SigningCredentials,
    { roleName, document }: { readonly roleName: string; readonly document: string },
    region: string,
  ): Promise<void> {
    const input = { RoleName: roleName, PolicyDocument: document };
    await this.#call({
      action: "UpdateAssumeRolePolicy",
      subject: roleName,
      region,
      signer,
      send: (client, http) => client.send(new UpdateAssumeRolePolicyCommand(input), http),
    });
  }

  async createRole(
    signer: SigningCredentials,
    { roleName, trustPolicy, description }: NewRole,
    region: string,
  ): Promise<void> {
    const input = { RoleName: roleName, AssumeRolePolicyDocument: trustPolicy, Description: description };
    await this.#call({
      ...{ action: "CreateRole", subject: roleName, region, signer },
      send: (client, http) => client.send(new CreateRoleCommand(input), http),
    });
  }

  async attachPolicy(
    signer: SigningCredentials,
    { roleName, policyArn }: { readonly roleName: string; readonly policyArn: string },
    region: string,
  ): Promise<void> {
    const input = { RoleName: roleName, PolicyArn: policyArn };
    await this.#call({
      ...{ action: "AttachRolePolicy", subject: `${policyArn} to ${roleName}`, region, signer },
      send: (client, http) => client.send(new AttachRolePolicyCommand(input), http),
    });
  }

  async putInlinePolicy(
    signer: SigningCredentials,
    { roleName, policyName, document }: InlinePolicy & { readonly roleName: string },
    region: string,
  ): Promise<void> {
    const input = { RoleName: roleName, PolicyName: policyName, PolicyDocument: document };
    await this.#call({
      ...{ action: "PutRolePolicy", subject: `${roleName}, ${policyName}`, region, signer },
      send: (client, http) => client.send(new PutRolePolicyCommand(input), http),
    });
  }

  #call<Output>(call: Omit<AwsCall<IAMClient, Output>, "service" | "client" | "explain">): Promise<AwsAnswer<Output>> {
    return this.#caller.call({
      service: "iam",
      explain: accessError("iam"),
      maxBytes: MAX_POLICY_BYTES,
      client: (options: CallOptions) => new IAMClient(options),
      ...call,
    });
  }
}

function simulationOf(result: EvaluationResult | undefined, host: string): Simulation {
  const { EvalDecision: decision, OrganizationsDecisionDetail, PermissionsBoundaryDecisionDetail } = result ?? {};
  if (decision !== "allowed" && decision !== "explicitDeny" && decision !== "implicitDeny") {
    throw unusableAnswer("SimulatePrincipalPolicy", host, "no decision");
  }
  return {
    decision,
    allowedByOrganization: OrganizationsDecisionDetail?.AllowedByOrganizations,
    allowedByBoundary: PermissionsBoundaryDecisionDetail?.AllowedByPermissionsBoundary,
    missingKeys: result?.MissingContextValues ?? [],
  };
}

interface Page<Item> {
  readonly items: readonly Item[] | undefined;
  readonly host: string;
  readonly isTruncated: boolean;
  readonly marker: string | undefined;
}

function markerOf(output: {
  readonly IsTruncated?: boolean | undefined;
  readonly Marker?: string | undefined;
}): Pick<Page<unknown>, "isTruncated" | "marker"> {
  return { isTruncated: output.IsTruncated === true, marker: output.Marker };
}

/** All of a list, or an error: a part of a role's policies would be taken for all of them. */
async function allPages<Item>(
  action: string,
  fetch: (page: { readonly Marker?: string }) => Promise<Page<Item>>,
): Promise<readonly Item[]> {
  const all: Item[] = [];
  let marker: string | undefined;
  for (let pages = 0; ; pages++) {
    const page = await fetch(marker === undefined ? {} : { Marker: marker });
    if (!page.items) throw unusableAnswer(action, page.host, "no list");
    all.push(...page.items);
    if (!page.isTruncated) return all;
    if (!page.marker) throw unusableAnswer(action, page.host, "a part of a list without a marker of the next");
    if (pages >= MAX_PAGES) throw unusableAnswer(action, page.host, "a list without an end");
    marker = page.marker;
  }
}

/** RFC 3986: a plus is one. */
function decoded(document: string | undefined, action: string, host: string): string {
  if (!document) throw unusableAnswer(action, host, "no policy document");
  try {
    return decodeURIComponent(document);
  } catch {
    throw unusableAnswer(action, host, "a policy document that is not percent-encoded");
  }
}
