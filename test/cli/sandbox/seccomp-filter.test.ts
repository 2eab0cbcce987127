import { describe, expect, it } from "vitest";
import { seccompFilter } from "../../../src/cli/sandbox/seccomp-filter.js";

interface Call {
  readonly arch: number;
  readonly number: number;
  readonly first?: number;
  readonly second?: number;
}

const X64 = 0xc000003e;
const ARM64 = 0xc00000b7;

/** Runs the program as the kernel does: the few instructions that there are in it. */
function verdictOf(filter: Buffer, { arch, number, first = 0, second = 0 }: Call): string {
  const data = new Map([
    [0, number],
    [4, arch],
    [16, first],
    [24, second],
  ]);
  let loaded = 0;
  for (let at = 0; at < filter.length; at += 8) {
    const [code, value] = [filter.readUInt16LE(at), filter.readUInt32LE(at + 4)];
    const jump = (isTrue: boolean): number => 8 * filter.readUInt8(at + (isTrue ? 2 : 3));
    if (code === 0x20) loaded = data.get(value)! >>> 0;
    else if (code === 0x15) at += jump(loaded === value);
    else if (code === 0x35) at += jump(loaded >= value);
    else if (code === 0x06) return NAMES.get(value) ?? value.toString(16);
    else throw new Error(`an instruction that is not expected: ${code}`);
  }
  return "no end";
}

const NAMES = new Map([
  [0x7fff0000, "allowed"],
  [0x80000000, "killed"],
  [0x00050001, "EPERM"],
  [0x00050026, "ENOSYS"],
  [0x00050061, "EAFNOSUPPORT"],
]);

const CALLS = {
  x64: { arch: X64, read: 0, ioctl: 16, socket: 41, keyctl: 250 },
  arm64: { arch: ARM64, read: 63, ioctl: 29, socket: 198, keyctl: 219 },
} as const;

describe.each(["x64", "arm64"] as const)("the filter of system calls on %s", (machine) => {
  const filter = seccompFilter(machine)!;
  const { arch, read, ioctl, socket, keyctl } = CALLS[machine];
  const verdict = (call: Omit<Call, "arch">): string => verdictOf(filter, { arch, ...call });

  it("lets a program type nothing into its terminal, and do all else with it", () => {
    expect(verdict({ number: ioctl, second: 0x5412 })).toBe("EPERM");
    expect(verdict({ number: ioctl, second: 0x541c })).toBe("EPERM");
    expect(verdict({ number: ioctl, second: 0x5413 })).toBe("allowed"); // its size
  });

  it("closes the keys of the kernel", () => {
    expect([keyctl, keyctl - 1, keyctl - 2].map((number) => verdict({ number }))).toEqual(["EPERM", "EPERM", "EPERM"]);
  });

  it("opens sockets of files and of IP only", () => {
    const families = { unix: 1, inet: 2, ax25: 3, inet6: 10, netlink: 16, packet: 17, alg: 38, vsock: 40 };
    const allowed = Object.entries(families).filter(([, first]) => verdict({ number: socket, first }) === "allowed");
    expect(allowed.map(([name]) => name)).toEqual(["unix", "inet", "inet6", "netlink"]);
    expect(verdict({ number: socket, first: 40 })).toBe("EAFNOSUPPORT");
  });

  it("leaves no second way to make a system call", () => {
    expect(verdict({ number: 425 })).toBe("ENOSYS"); // io_uring_setup
    expect(verdictOf(filter, { arch: 0x40000003, number: 3 })).toBe("killed"); // i386
    if (machine === "x64") expect(verdict({ number: 0x40000000 + keyctl })).toBe("ENOSYS");
  });

  it("allows the rest", () => {
    expect(verdict({ number: read })).toBe("allowed");
  });
});

it("the filter of system calls is not known for other machines", () => {
  expect(seccompFilter("riscv64")).toBeUndefined();
});
