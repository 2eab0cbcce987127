import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  AssumeRoleWithWebIdentityCommand,
  GetCallerIdentityCommand,
  GetScopedCredentialsCommand,
  GetSessionTokenCommand,
  STSClient,
} from "@aws-sdk/client-sts";
import type { Credentials, SigningCredentials } from "../core/credentials.js";
import type { AssumeRoleParameters, ScopedParameters } from "../core/role.js";
import type { Secret } from "../core/secret.js";
import type { Clock } from "../system/clock.js";
import type { AwsAnswer, AwsCall, AwsCaller, CallOptions } from "./aws-caller.js";
import { scopedError } from "./scoped-error.js";
import type { AssumedRole, CallerIdentity, SessionTokenParameters, Sts } from "./sts.js";
import { type CredentialsAnswer, checkedAssumedRoleArn, checkedCredentials, checkedIdentity } from "./sts-answers.js";
import { webIdentityError } from "./web-identity-error.js";

export interface SdkStsOptions {
  readonly caller: AwsCaller;
  readonly clock: Clock;
}

/** STS through the AWS SDK: explicit credentials for each call, regional endpoints, every answer checked. */
export class SdkSts implements Sts {
  readonly #caller: AwsCaller;
  readonly #clock: Clock;

  constructor({ caller, clock }: SdkStsOptions) {
    this.#caller = caller;
    this.#clock = clock;
  }

  async assumeRole(signer: SigningCredentials, parameters: AssumeRoleParameters, region: string): Promise<AssumedRole> {
    const input = assumeRoleInput(parameters);
    const answer = await this.#call({
      action: "AssumeRole",
      subject: parameters.roleArn,
      region,
      signer,
      send: (client, http) => client.send(new AssumeRoleCommand(input), http),
    });
    const assumed = checkedAssumedRoleArn(answer.output.AssumedRoleUser?.Arn, parameters.roleArn, answer.host);
    const credentials = this.#checked(answer, answer.output.Credentials, parameters.durationSeconds);
    return { credentials: { ...credentials, accountId: assumed.accountId }, assumedRoleArn: assumed.arn };
  }

  async assumeRoleWithWebIdentity(
    token: Secret,
    parameters: AssumeRoleParameters,
    region: string,
  ): Promise<AssumedRole> {
    const { RoleArn, RoleSessionName, DurationSeconds, Policy, PolicyArns } = assumeRoleInput(parameters);
    const input = {
      ...{ RoleArn, RoleSessionName, DurationSeconds },
      ...(Policy === undefined ? {} : { Policy }),
      ...(PolicyArns === undefined ? {} : { PolicyArns }),
    };
    const answer = await this.#call({
      action: "AssumeRoleWithWebIdentity",
      subject: parameters.roleArn,
      region,
      explain: webIdentityError,
      send: (client, http) =>
        client.send(new AssumeRoleWithWebIdentityCommand({ ...input, WebIdentityToken: token.reveal() }), http),
    });
    const assumed = checkedAssumedRoleArn(answer.output.AssumedRoleUser?.Arn, parameters.roleArn, answer.host);
    const credentials = this.#checked(answer, answer.output.Credentials, parameters.durationSeconds);
    return { credentials: { ...credentials, accountId: assumed.accountId }, assumedRoleArn: assumed.arn };
  }

  async getSessionToken(
    signer: SigningCredentials,
    parameters: SessionTokenParameters,
    region: string,
  ): Promise<Credentials> {
    const { durationSeconds, serialNumber, tokenCode } = parameters;
    const input = {
      DurationSeconds: durationSeconds,
      ...(serialNumber === undefined ? {} : { SerialNumber: serialNumber }),
      ...(tokenCode === undefined ? {} : { TokenCode: tokenCode }),
    };
    const answer = await this.#call({
      action: "GetSessionToken",
      ...(serialNumber === undefined ? {} : { subject: serialNumber }),
      region,
      signer,
      send: (client, http) => client.send(new GetSessionTokenCommand(input), http),
    });
    return this.#checked(answer, answer.output.Credentials, durationSeconds);
  }

  async getScopedCredentials(
    before: Credentials,
    { policy, durationSeconds, description }: ScopedParameters,
    region: string,
  ): Promise<Credentials> {
    const left = Math.floor((before.expiration - this.#clock.now()) / 1000);
    // More than what is left is refused, and without it they end together. One of the two must be sent.
    const seconds = durationSeconds !== undefined && durationSeconds < left ? durationSeconds : undefined;
    const input = {
      ...(policy !== undefined && { Policy: policy }),
      ...(seconds !== undefined && { DurationSeconds: seconds }),
      ...(policy === undefined && seconds === undefined && { DurationSeconds: Math.max(1, left - 1) }),
      ...(description !== undefined && { ScopedSessionDescription: description }),
    };
    const answer = await this.#call({
      action: "GetScopedCredentials",
      region,
      signer: before,
      explain: scopedError,
      send: (client, http) => client.send(new GetScopedCredentialsCommand(input), http),
    });
    return this.#checked(answer, answer.output.Credentials, Math.min(left, seconds ?? left));
  }

  async getCallerIdentity(signer: SigningCredentials, region: string): Promise<CallerIdentity> {
    const answer = await this.#call({
      action: "GetCallerIdentity",
      region,
      signer,
      send: (client, http) => client.send(new GetCallerIdentityCommand({}), http),
    });
    return checkedIdentity(answer.output, answer.host);
  }

  #call<Output>(call: Omit<AwsCall<STSClient, Output>, "service" | "client">): Promise<AwsAnswer<Output>> {
    return this.#caller.call({ service: "sts", client: (options: CallOptions) => new STSClient(options), ...call });
  }

  #checked(answer: AwsAnswer<unknown>, found: CredentialsAnswer | undefined, durationSeconds: number): Credentials {
    return checkedCredentials(found, { ...answer, now: this.#clock.now(), durationSeconds });
  }
}

/** Absent means not sent: STS tells "no tags" from "an empty list of tags". */
function assumeRoleInput(parameters: AssumeRoleParameters): AssumeRoleCommandInput {
  const { externalId, sourceIdentity, tags, transitiveTagKeys, policy, policyArns } = parameters;
  return {
    RoleArn: parameters.roleArn,
    RoleSessionName: parameters.roleSessionName,
    DurationSeconds: parameters.durationSeconds,
    ...(externalId === undefined ? {} : { ExternalId: externalId }),
    ...(sourceIdentity === undefined ? {} : { SourceIdentity: sourceIdentity }),
    ...(tags === undefined ? {} : { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }),
    ...(transitiveTagKeys === undefined ? {} : { TransitiveTagKeys: [...transitiveTagKeys] }),
    ...(policy === undefined ? {} : { Policy: policy }),
    ...(policyArns === undefined ? {} : { PolicyArns: policyArns.map((arn) => ({ arn })) }),
  };
}
