import { spawn } from "node:child_process";
import { devNull } from "node:os";
import { hasErrno, reasonOf } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import type { CliContext } from "../context.js";

/** A key has 200 bytes; a list of a thousand names fits. */
const MAX_OUTPUT_BYTES = 256 * 1024;

/**
 * The long-term keys of aws-vault's keyring, in the form of a credentials file, in memory only. Its own prompts (a passphrase, a
 * keychain's window) are the user's to answer. Names that it does not give a key for are told and left out.
 */
export async function keysOfAwsVault(context: CliContext): Promise<string> {
  const names = (await run(["list", "--credentials"], context)).split(/\r?\n/).map((line) => line.trim());
  const sections: string[] = [];
  for (const name of names.filter((one) => NAME.test(one))) {
    const section = await exported(name, context);
    if (section !== undefined) sections.push(section);
  }
  return sections.join("");
}

/** As it stands in a heading of the credentials file. */
const NAME = /^[^[\]\p{Cc}]+$/u;
const KEY_ID = /^[A-Z0-9]{16,128}$/;
const SECRET = /^[!-~]{16,128}$/;

/** The key itself, not a session: so that aws-vault neither asks for an MFA code nor assumes a role, it sees no profiles. */
async function exported(name: string, context: CliContext): Promise<string | undefined> {
  const { output } = context;
  try {
    const printed = await run(["export", "--format=json", "--no-session", "--", name], context);
    const {
      AccessKeyId: id,
      SecretAccessKey: secret,
      SessionToken: token,
    } = JSON.parse(printed) as Record<string, unknown>;
    const isKey = typeof id === "string" && typeof secret === "string" && KEY_ID.test(id) && SECRET.test(secret);
    if (isKey && token === undefined)
      return `[${name}]\naws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n`;
    output.warn(`aws-vault gave no long-term key for ${name}: it is left out`, `brokerctl keys add ${name}`);
  } catch (error) {
    if (!(error instanceof BrokerError) && !(error instanceof SyntaxError)) throw error;
    const why = error instanceof BrokerError ? error.message : "what aws-vault printed is no JSON";
    output.warn(`no key of ${name}: ${why}`, `aws-vault export --no-session ${name} > /dev/null`);
  }
  return undefined;
}

/** Its stdout; stdin and stderr are the terminal's. Ctrl-C reaches it and us alike. */
async function run(args: readonly string[], { env, output }: CliContext): Promise<string> {
  output.progress.clear();
  const child = spawn("aws-vault", args, {
    // Inside of an `aws-vault exec` it refuses to run: it is not told.
    env: { ...env, AWS_VAULT: undefined, AWS_CONFIG_FILE: devNull },
    stdio: ["inherit", "pipe", "inherit"],
  });
  const chunks: Buffer[] = [];
  let size = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= MAX_OUTPUT_BYTES) chunks.push(chunk);
    else child.kill();
  });
  const end = await new Promise<string | undefined>((resolve, reject) => {
    child.once("error", (error) => reject(notRun(error)));
    child.once("close", (code, signal) =>
      resolve(code === 0 ? undefined : (signal ?? `exit code ${code ?? "unknown"}`)),
    );
  });
  if (end === undefined) return Buffer.concat(chunks).toString("utf8");
  throw new BrokerError("UsageInvalid", `aws-vault ${args[0] ?? ""} ended with ${end}`, { hint: "aws-vault list" });
}

function notRun(error: Error): BrokerError {
  const isMissing = hasErrno(error, "ENOENT");
  return new BrokerError(
    "UsageInvalid",
    isMissing ? "there is no aws-vault in PATH" : `cannot run aws-vault: ${reasonOf(error)}`,
    {
      hint: isMissing ? "PATH=DIRECTORY-OF-AWS-VAULT:$PATH brokerctl import --from aws-vault" : "aws-vault --version",
      cause: error,
    },
  );
}
