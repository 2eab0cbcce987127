import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";

export const SERVICE = "brokerd.service";
export const ENDPOINT_SOCKET = "brokerd.socket";
export const IPV6_SOCKET = "brokerd-ipv6.socket";
export const CONTROL_SOCKET = "brokerd-control.socket";

/** The folder of the user's own units: systemd.unit(5), "User Unit Search Path". */
export function unitDirectory(env: Readonly<Record<string, string | undefined>>, homeDir: string): string {
  const configHome = env["XDG_CONFIG_HOME"];
  const base = configHome !== undefined && isAbsolute(configHome) ? configHome : join(homeDir, ".config");
  return join(base, "systemd", "user");
}

/** Whether systemd may hold the control socket of some home of ours: a look, where reading and understanding units takes long. */
export function hasControlUnits(env: Readonly<Record<string, string | undefined>>, homeDir: string): boolean {
  const directory = unitDirectory(env, homeDir);
  return [CONTROL_SOCKET, SERVICE].some((unit) => existsSync(`${directory}/${unit}`));
}
