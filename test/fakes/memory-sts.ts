import type { AssumedRole, CallerIdentity, SessionTokenParameters, Sts } from "../../src/aws/sts.js";
import type { Credentials, SigningCredentials } from "../../src/core/credentials.js";
import { BrokerError } from "../../src/core/errors.js";
import type { AssumeRoleParameters, ScopedParameters } from "../../src/core/role.js";
import { Secret } from "../../src/core/secret.js";
import { CANARY } from "../support/canaries.js";
import type { FakeClock } from "../support/fake-clock.js";

export interface StsCall {
  readonly action:
    | "AssumeRole"
    | "AssumeRoleWithWebIdentity"
    | "GetSessionToken"
    | "GetScopedCredentials"
    | "GetCallerIdentity";
  readonly signer: string;
  readonly region: string;
  readonly parameters: Partial<AssumeRoleParameters & SessionTokenParameters & ScopedParameters>;
}

/** STS without a wire: remembers calls, refuses signers that were revoked and codes that are not the current one. */
export class MemorySts implements Sts {
  readonly calls: StsCall[] = [];
  readonly revoked = new Set<string>();
  mfaCode = "123456";
  failWith: BrokerError | undefined;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  async assumeRole(signer: SigningCredentials, parameters: AssumeRoleParameters, region: string): Promise<AssumedRole> {
    this.#record({ action: "AssumeRole", signer, region, parameters });
    const account = parameters.roleArn.split(":")[4]!;
    return {
      credentials: { ...this.#session(parameters.durationSeconds), accountId: account },
      assumedRoleArn: `arn:aws:sts::${account}:assumed-role/x/${parameters.roleSessionName}`,
    };
  }

  async assumeRoleWithWebIdentity(
    token: Secret,
    parameters: AssumeRoleParameters,
    region: string,
  ): Promise<AssumedRole> {
    const signer = { accessKeyId: token.reveal(), secretAccessKey: token };
    this.#record({ action: "AssumeRoleWithWebIdentity", signer, region, parameters });
    const account = parameters.roleArn.split(":")[4]!;
    return {
      credentials: { ...this.#session(parameters.durationSeconds), accountId: account },
      assumedRoleArn: `arn:aws:sts::${account}:assumed-role/x/${parameters.roleSessionName}`,
    };
  }

  async getSessionToken(
    signer: SigningCredentials,
    parameters: SessionTokenParameters,
    region: string,
  ): Promise<Credentials> {
    this.#record({ action: "GetSessionToken", signer, region, parameters });
    if (parameters.serialNumber !== undefined && parameters.tokenCode !== this.mfaCode) {
      throw new BrokerError("MfaRequired", "the MFA code was not accepted");
    }
    return this.#session(parameters.durationSeconds);
  }

  async getScopedCredentials(before: Credentials, parameters: ScopedParameters, region: string): Promise<Credentials> {
    this.#record({ action: "GetScopedCredentials", signer: before, region, parameters });
    const left = (before.expiration - this.#clock.now()) / 1000;
    return this.#session(Math.min(left, parameters.durationSeconds ?? left));
  }

  async getCallerIdentity(signer: SigningCredentials, region: string): Promise<CallerIdentity> {
    this.#record({ action: "GetCallerIdentity", signer, region, parameters: {} });
    return { account: "111111111111", arn: "arn:aws:iam::111111111111:user/me", userId: "AIDA" };
  }

  #record({ signer, ...call }: Omit<StsCall, "signer"> & { readonly signer: SigningCredentials }): void {
    this.calls.push({ ...call, signer: signer.accessKeyId });
    if (this.failWith) throw this.failWith;
    if (!this.revoked.has(signer.accessKeyId)) return;
    throw new BrokerError("AssumeRoleDenied", "the signer is not accepted", {
      signer: signer.sessionToken ? "expired" : "refused",
    });
  }

  #session(durationSeconds: number): Credentials {
    const id = `ASIA${String(this.calls.length).padStart(16, "0")}`;
    return {
      accessKeyId: id,
      secretAccessKey: new Secret(`${CANARY}/${id}`),
      sessionToken: new Secret(`${CANARY}//${id}`),
      expiration: this.#clock.now() + durationSeconds * 1000,
    };
  }
}
