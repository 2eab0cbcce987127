import { readFileSync } from "node:fs";
import { BrokerError } from "../../core/errors.js";

export function bwrapMissing(): BrokerError {
  return new BrokerError("SandboxUnavailable", "--confine needs bubblewrap, and there is no bwrap here", {
    hint: "sudo apt-get install bubblewrap, or dnf install, pacman -S, apk add, zypper install",
  });
}

const APPARMOR = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
const SETTINGS: readonly (readonly [path: string, closed: string, why: string, fix: string])[] = [
  [
    APPARMOR,
    "1",
    "AppArmor lets no program make a user namespace that has no profile for it",
    "docs/sandbox.md has the profile for bwrap; or, for all programs: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
  ],
  [
    "/proc/sys/kernel/unprivileged_userns_clone",
    "0",
    "users may not make user namespaces here",
    "sudo sysctl -w kernel.unprivileged_userns_clone=1",
  ],
  [
    "/proc/sys/user/max_user_namespaces",
    "0",
    "there may be no user namespaces here",
    "sudo sysctl -w user.max_user_namespaces=15000",
  ],
];

type Read = (path: string) => string | undefined;

/** Of a bwrap that ended before it ran the command; it has said on stderr what failed. */
export function bwrapFailed(read: Read = readText): BrokerError {
  const setting = SETTINGS.find(([path, closed]) => read(path)?.trim() === closed);
  if (setting) {
    const [, , why, hint] = setting;
    return new BrokerError("SandboxUnavailable", `bwrap could not confine CMD: ${why}`, { hint });
  }
  const isContainer = read("/.dockerenv") !== undefined || read("/run/.containerenv") !== undefined;
  const hint = isContainer
    ? "docker run --security-opt seccomp=unconfined --security-opt systempaths=unconfined …, or run brokerctl outside of the container"
    : "bwrap --unshare-user-try --unshare-pid --ro-bind / / --proc /proc true";
  const where = isContainer ? ": this container may not make namespaces" : "";
  return new BrokerError("SandboxUnavailable", `bwrap could not confine CMD${where}`, { hint });
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
