import { dirname } from "node:path";
import type { SandboxPlan } from "./plan.js";

/**
 * The plan as a profile for sandbox-exec of macOS: all is denied, then what is listed is allowed; what comes last counts. No look-up of the
 * keychain's, the pasteboard's or launchd's services, and no sysctl that gives the arguments and environment of other processes.
 */
export function seatbeltProfile(plan: SandboxPlan): string {
  const { readable, writable, scratch, kept, pinned, sockets } = plan;
  const open = [...writable, ...scratch];
  const seen = [...readable.map(({ path }) => path), ...open];
  return [
    "(version 1)",
    "(deny default)",
    "(allow process-exec)",
    "(allow process-fork)",
    "(allow process-info* (target same-sandbox))",
    "(allow signal (target same-sandbox))",
    rule(
      "allow mach-lookup",
      MACH_SERVICES.map((name) => `(global-name ${quoted(name)})`),
    ),
    rule("allow sysctl-read", [
      ...SYSCTL_PREFIXES.map((name) => `(sysctl-name-prefix ${quoted(name)})`),
      ...SYSCTLS.map((name) => `(sysctl-name ${quoted(name)})`),
    ]),
    "(allow ipc-posix-sem)",
    "(allow pseudo-tty)",
    rule("allow file-read* file-write* file-ioctl", [...DEVICES.map(literal), '(regex #"^/dev/ttys[0-9]+$")']),
    rule("allow file-read-metadata file-test-existence", parentsOf([...seen, plan.home]).map(literal)),
    `(allow file-read* ${literal("/")})`,
    rule("allow file-read* file-map-executable", seen.map(subpath)),
    rule("allow file-write*", open.map(subpath)),
    '(allow network-outbound (remote ip "*:*"))',
    // Not "localhost": 127.0.0.1 of a socket for both versions of IP is another address to it.
    '(allow network-inbound (local ip "*:*"))',
    '(allow network-bind (local ip "*:*"))',
    `(allow network-outbound ${literal("/private/var/run/mDNSResponder")})`,
    rule(
      "allow network-outbound",
      [...open, ...sockets].map((path) => `(remote unix-socket ${subpath(path)})`),
    ),
    rule(
      "allow network-bind",
      open.map((path) => `(local unix-socket ${subpath(path)})`),
    ),
    "(allow system-socket)",
    ...(kept.length === 0 ? [] : [rule("deny file-write*", kept.map(subpath))]),
    ...(pinned.length === 0 ? [] : [rule("deny file-write-unlink", pinned.map(literal))]),
    "",
  ].join("\n");
}

/** Users and groups, names of hosts, certificates, the log. */
const MACH_SERVICES: readonly string[] = [
  "com.apple.SystemConfiguration.DNSConfiguration",
  "com.apple.SystemConfiguration.configd",
  "com.apple.bsd.dirhelper",
  "com.apple.logd",
  "com.apple.system.logger",
  "com.apple.system.notification_center",
  "com.apple.system.opendirectoryd.libinfo",
  "com.apple.system.opendirectoryd.membership",
  "com.apple.trustd",
  "com.apple.trustd.agent",
];

const SYSCTL_PREFIXES: readonly string[] = ["hw.", "machdep.cpu.", "net.routetable.", "vm.loadavg"];
const SYSCTLS: readonly string[] = [
  ...[
    "kern.argmax",
    "kern.boottime",
    "kern.hostname",
    "kern.iossupportversion",
    "kern.maxfilesperproc",
    "kern.maxproc",
  ],
  ...[
    "kern.ngroups",
    "kern.osproductversion",
    "kern.osrelease",
    "kern.ostype",
    "kern.osvariant_status",
    "kern.osversion",
  ],
  ...[
    "kern.secure_kernel",
    "kern.usrstack64",
    "kern.version",
    "security.mac.lockdown_mode_state",
    "sysctl.proc_cputype",
  ],
];

const DEVICES = ["null", "zero", "random", "urandom", "tty", "ptmx", "dtracehelper", "stdin", "stdout", "stderr"].map(
  (name) => `/dev/${name}`,
);

function rule(head: string, filters: readonly string[]): string {
  return `(${head}\n${filters.map((filter) => `  ${filter}`).join("\n")})`;
}

function literal(path: string): string {
  return `(literal ${quoted(path)})`;
}

function subpath(path: string): string {
  return `(subpath ${quoted(path)})`;
}

/** A line feed or a quote in a path must not begin a rule. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r")}"`;
}

/** Programs look at each directory on the way to a file. */
function parentsOf(paths: readonly string[]): readonly string[] {
  const found = new Set<string>();
  for (const path of paths) {
    for (let above = dirname(path); above !== "/" && !found.has(above); above = dirname(above)) found.add(above);
  }
  return [...found].toSorted();
}
