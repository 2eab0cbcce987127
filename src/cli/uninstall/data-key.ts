import { BrokerError } from "../../core/errors.js";
import { readRegularFile } from "../../files/read-small-file.js";
import type { CliContext } from "../context.js";

/** What `brokerd --forget-data-key` prints. */
export interface DataKeyReport {
  readonly outcome: "exists" | "removed" | "absent" | "locked" | "unavailable";
  /** Of the keychain's item, whose service is `credbroker`. */
  readonly account: string;
  readonly detail?: string;
  /** A command that removes the item without us. */
  readonly byHand: string;
}

/** The keychain is brokerd's to touch: it is run for this one question, whether it serves or not. */
export async function askForDataKey(
  options: { readonly dryRun: boolean },
  { runBrokerd, interactive }: Pick<CliContext, "runBrokerd" | "interactive">,
): Promise<DataKeyReport> {
  const prompt = interactive && !options.dryRun;
  const args = ["--forget-data-key", ...(options.dryRun ? ["--dry-run"] : []), ...(prompt ? ["--prompt"] : [])];
  const { stdout, stderr } = await runBrokerd(args);
  const report = reportOf(stdout);
  if (report) return report;
  const reason = /^brokerd: error: (.+)$/m.exec(stderr)?.[1] ?? (stderr.trim() || "it said nothing");
  throw new BrokerError("InternalError", `brokerd could not look into the keychain: ${reason}`, {
    hint: "brokerd --forget-data-key --dry-run",
  });
}

/** Whether the config says that the keychain holds the key: then not being able to look is worth telling. */
export async function expectsDataKey(configFile: string): Promise<boolean> {
  const text = await readRegularFile(configFile).catch(() => "");
  return /^\s*["']?secret_store["']?\s*:\s*["']?keychain\b/m.test(text);
}

function reportOf(text: string): DataKeyReport | undefined {
  try {
    const report = JSON.parse(text) as Partial<DataKeyReport>;
    return typeof report.outcome === "string" ? (report as DataKeyReport) : undefined;
  } catch {
    return undefined;
  }
}
