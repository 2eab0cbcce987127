import { BOTOCORE, seenByAwsCliV2, seenByBotocore } from "./boto.js";
import { GO_V1, GO_V2, type Go, seenByGo } from "./go.js";
import { JAVASCRIPT_V2, seenByJavascriptV2 } from "./javascript-v2.js";
import { JAVASCRIPT_V3, seenByJavascriptV3 } from "./javascript-v3.js";
import { judge, type Rule, type Verdict } from "./judge.js";
import { type OtherFamily, POLARS, rulesOf, seenByOthers } from "./other-families.js";
import { OSLS, SERVERLESS_3, seenByServerless } from "./serverless.js";
import type { Shell } from "./shell.js";

/** Programs that look for credentials in the same way. */
export interface Family {
  readonly name: string;
  readonly programs: readonly string[];
  /** `run`: `npm run test:clients` compares its verdicts with what the program did; `read`: its source was read. */
  readonly known: "run" | "read";
  readonly judge: (shell: Shell) => Verdict;
}

function family<Seen>(about: Omit<Family, "judge">, rules: readonly Rule<Seen>[], see: (shell: Shell) => Seen): Family {
  return { ...about, judge: (shell) => judge(rules, see(shell)) };
}

function other(name: string, chain: OtherFamily, programs: readonly string[] = []): Family {
  return family({ name, programs, known: "read" }, rulesOf(chain), seenByOthers);
}

export const FAMILIES: readonly Family[] = [
  family({ name: "botocore", programs: ["AWS CLI v1", "boto3", "SAM CLI"], known: "run" }, BOTOCORE, seenByBotocore),
  family({ name: "AWS CLI v2", programs: [], known: "read" }, BOTOCORE, seenByAwsCliV2),
  family({ name: "JavaScript v3", programs: ["CDK"], known: "run" }, JAVASCRIPT_V3, seenByJavascriptV3),
  family({ name: "JavaScript v2", programs: [], known: "run" }, JAVASCRIPT_V2, seenByJavascriptV2),
  family({ name: "Go v2", programs: ["Terraform", "OpenTofu"], known: "run" }, GO_V2, seenByGo),
  family({ name: "Go v1", programs: ["rclone"], known: "read" }, GO_V1, seenByGoV1),
  family({ name: "osls", programs: ["osls 4"], known: "run" }, OSLS, seenByServerless),
  family({ name: "Serverless 3", programs: [], known: "run" }, SERVERLESS_3, seenByServerless),
  other("Java v2", "java2"),
  other("Java v1", "java1"),
  other("Kotlin", "kotlin"),
  other("Swift", "swift"),
  other("Rust", "rust"),
  other("CRT", "crt", ["Mountpoint"]),
  other("C++", "cpp", ["PyArrow", "DuckDB", "restic"]),
  other("Ruby", "ruby"),
  other("PHP", "php"),
  other("async-aws", "asyncAws"),
  other(".NET", "dotnet"),
  other("object_store", "objectStore", ["delta-rs", "obstore"]),
  family({ name: "Polars", programs: [], known: "read" }, POLARS, seenByOthers),
];

/** Reads the config only with AWS_SDK_LOAD_CONFIG, unless the program turns that on by itself. */
function seenByGoV1(shell: Shell): Go {
  if (shell.env["AWS_SDK_LOAD_CONFIG"]) return seenByGo(shell);
  return seenByGo({ ...shell, files: { ...shell.files, config: "" } });
}
