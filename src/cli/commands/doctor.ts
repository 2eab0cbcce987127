import { defineCommand, JSON_OPTION } from "../command.js";
import { isWrong } from "../doctor/finding.js";
import { EXIT } from "../exit-codes.js";

export const doctorCommand = defineCommand({
  name: "doctor",
  summary: "Say which credentials programs of this shell take, what is wrong, and how to fix it",
  details: `For each family of AWS SDKs: what it would pick in this shell, by its variables and ~/.aws, and why. Then what is wrong or
unsafe, the worst first, each with a command that fixes it. Never starts the daemon, and needs none; no program of others is
run and no key is used. With a running daemon it asks the endpoint once, as an SDK would.`,
  options: {
    scan: {
      type: "string",
      value: "DIR",
      help: "look for long-term keys in .env*, serverless and SAM files below DIR too",
    },
    fix: { type: "boolean", help: "offer what is safe to do: chmod of our own files, import; asks before each" },
    json: JSON_OPTION,
  },
  examples: ["brokerctl doctor", "brokerctl doctor --scan ~/code", "brokerctl doctor --json | jq '.findings[].fix'"],
  exitCodes: ["1 something is wrong: an error or a warning"],
  async run({ options }, context) {
    const { output } = context;
    const [{ diagnose }, { diagnosisJson, printDiagnosis }] = await Promise.all([
      import("../doctor/doctor.js"),
      import("../doctor/print.js"),
    ]);
    const diagnosis = await diagnose(context, options.scan);
    if (output.json) output.printJson(diagnosisJson(diagnosis));
    else printDiagnosis(diagnosis, context);
    if (options.fix) await (await import("../doctor/fix.js")).offerFixes(diagnosis.findings, context);
    return diagnosis.findings.some(isWrong) ? EXIT.failed : EXIT.done;
  },
});
