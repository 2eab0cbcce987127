import { readFileSync, writeFileSync } from "node:fs";
import { url as inspectorUrl } from "node:inspector";
import { BrokerError } from "../core/errors.js";

const OURS_ONLY = 0o077;
/** core(5): no memory of ours in a core, wherever the kernel puts it; programs that we start inherit it. */
const CORE_FILTER = "/proc/self/coredump_filter";

/**
 * First thing in a daemon. A SIGUSR1 would open Node's inspector, through which any local user reads our memory: a
 * listener takes its place. Files are born private, a core is born empty. Diagnostic reports leave the environment out,
 * where Node can (22+). However Node was started: no prototype is reached by `__proto__`, and no header of that name ends
 * the process, as it would with `--disable-proto=throw`.
 */
export function hardenProcess(target: NodeJS.Process): void {
  target.on("SIGUSR1", () => undefined);
  Reflect.deleteProperty(Object.prototype, "__proto__");
  target.umask(OURS_ONLY);
  const report: NodeJS.ProcessReport & { excludeEnv?: boolean } = target.report;
  if ("excludeEnv" in report) report.excludeEnv = true;
  try {
    writeFileSync(CORE_FILTER, "0");
  } catch {
    // Not Linux, or a kernel without it: there the limit on cores stands alone.
  }
}

/** prctl(2), PR_SET_NO_NEW_PRIVS: what this process starts gains nothing by setuid; our unit asks for it. */
export function hasNoNewPrivileges(): boolean {
  try {
    return /^NoNewPrivs:\s+1$/m.test(readFileSync("/proc/self/status", "utf8"));
  } catch {
    return false;
  }
}

/** Of NODE_OPTIONS: limits and warnings. Any other could run code in here, let somebody in or write memory to a file. */
const HARMLESS =
  /^--(?:max-(?:old|semi)-space-size|stack-trace-limit|no-warnings|no-deprecation|trace-[a-z-]+|disable-warning|unhandled-rejections|dns-result-order|enable-source-maps|use-(?:system|bundled|openssl)-ca)(?:=|$)/;

/**
 * Before a secret is read: with Node's inspector open, or code of NODE_OPTIONS in this process, everything that it holds
 * can be read. Rejects with UsageInvalid and the mend.
 */
export async function refuseIntruders(nodeOptions: string | undefined): Promise<void> {
  // A SIGUSR1 that came before our listener takes effect in a turn of its own.
  await new Promise((resolve) => setImmediate(resolve));
  if (inspectorUrl() !== undefined) {
    throw new BrokerError("UsageInvalid", "the inspector of Node is open: whoever connects could read every secret", {
      hint: "start without --inspect: env -u NODE_OPTIONS brokerd",
    });
  }
  const option = nodeOptions
    ?.split(/[\s"]+/)
    .find((word) => word.startsWith("-") && !HARMLESS.test(word))
    ?.replace(/=.*$/, "");
  if (option === undefined) return;
  throw new BrokerError(
    "UsageInvalid",
    `NODE_OPTIONS has ${option}, which other programs may need and brokerd must not have`,
    {
      hint: "env -u NODE_OPTIONS brokerd",
    },
  );
}
