import { readFileSync, writeFileSync } from "node:fs";
import { url as inspectorUrl } from "node:inspector";
import { BrokerError } from "../core/errors.js";
import { DAEMON_NODE_FLAGS, FORMER_NODE_FLAGS } from "./node-flags.js";

const OURS_ONLY = 0o077;
/** core(5): no memory of ours in a core, wherever the kernel puts it; programs that we start inherit it. */
const CORE_FILTER = "/proc/self/coredump_filter";

/**
 * First thing in a daemon. A SIGUSR1 would open Node's inspector, through which any local user reads our memory: a
 * listener takes its place. Files are born private, a core is born empty. Diagnostic reports leave the environment out,
 * where Node can (22+). However Node was started: no prototype is reached by `__proto__`, and no header of that name ends
 * the process, as it would with `--disable-proto=throw`; no text becomes code.
 */
export function hardenProcess(target: NodeJS.Process): void {
  target.on("SIGUSR1", () => undefined);
  Reflect.deleteProperty(Object.prototype, "__proto__");
  forbidCodeFromText();
  target.umask(OURS_ONLY);
  const report: NodeJS.ProcessReport & { excludeEnv?: boolean } = target.report;
  if ("excludeEnv" in report) report.excludeEnv = true;
  try {
    writeFileSync(CORE_FILTER, "0");
  } catch {
    // Not Linux, or a kernel without it: there the limit on cores stands alone.
  }
}

/**
 * `eval` and the constructors of the four kinds of functions: nothing else makes code of a text, and once they are replaced nothing
 * leads to them. Node's own loader, with which our files are read, needs none of them.
 */
function forbidCodeFromText(): void {
  const kinds = [
    () => undefined,
    async () => Promise.resolve(),
    function* () {
      yield undefined;
    },
    async function* () {
      yield Promise.resolve();
    },
  ];
  for (const { constructor } of kinds) {
    const forbidden = function Function(): never {
      throw new EvalError("no text becomes code in here");
    };
    // What asks `instanceof Function` is answered as before.
    forbidden.prototype = constructor.prototype as object;
    Object.defineProperty(constructor.prototype, "constructor", { value: forbidden });
    if (constructor === globalThis.Function) Object.defineProperty(globalThis, "Function", { value: forbidden });
  }
  Object.defineProperty(globalThis, "eval", {
    value: (): never => {
      throw new EvalError("no text becomes code in here");
    },
  });
}

/** prctl(2), PR_SET_NO_NEW_PRIVS: what this process starts gains nothing by setuid; our unit asks for it. */
export function hasNoNewPrivileges(): boolean {
  try {
    return /^NoNewPrivs:\s+1$/m.test(readFileSync("/proc/self/status", "utf8"));
  } catch {
    return false;
  }
}

/**
 * Of Node's options: limits and warnings. Any other could run code in here, let a debugger in (`--inspect`) or write memory to
 * a file (`--heapsnapshot-signal`, `--report-on-signal`, `--heap-prof`, `--trace-event-categories`, V8's own `--trace`).
 */
const HARMLESS =
  /^--(?:max-(?:old|semi)-space-size|stack-trace-limit|no-warnings|no-deprecation|trace-(?:warnings|deprecation|uncaught|exit|sigint|gc)|disable-warning|unhandled-rejections|dns-result-order|enable-source-maps|use-(?:system|bundled|openssl)-ca)(?:=|$)/;

/** Where an option can stand, and how brokerd is started without it. */
interface GivenOptions {
  readonly place: string;
  readonly words: readonly string[];
  readonly hint: string;
}

/**
 * Before a secret is read: with Node's inspector open, or code of an option in this process, everything that it holds can
 * be read. Rejects with UsageInvalid and the fix. `execArgv` is what stands between Node and the script.
 */
export async function refuseIntruders(
  nodeOptions: string | undefined,
  execArgv: readonly string[] = [],
): Promise<void> {
  // A SIGUSR1 that came before our listener takes effect in a turn of its own.
  await new Promise((resolve) => setImmediate(resolve));
  if (inspectorUrl() !== undefined) {
    throw new BrokerError(
      "UsageInvalid",
      "the inspector of Node is open: any program that connects can read every secret",
      {
        hint: "start without --inspect: env -u NODE_OPTIONS brokerd",
      },
    );
  }
  refuseOptions({
    place: "NODE_OPTIONS has",
    words: (nodeOptions ?? "").split(/[\s"]+/),
    hint: "env -u NODE_OPTIONS brokerd",
  });
  refuseOptions({ place: "node was started with", words: execArgv, hint: "brokerctl start" });
}

function refuseOptions({ place, words, hint }: GivenOptions): void {
  const option = words.find((word) => word.startsWith("-") && !HARMLESS.test(word) && !isOurs(word));
  if (option === undefined) return;
  const name = option.replace(/=.*$/, "");
  throw new BrokerError("UsageInvalid", `${place} ${name}, which other programs may need and brokerd must not have`, {
    hint,
  });
}

/** How brokerd is started everywhere; another value of one of these disables the same thing. */
function isOurs(word: string): boolean {
  return ["--disable-sigusr1", ...DAEMON_NODE_FLAGS, ...FORMER_NODE_FLAGS].some(
    (flag) => word.split("=")[0] === flag.split("=")[0],
  );
}
