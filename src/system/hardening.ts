const OURS_ONLY = 0o077;

/**
 * First thing in a daemon. A SIGUSR1 would open Node's inspector, through which any local user reads our memory: a
 * listener takes its place. Files are born private. Diagnostic reports leave the environment out, where Node can (22+).
 */
export function hardenProcess(target: NodeJS.Process): void {
  target.on("SIGUSR1", () => undefined);
  target.umask(OURS_ONLY);
  const report: NodeJS.ProcessReport & { excludeEnv?: boolean } = target.report;
  if ("excludeEnv" in report) report.excludeEnv = true;
}
