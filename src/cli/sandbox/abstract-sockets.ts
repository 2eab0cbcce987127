import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BrokerError } from "../../core/errors.js";
import type { CliContext } from "../context.js";

/**
 * Sockets of the "abstract" namespace have no file that a mount could hide: they belong to the network, which a confined command
 * shares, since it is to reach AWS. Landlock keeps it from those of others from Linux 6.12 on; the launcher is what asks the kernel for it,
 * as Node cannot. Elsewhere the list of those that listen now decides.
 */
export function landlockLauncher(brokerctl: string): string | undefined {
  const path = join(dirname(dirname(brokerctl)), "bin", "native", `linux-${process.arch}`, "brokerctl");
  if (!existsSync(path)) return undefined;
  const { status } = spawnSync(path, [LANDLOCK_WORD], { env: {}, stdio: "ignore", timeout: 2000 });
  return status === 0 ? path : undefined;
}

/** The launcher's first word: without more it tells whether the kernel can do it, by its exit code. */
export const LANDLOCK_WORD = "landlock-exec";

/** Refuses where one of them lets a program outside do what it is told; warns of the others. */
export function checkAbstractSockets({ output }: Pick<CliContext, "output">): void {
  const names = listeningNames(readTable());
  const found = names.filter(isWayOut);
  const why = "sockets without a file are closed from Linux 6.12 on, by brokerctl's launcher";
  if (found.length > 0) {
    throw new BrokerError("SandboxUnavailable", `--confine: CMD could reach ${found[0]}: ${why}`, {
      hint: "end the program that listens there, or use Linux 6.12 or newer: docs/sandbox.md",
    });
  }
  if (names.length > 0) output.warn(`--confine: CMD can reach ${names.slice(0, 3).join(", ")}: ${why}`);
}

function readTable(): string {
  try {
    return readFileSync("/proc/net/unix", "utf8");
  } catch {
    return "";
  }
}

const ACCEPTS = 0x10000;

/** The abstract names on which a program waits for connections, of the text of /proc/net/unix. */
export function listeningNames(table: string): readonly string[] {
  const rows = table.split("\n").slice(1);
  const names = rows.flatMap((row) => {
    const [, , , flags = "0", , , , ...name] = row.trim().split(/\s+/);
    return (Number.parseInt(flags, 16) & ACCEPTS) !== 0 && name[0]?.startsWith("@") ? [name.join(" ")] : [];
  });
  return [...new Set(names)];
}

/** X11 takes keys pressed by any client, D-Bus starts programs. */
export function isWayOut(name: string): boolean {
  return /X11-unix|ICE-unix|dbus|ibus/i.test(name);
}
