/**
 * A filter of system calls for what namespaces do not close, as the program that the kernel runs (seccomp(2)): keys of the kernel, which
 * a session hands down to its children; characters typed into the terminal outside; sockets that lead to other machines than IP does
 * (vsock: the host of a virtual machine, Windows around WSL).
 */

/** By `process.arch`. */
const ARCHITECTURES = {
  x64: { audit: 0xc000003e, ioctl: 16, socket: 41, keys: [248, 249, 250], isX32: true },
  arm64: { audit: 0xc00000b7, ioctl: 29, socket: 198, keys: [217, 218, 219], isX32: false },
} as const;

/** setup, enter, register: it makes sockets by calls that no filter sees. Programs go on without. */
const IO_URING = [425, 426, 427] as const;
/** Types characters into the terminal; moves text between virtual consoles. */
const TERMINAL_REQUESTS = [0x5412, 0x541c] as const; // TIOCSTI, TIOCLINUX
const FAMILIES = [1, 2, 10, 16] as const; // AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
/** Numbers from here on are the second set of calls of x86-64. */
const X32 = 0x40000000;

const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const refuse = (errno: number): number => 0x00050000 | errno;
const [EPERM, ENOSYS, EAFNOSUPPORT] = [1, 38, 97];

/** In what a call is told by: its number, the machine, the low half of its first two arguments. */
const [NUMBER, MACHINE, FIRST, SECOND] = [0, 4, 16, 24];

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

const load = (offset: number): Instruction => [0x20, 0, 0, offset];
const end = (result: number): Instruction => [0x06, 0, 0, result];
/** Runs `block` where what was loaded is `value`, else goes on after it. */
const where = (value: number, block: readonly Instruction[]): readonly Instruction[] => [
  [0x15, 0, block.length, value],
  ...block,
];
const unless = (value: number, block: readonly Instruction[]): readonly Instruction[] => [
  [0x15, block.length, 0, value],
  ...block,
];
const from = (value: number, block: readonly Instruction[]): readonly Instruction[] => [
  [0x35, 0, block.length, value],
  ...block,
];

/** As `bwrap --seccomp` reads it; undefined: not known for this processor. */
export function seccompFilter(arch: string): Buffer | undefined {
  if (arch !== "x64" && arch !== "arm64") return undefined;
  const { audit, ioctl, socket, keys, isX32 } = ARCHITECTURES[arch];
  const each = (values: readonly number[], result: number): readonly Instruction[] =>
    values.flatMap((value) => where(value, [end(result)]));
  return encode([
    load(MACHINE),
    ...unless(audit, [end(KILL)]),
    load(NUMBER),
    ...(isX32 ? from(X32, [end(refuse(ENOSYS))]) : []),
    ...each(keys, refuse(EPERM)),
    ...each(IO_URING, refuse(ENOSYS)),
    ...where(ioctl, [load(SECOND), ...each(TERMINAL_REQUESTS, refuse(EPERM)), end(ALLOW)]),
    ...where(socket, [load(FIRST), ...each(FAMILIES, ALLOW), end(refuse(EAFNOSUPPORT))]),
    end(ALLOW),
  ]);
}

const INSTRUCTION_BYTES = 8;

function encode(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * INSTRUCTION_BYTES);
  for (const [index, [code, ifTrue, ifFalse, value]] of program.entries()) {
    const at = index * INSTRUCTION_BYTES;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(ifTrue, at + 2);
    bytes.writeUInt8(ifFalse, at + 3);
    bytes.writeUInt32LE(value >>> 0, at + 4);
  }
  return bytes;
}
