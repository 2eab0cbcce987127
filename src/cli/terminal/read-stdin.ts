import { BrokerError } from "../../core/errors.js";
import type { CliContext } from "../context.js";

/** More than any secret, code or passphrase: whoever pipes more has mistaken the file. */
const MAX_BYTES = 64 * 1024;

/** The first line of stdin, for `flag`; a final newline, also of Windows, is not part of it. */
export async function readStdinLine({ stdin, stdinIsTTY }: CliContext, flag: string): Promise<string> {
  if (stdinIsTTY) {
    throw new BrokerError("UsageInvalid", `${flag} reads from a pipe or a file, and stdin is a terminal`, {
      hint: `leave ${flag} out and type it at the prompt`,
    });
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin() as AsyncIterable<Buffer | string>) {
    chunks.push(Buffer.from(chunk));
    bytes += chunks.at(-1)?.length ?? 0;
    if (bytes > MAX_BYTES) throw new BrokerError("UsageInvalid", `${flag}: stdin holds more than ${MAX_BYTES} bytes`);
  }
  const line =
    Buffer.concat(chunks)
      .toString("utf8")
      .replace(/^\uFEFF/, "")
      .split(/\r?\n/)[0] ?? "";
  if (line === "")
    throw new BrokerError("UsageInvalid", `${flag}: stdin is empty`, { hint: `printf %s VALUE | brokerctl … ${flag}` });
  return line;
}
