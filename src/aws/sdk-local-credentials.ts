import { dirname, join } from "node:path";
import { fromHttp } from "@aws-sdk/credential-provider-http";
import { type FromIniInit, fromIni } from "@aws-sdk/credential-provider-ini";
import { fromInstanceMetadata } from "@smithy/credential-provider-imds";
import type { FoundCredentials } from "../core/credentials.js";
import { BrokerError } from "../core/errors.js";
import { checkFound } from "../core/found-credentials.js";
import type { AssumeRoleParameters } from "../core/role.js";
import { Secret } from "../core/secret.js";
import type { Clock } from "../system/clock.js";
import { MAX_ANSWER_BYTES, withBoundedAnswers } from "./bounded-body.js";
import { refuseCircularProfile } from "./circular-profile.js";
import type { LocalCredentials } from "./local-credentials.js";
import { containerError, instanceError, profileError, unusable } from "./local-credentials-error.js";
import type { AssumedRole, Sts } from "./sts.js";
import { writtenExpiration } from "./written-expiration.js";

/** A profile may run a program that asks the user. */
const PROFILE_LIMIT_MS = 60_000;
/** Of services on the machine itself; one attempt, and all of it. */
const ATTEMPT_MS = 1000;
const MACHINE_LIMIT_MS = 5000;
/** What hangs (a program, a request without a time limit) cannot be ended: for so many limits it is joined, not repeated. */
const LIMITS_TO_JOIN = 10;
const DEFAULT_DURATION = 3600;

export interface SdkLocalCredentialsOptions {
  readonly sts: Sts;
  readonly clock: Clock;
  /** The user's home: only the AWS files there are read, and only for `profile`. */
  readonly home: string;
  /** Of the daemon, cleaned: where the container's credentials are offered. */
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** As the SDK's providers give them. */
interface SdkIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
  readonly accountId?: string;
}

interface Question {
  readonly limitMs: number;
  readonly ask: () => Promise<SdkIdentity>;
}

/** Local credentials through the AWS SDK's providers; every role that a profile names is assumed by our own STS. */
export class SdkLocalCredentials implements LocalCredentials {
  readonly #options: SdkLocalCredentialsOptions;
  readonly #pending = new Map<string, { readonly asking: Promise<SdkIdentity>; readonly since: number }>();

  constructor(options: SdkLocalCredentialsOptions) {
    this.#options = options;
  }

  async profile(name: string, region: string): Promise<FoundCredentials> {
    const credentialsFile = join(this.#options.home, ".aws", "credentials");
    const init: FromIniInit & { readonly ec2MetadataV1Disabled: true } = {
      profile: name,
      // Said outright: the SDK inside the daemon is pointed at empty files.
      filepath: credentialsFile,
      configFilepath: join(dirname(credentialsFile), "config"),
      ignoreCache: true,
      logger: SILENT,
      // For profiles with `credential_source = Ec2InstanceMetadata`.
      ec2MetadataV1Disabled: true,
      ...assumers(this.#options.sts, region),
    };
    return this.#ask(`profile ${name}`, {
      limitMs: PROFILE_LIMIT_MS,
      ask: async () => {
        await refuseCircularProfile(credentialsFile, name);
        return withWrittenExpiration(await fromIni(init)(), credentialsFile);
      },
      explain: (error) => profileError(error, name),
    });
  }

  async instanceMetadata(): Promise<FoundCredentials> {
    // A provider for each call: a kept one answers expired credentials with a later expiration of its own making.
    const provider = fromInstanceMetadata({
      timeout: ATTEMPT_MS,
      maxRetries: 1,
      ec2MetadataV1Disabled: true,
      logger: SILENT,
    });
    return this.#ask("the instance metadata service", {
      limitMs: MACHINE_LIMIT_MS,
      ask: async () => withTrueExpiration(await provider()),
      explain: instanceError,
    });
  }

  async container(): Promise<FoundCredentials> {
    const { variables } = this.#options;
    const relative = variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] ?? "";
    const full = variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] ?? "";
    const tokenFile = variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] ?? "";
    const token = variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] ?? "";
    if (relative === "" && full === "") {
      const message =
        "no container offers credentials: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor _FULL_URI is set";
      throw new BrokerError("ConfigInvalid", message, { hint: "start brokerd inside the ECS task or EKS pod" });
    }
    return this.#ask("the container's credentials", {
      limitMs: MACHINE_LIMIT_MS,
      // Empty texts and not undefined, which the provider would look up in its environment.
      ask: () =>
        fromHttp({
          awsContainerCredentialsRelativeUri: relative,
          awsContainerCredentialsFullUri: relative === "" ? full : "",
          awsContainerAuthorizationTokenFile: tokenFile,
          awsContainerAuthorizationToken: tokenFile === "" ? token : "",
          timeout: ATTEMPT_MS,
          maxRetries: 1,
          logger: SILENT,
        })(),
      explain: containerError,
    });
  }

  async #ask(
    what: string,
    question: Question & { readonly explain: (error: unknown) => BrokerError },
  ): Promise<FoundCredentials> {
    const { limitMs, explain } = question;
    const identity = await this.#within(limitMs, what, this.#once(what, question)).catch((error: unknown) => {
      throw explain(error);
    });
    const found = checkFound({ ...identity, expiration: identity.expiration?.getTime() }, this.#options.clock.now());
    if ("problem" in found) throw unusable(what, found.problem);
    return found;
  }

  #once(what: string, { ask, limitMs }: Question): Promise<SdkIdentity> {
    const now = this.#options.clock.now();
    const running = this.#pending.get(what);
    if (running && now - running.since < LIMITS_TO_JOIN * limitMs) return running.asking;
    // A provider may throw before it has a promise.
    const bound = { host: what, action: "the request for credentials", maxBytes: MAX_ANSWER_BYTES };
    const asking = Promise.resolve()
      .then(() => withBoundedAnswers(bound, ask))
      .finally(() => {
        if (this.#pending.get(what)?.asking === asking) this.#pending.delete(what);
      });
    this.#pending.set(what, { asking, since: now });
    return asking;
  }

  async #within(limitMs: number, what: string, asking: Promise<SdkIdentity>): Promise<SdkIdentity> {
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.after(limitMs, () => {
        reject(new BrokerError("AwsUnreachable", `${what} did not answer within ${limitMs / 1000} s`));
      });
      asking.finally(cancel).then(resolve, reject);
    });
  }
}

const SILENT = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {
  // nothing to report
}

type Assumers = Required<Pick<FromIniInit, "roleAssumer" | "roleAssumerWithWebIdentity">>;

function assumers(sts: Sts, region: string): Assumers {
  return {
    roleAssumer: async (signer, params) => {
      const { sessionToken } = signer;
      const signing = {
        accessKeyId: signer.accessKeyId,
        secretAccessKey: new Secret(signer.secretAccessKey),
        ...(sessionToken ? { sessionToken: new Secret(sessionToken) } : {}),
      };
      return asIdentity(await sts.assumeRole(signing, parametersOf(params), region));
    },
    roleAssumerWithWebIdentity: async (params) => {
      const token = new Secret(params.WebIdentityToken.trimEnd());
      return asIdentity(await sts.assumeRoleWithWebIdentity(token, parametersOf(params), region));
    },
  };
}

interface ProfileRole {
  readonly RoleArn: string;
  readonly RoleSessionName: string;
  readonly ExternalId?: string | undefined;
  readonly DurationSeconds?: number | undefined;
}

function parametersOf({ RoleArn, RoleSessionName, ExternalId, DurationSeconds }: ProfileRole): AssumeRoleParameters {
  return {
    roleArn: RoleArn,
    roleSessionName: RoleSessionName,
    durationSeconds: Number.isInteger(DurationSeconds) ? (DurationSeconds ?? DEFAULT_DURATION) : DEFAULT_DURATION,
    ...(ExternalId === undefined ? {} : { externalId: ExternalId }),
  };
}

function asIdentity({ credentials }: AssumedRole): SdkIdentity {
  const { accessKeyId, secretAccessKey, sessionToken, expiration, accountId } = credentials;
  return {
    accessKeyId,
    secretAccessKey: secretAccessKey.reveal(),
    sessionToken: sessionToken.reveal(),
    expiration: new Date(expiration),
    ...(accountId === undefined ? {} : { accountId }),
  };
}

/** Temporary keys that some other tool wrote into the file. */
async function withWrittenExpiration(identity: SdkIdentity, credentialsFile: string): Promise<SdkIdentity> {
  if (identity.sessionToken === undefined || identity.expiration !== undefined) return identity;
  const end = await writtenExpiration(credentialsFile, identity.accessKeyId);
  return end === undefined ? identity : { ...identity, expiration: new Date(end) };
}

/** The SDK hides an expiration that has passed behind one of its own making ("static stability"). */
function withTrueExpiration(identity: SdkIdentity & { readonly originalExpiration?: Date }): SdkIdentity {
  const expiration = identity.originalExpiration ?? identity.expiration;
  return expiration === undefined ? identity : { ...identity, expiration };
}
