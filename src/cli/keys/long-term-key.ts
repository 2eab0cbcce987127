import type { Secret } from "../../core/secret.js";

/** An IAM user's access key, on its way to the daemon. */
export interface LongTermKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
}
