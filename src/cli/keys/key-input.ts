import { reasonOf } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import { Secret } from "../../core/secret.js";
import { shellQuote } from "../../core/shell-quote.js";
import { readInputOf } from "../../files/read-small-file.js";
import { absolutePath } from "../arguments/argument-values.js";
import { looksSecret } from "../arguments/secret-argument.js";
import type { CliContext } from "../context.js";
import { cannotAsk, readStdinLine } from "../terminal/prompts.js";

/** An IAM user's access key, on its way to the daemon. */
export interface LongTermKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
}

export interface KeyInputOptions {
  readonly source: string;
  readonly accessKeyId: string | undefined;
  readonly secretStdin: boolean;
  readonly csv: string | undefined;
}

/** A long-term key from a CSV of the AWS console, from stdin, or from the user; its shape is checked. */
export async function readKey(options: KeyInputOptions, context: CliContext): Promise<LongTermKey> {
  const key =
    options.csv === undefined ? await typedKey(options, context) : await csvKey(options.csv, options, context);
  checkAccessKeyId(key.accessKeyId);
  checkSecret(key);
  return key;
}

/** Exit 2 for what can be seen to be wrong before anything is asked. */
export function checkKeyOptions({ accessKeyId, secretStdin, csv, source }: KeyInputOptions): void {
  if (csv !== undefined && secretStdin) {
    throw new BrokerError("UsageInvalid", "--csv and --secret-stdin both bring the secret: choose one", {
      hint: `brokerctl keys add ${source} --csv FILE`,
    });
  }
  if (secretStdin && accessKeyId === undefined) {
    throw new BrokerError("UsageInvalid", "--secret-stdin brings the secret only: --access-key-id is needed", {
      hint: `brokerctl keys add ${source} --access-key-id AKIA… --secret-stdin`,
    });
  }
  if (accessKeyId !== undefined) checkAccessKeyId(accessKeyId);
}

async function typedKey(
  { source, accessKeyId, secretStdin }: KeyInputOptions,
  context: CliContext,
): Promise<LongTermKey> {
  if (secretStdin) {
    return {
      accessKeyId: accessKeyId ?? "",
      secretAccessKey: new Secret(await readStdinLine(context, "--secret-stdin")),
    };
  }
  const { prompts, interactive } = context;
  if (!interactive)
    throw cannotAsk("the secret access key", `brokerctl keys add ${source} --access-key-id AKIA… --secret-stdin`);
  const id = accessKeyId ?? (await prompts.line(`Access key id for ${source}`));
  checkAccessKeyId(id);
  return {
    accessKeyId: id,
    secretAccessKey: new Secret((await prompts.secret("Secret access key (not shown)")).trim()),
  };
}

async function csvKey(csv: string, { accessKeyId }: KeyInputOptions, context: CliContext): Promise<LongTermKey> {
  const path = absolutePath(csv, context);
  const text = await csvText(path);
  const keys = keysInCsv(text);
  if (keys.length === 0) {
    throw new BrokerError("UsageInvalid", `--csv: ${path} holds no columns 'Access key ID' and 'Secret access key'`, {
      hint: "download the key's .csv file in the IAM console, or type the key: leave --csv out",
    });
  }
  const wanted = keys.filter((key) => accessKeyId === undefined || key.accessKeyId === accessKeyId);
  if (wanted.length === 1 && wanted[0]) return wanted[0];
  const ids = keys.map((key) => key.accessKeyId).join(", ");
  throw new BrokerError("UsageInvalid", `--csv: ${path} holds the keys ${ids}: --access-key-id must name one of them`, {
    hint: `--access-key-id ${keys[0]?.accessKeyId ?? "AKIA…"}`,
  });
}

/** AWS's own have 0.1 KiB; a device that never ends is not read to its end. */
const MAX_CSV_BYTES = 64 * 1024;

/** From a pipe, too: `--csv <(op read …)`. */
async function csvText(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of readInputOf(path) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_CSV_BYTES) break;
    }
  } catch (cause) {
    throw notRead(path, reasonOf(cause), cause);
  }
  if (size > MAX_CSV_BYTES) throw notRead(path, `it has more than ${MAX_CSV_BYTES / 1024} KiB`);
  return Buffer.concat(chunks).toString("utf8");
}

function notRead(path: string, why: string, cause?: unknown): BrokerError {
  return new BrokerError("UsageInvalid", `--csv: cannot read ${path}: ${why}`, {
    hint: `ls -l ${shellQuote(path)}`,
    cause,
  });
}

/**
 * The keys in a CSV of the IAM console: `Access key ID,Secret access key`, or the older one of a new user with user
 * name, password and login link. By the names of the columns, in any order and case; with or without BOM and quotes.
 */
export function keysInCsv(text: string): readonly LongTermKey[] {
  const [heading = [], ...rows] = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "")
    .map(cellsOf);
  const names = heading.map((name) => name.toLowerCase().replaceAll(/[^a-z]/g, ""));
  const [id, secret] = [names.indexOf("accesskeyid"), names.indexOf("secretaccesskey")];
  return rows.flatMap((cells) => {
    const [accessKeyId, secretAccessKey] = [cells[id], cells[secret]];
    return accessKeyId && secretAccessKey ? [{ accessKeyId, secretAccessKey: new Secret(secretAccessKey) }] : [];
  });
}

/** RFC 4180 within one line: no cell of these files holds a line break. */
function cellsOf(line: string): string[] {
  const cells = line.match(/(?:"(?:[^"]|"")*"|[^,]*)(?:,|$)/g) ?? [];
  return cells.map((cell) =>
    cell
      .replace(/,$/, "")
      .trim()
      .replace(/^"(.*)"$/, "$1")
      .replaceAll('""', '"')
      .trim(),
  );
}

/** IAM API, AccessKeyId: 16–128 characters; `ASIA…` are temporary ones. */
function checkAccessKeyId(id: string): void {
  if (looksSecret(id)) {
    throw new BrokerError(
      "UsageInvalid",
      "what was given as access key id looks like a secret access key and is refused",
      {
        hint: "the id begins with AKIA; the secret is asked for, or read with --secret-stdin",
      },
    );
  }
  if (id.startsWith("ASIA")) {
    throw new BrokerError("UsageInvalid", `${id} is a temporary access key id: it would end within hours`, {
      hint: "use a long-term key (AKIA…), made in the IAM console under Security credentials",
    });
  }
  if (/^[A-Z0-9]{16,128}$/.test(id)) return;
  throw new BrokerError("UsageInvalid", `'${id}' is not an access key id: AKIA and 16 more capitals and digits`, {
    hint: "--access-key-id AKIAIOSFODNN7EXAMPLE",
  });
}

const AWS_SECRET_LENGTH = 40;

/** AWS's own keys have 40 characters; those of compatible services may be of another length. Never quotes the secret. */
function checkSecret({ accessKeyId, secretAccessKey }: LongTermKey): void {
  const { length } = secretAccessKey.reveal();
  const isAws = accessKeyId.startsWith("AKIA");
  const isWhole = isAws ? length === AWS_SECRET_LENGTH : length >= 16 && length <= 128;
  if (isWhole && /^[!-~]+$/.test(secretAccessKey.reveal())) return;
  const found = isWhole
    ? "it holds characters that no secret has"
    : `it has ${length} characters, not ${isAws ? "40" : "16 to 128"}`;
  throw new BrokerError("UsageInvalid", `that is not the secret access key of ${accessKeyId}: ${found}`, {
    hint: "copy it again, whole and without quotes",
  });
}
