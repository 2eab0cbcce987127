import { constants } from "node:fs";
import { open } from "node:fs/promises";

const HEADER_BYTES = 20;
const ELF_MAGIC = 0x7f454c46;
/** elf(5), e_machine: a 16-bit number, little-endian on both machines that Lambda has. */
const ELF_MACHINE_OFFSET = 18;
const ELF_MACHINES: Readonly<Record<number, string>> = { 0x3e: "x64", 0xb7: "arm64" };

/**
 * What a Linux program was built for (`linux/arm64`), where this machine cannot run it; undefined: it can, or it is no such
 * program. Asked beforehand because execvp(3) hands what it cannot run to a shell, which says "syntax error".
 */
export async function foreignBinary(
  path: string,
  here = `${process.platform}/${process.arch}`,
): Promise<string | undefined> {
  const header = await head(path);
  if (header.length < HEADER_BYTES || header.readUInt32BE(0) !== ELF_MAGIC) return undefined;
  const machine = header.readUInt16LE(ELF_MACHINE_OFFSET);
  const built = `linux/${ELF_MACHINES[machine] ?? `machine ${machine}`}`;
  return built === here ? undefined : built;
}

async function head(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
