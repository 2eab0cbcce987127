import type { AccessKeySummary, CreatedAccessKey, Iam } from "../../src/aws/iam.js";
import type { CallerIdentity } from "../../src/aws/sts.js";
import { BrokerError } from "../../src/core/errors.js";
import { Secret } from "../../src/core/secret.js";
import { canarySecretKey } from "../support/canaries.js";

/** One IAM user's access keys; a new key can be made to stay unknown, a delete to be denied. */
export class MemoryIam implements Iam {
  readonly keys = new Set<string>();
  newKeyWorks = true;
  mayDelete = true;
  #made = 0;

  async createAccessKey(): Promise<CreatedAccessKey> {
    const accessKeyId = `AKIANEW${String(++this.#made).padStart(13, "0")}`;
    this.keys.add(accessKeyId);
    return { accessKeyId, secretAccessKey: new Secret(canarySecretKey("rotated")), userName: "me" };
  }

  async listAccessKeys(): Promise<readonly AccessKeySummary[]> {
    return [...this.keys].map((accessKeyId) => ({ accessKeyId, status: "Active" }));
  }

  async deleteAccessKey(_signer: unknown, accessKeyId: string): Promise<void> {
    if (!this.mayDelete) throw new BrokerError("AssumeRoleDenied", "iam:DeleteAccessKey is denied");
    this.keys.delete(accessKeyId);
  }

  async awaitAccessKey(): Promise<CallerIdentity> {
    if (!this.newKeyWorks) throw new BrokerError("AssumeRoleDenied", "the key is not known", { signer: "refused" });
    return { account: "111111111111", arn: "arn:aws:iam::111111111111:user/me", userId: "AIDA" };
  }
}
