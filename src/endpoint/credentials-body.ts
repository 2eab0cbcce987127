import type { HeldCredentials } from "../core/credentials.js";
import { BrokerError } from "../core/errors.js";
import { refreshWindows } from "../core/refresh-windows.js";

/** The CRT reads no more (docs/clients.md). */
const MAX_BODY_BYTES = 10_000;

/** The one body that every client reads (docs/clients.md): all strings, no nulls, keys in exactly this case; `Code` makes minio-js and some .NET builds work. */
export function renderCredentials(held: HeldCredentials): string {
  const { accessKeyId, secretAccessKey, sessionToken, accountId } = held.credentials;
  const body = JSON.stringify({
    Code: "Success",
    Type: "AWS-HMAC",
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey.reveal(),
    Token: sessionToken.reveal(),
    Expiration: wholeSeconds(refreshWindows(held).advertisedExpiration),
    AccountId: accountId,
    RoleArn: held.roleArn,
    LastUpdated: wholeSeconds(held.receivedAt),
  });
  const size = Buffer.byteLength(body);
  if (size < MAX_BODY_BYTES) return body;
  throw new BrokerError("InternalError", `the credentials are ${size} bytes, clients read ${MAX_BODY_BYTES}`, {
    hint: "give the role fewer tags or a smaller policy",
  });
}

/** The only form that every client reads (docs/clients.md): no fraction, capital T and Z. */
function wholeSeconds(instant: number): string {
  return new Date(instant).toISOString().replace(/\.\d+Z$/, "Z");
}
