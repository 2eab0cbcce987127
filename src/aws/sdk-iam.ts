import { CreateAccessKeyCommand, DeleteAccessKeyCommand, IAMClient, ListAccessKeysCommand } from "@aws-sdk/client-iam";
import type { SigningCredentials } from "../core/credentials.js";
import { isRecoverable, toBrokerError } from "../core/errors.js";
import { Secret } from "../core/secret.js";
import type { Clock } from "../system/clock.js";
import type { AwsAnswer, AwsCall, AwsCaller, CallOptions } from "./aws-caller.js";
import { AwsFailure } from "./aws-failure.js";
import type { AccessKeySummary, CreatedAccessKey, Iam } from "./iam.js";
import type { CallerIdentity, Sts } from "./sts.js";
import { unusableAnswer } from "./unreachable.js";

/** New keys are usually known after 5 to 15 s. */
const PROPAGATION_LIMIT_MS = 30_000;
const PROPAGATION_POLL_MS = 1000;

export interface SdkIamOptions {
  readonly caller: AwsCaller;
  readonly sts: Sts;
  readonly clock: Clock;
}

/** IAM through the AWS SDK. */
export class SdkIam implements Iam {
  readonly #options: SdkIamOptions;

  constructor(options: SdkIamOptions) {
    this.#options = options;
  }

  async createAccessKey(signer: SigningCredentials, region: string): Promise<CreatedAccessKey> {
    const { output, host } = await this.#call({
      action: "CreateAccessKey",
      region,
      signer,
      send: (client, http) => client.send(new CreateAccessKeyCommand({}), http),
    });
    const { AccessKeyId, SecretAccessKey, UserName } = output.AccessKey ?? {};
    if (!AccessKeyId || !SecretAccessKey || !UserName) {
      throw unusableAnswer("CreateAccessKey", host, "no complete access key");
    }
    return { accessKeyId: AccessKeyId, secretAccessKey: new Secret(SecretAccessKey), userName: UserName };
  }

  async listAccessKeys(signer: SigningCredentials, region: string): Promise<readonly AccessKeySummary[]> {
    const { output, host } = await this.#call({
      action: "ListAccessKeys",
      region,
      signer,
      send: (client, http) => client.send(new ListAccessKeysCommand({}), http),
    });
    const keys = output.AccessKeyMetadata;
    if (!keys) throw unusableAnswer("ListAccessKeys", host, "no list of keys");
    return keys.map(({ AccessKeyId, Status, CreateDate }) => {
      if (!AccessKeyId) throw unusableAnswer("ListAccessKeys", host, "a key without its id");
      return {
        accessKeyId: AccessKeyId,
        status: Status === "Active" ? "Active" : "Inactive",
        ...(CreateDate ? { createdAt: CreateDate.getTime() } : {}),
      };
    });
  }

  async deleteAccessKey(signer: SigningCredentials, accessKeyId: string, region: string): Promise<void> {
    try {
      await this.#call({
        action: "DeleteAccessKey",
        subject: accessKeyId,
        region,
        signer,
        send: (client, http) => client.send(new DeleteAccessKeyCommand({ AccessKeyId: accessKeyId }), http),
      });
    } catch (error) {
      const { cause } = toBrokerError(error);
      if (!(cause instanceof AwsFailure && cause.awsCode === "NoSuchEntity")) throw error;
    }
  }

  async awaitAccessKey(key: SigningCredentials, region: string): Promise<CallerIdentity> {
    const { sts, clock } = this.#options;
    const giveUpAt = clock.now() + PROPAGATION_LIMIT_MS;
    for (;;) {
      try {
        return await sts.getCallerIdentity(key, region);
      } catch (thrown) {
        const error = toBrokerError(thrown);
        const mayPass = error.signer === "refused" || isRecoverable(error);
        if (!mayPass || clock.now() + PROPAGATION_POLL_MS > giveUpAt) throw error;
      }
      await clock.sleep(PROPAGATION_POLL_MS);
    }
  }

  #call<Output>(call: Omit<AwsCall<IAMClient, Output>, "service" | "client">): Promise<AwsAnswer<Output>> {
    return this.#options.caller.call({
      service: "iam",
      client: (options: CallOptions) => new IAMClient(options),
      ...call,
    });
  }
}
