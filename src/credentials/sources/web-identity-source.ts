import type { Sts } from "../../aws/sts.js";
import type { HeldCredentials } from "../../core/credentials.js";
import { BrokerError, toBrokerError } from "../../core/errors.js";
import type { Role, WebIdentitySource } from "../../core/role.js";
import { Secret } from "../../core/secret.js";
import { shellQuote } from "../../core/shell-quote.js";
import type { ReadSmallFile } from "../../files/read-small-file.js";
import type { Clock } from "../../system/clock.js";
import type { SourceProvider, SourceReadiness } from "./source-provider.js";

/** STS takes 20,000 characters (API model, WebIdentityToken); and a line end. */
const MAX_FILE_BYTES = 20_002;

export interface WebIdentitySourceOptions {
  readonly readFile: ReadSmallFile;
  readonly sts: Sts;
  readonly clock: Clock;
}

/** `web_identity` sources: the program that writes the file renews the token, so it is read anew for each call. */
export class WebIdentitySourceProvider implements SourceProvider<WebIdentitySource> {
  readonly #options: WebIdentitySourceOptions;

  constructor(options: WebIdentitySourceOptions) {
    this.#options = options;
  }

  /** Rejects with LoginRequired where the token is missing or not accepted. */
  async retrieve(source: WebIdentitySource, role: Role): Promise<HeldCredentials> {
    const { sts, clock } = this.#options;
    const { assume, stsRegion, name } = role;
    if (!assume) throw new BrokerError("ConfigInvalid", `role ${name} has no role_arn to assume`);
    const token = await this.#token(source);
    try {
      const { credentials } = await sts.assumeRoleWithWebIdentity(token, assume, stsRegion);
      return { credentials, receivedAt: clock.now(), roleArn: assume.roleArn };
    } catch (error) {
      throw explain(toBrokerError(error), source);
    }
  }

  async readiness(source: WebIdentitySource): Promise<SourceReadiness> {
    const expiresAt = expirationOf(await this.#token(source));
    const isOver = expiresAt !== undefined && expiresAt <= this.#options.clock.now();
    return { needs: isOver ? "LoginRequired" : undefined, expiresAt };
  }

  async #token({ name, tokenFile }: WebIdentitySource): Promise<Secret> {
    const file = await this.#options.readFile(tokenFile, MAX_FILE_BYTES);
    if (file.found === "problem") {
      const message = `the token file ${tokenFile} of source ${name} ${file.problem}`;
      throw new BrokerError("ConfigInvalid", message, { hint: `ls -lL ${shellQuote(tokenFile)}` });
    }
    const token = file.found === "text" ? file.text.reveal().trimEnd() : "";
    const problem = problemOf(file.found, token);
    if (problem === undefined) return new Secret(token);
    throw new BrokerError("LoginRequired", `the token file ${tokenFile} of source ${name} ${problem}`, {
      hint: `have the token written to ${tokenFile}`,
    });
  }
}

function problemOf(found: "text" | "nothing", token: string): string | undefined {
  if (found === "nothing") return "does not exist";
  if (token === "") return "is empty";
  return /^[\x21-\x7e]+$/.test(token) ? undefined : "holds no token: one line of printable characters is expected";
}

/** A JSON web token says until when it is good (RFC 7519 §4.1.4); others do not tell. Nothing is verified: AWS does that. */
function expirationOf(token: Secret): number | undefined {
  try {
    const claims = Buffer.from(token.reveal().split(".")[1] ?? "", "base64url").toString();
    const { exp } = JSON.parse(claims) as { exp?: unknown };
    return typeof exp === "number" && Number.isFinite(exp) ? exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}

/** STS does not know which file the token came from. */
function explain(error: BrokerError, { name, tokenFile }: WebIdentitySource): BrokerError {
  if (error.code !== "LoginRequired") return error;
  return new BrokerError("LoginRequired", `source ${name}: ${error.message}`, {
    hint: `have a new token written to ${tokenFile}`,
    cause: error,
  });
}
