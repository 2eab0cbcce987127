import { BOTOCORE, seenByAwsCliV2, seenByBotocore } from "./boto.js";
import { GO_V2, seenByGo } from "./go.js";
import { GO_V1, seenByGoV1, seenByRclone } from "./go-v1.js";
import { JAVASCRIPT_V2, seenByJavascriptV2 } from "./javascript-v2.js";
import { JAVASCRIPT_V3, seenByJavascriptV3 } from "./javascript-v3.js";
import { judge, type Rule, type Verdict } from "./judge.js";
import {
  CRT,
  JAVA_V2,
  KOTLIN,
  type OtherFamily,
  POLARS,
  rulesOf,
  seenByCpp,
  seenByOthers,
  seenByRuby,
} from "./other-families.js";
import { RUST } from "./rust.js";
import { OSLS, SERVERLESS_3, seenByServerless } from "./serverless.js";
import type { Shell } from "./shell.js";
import { seenAsSpecified, seenByCrt, seenByJavaV2 } from "./specified-files.js";

/** Programs that look for credentials in the same way. */
export interface Family {
  readonly name: string;
  readonly programs: readonly string[];
  /** `run`: `npm run test:clients` or `test:matrix` compares its verdicts with what the program did; `read`: its source was read. */
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
  family({ name: "AWS CLI v2", programs: [], known: "run" }, BOTOCORE, seenByAwsCliV2),
  family({ name: "JavaScript v3", programs: ["CDK"], known: "run" }, JAVASCRIPT_V3, seenByJavascriptV3),
  family({ name: "JavaScript v2", programs: [], known: "run" }, JAVASCRIPT_V2, seenByJavascriptV2),
  family({ name: "Go v2", programs: ["Terraform", "OpenTofu"], known: "run" }, GO_V2, (shell) => seenByGo(shell)),
  family({ name: "Go v1", programs: [], known: "run" }, GO_V1, seenByGoV1),
  family({ name: "rclone", programs: [], known: "run" }, GO_V1, seenByRclone),
  family({ name: "osls", programs: ["osls 4"], known: "run" }, OSLS, seenByServerless),
  family({ name: "Serverless 3", programs: [], known: "run" }, SERVERLESS_3, seenByServerless),
  family({ name: "Java v2", programs: [], known: "run" }, JAVA_V2, seenByJavaV2),
  other("Java v1", "java1"),
  family({ name: "Kotlin", programs: [], known: "run" }, KOTLIN, seenAsSpecified),
  other("Swift", "swift"),
  family({ name: "Rust", programs: [], known: "run" }, RUST, seenAsSpecified),
  family({ name: "CRT", programs: ["Mountpoint"], known: "run" }, CRT, seenByCrt),
  family({ name: "C++", programs: ["PyArrow", "DuckDB"], known: "run" }, rulesOf("cpp"), seenByCpp),
  family({ name: "Ruby", programs: [], known: "run" }, rulesOf("ruby"), seenByRuby),
  other("PHP", "php"),
  family({ name: "async-aws", programs: [], known: "run" }, rulesOf("asyncAws"), seenByOthers),
  other(".NET", "dotnet"),
  family(
    { name: "object_store", programs: ["delta-rs", "obstore"], known: "run" },
    rulesOf("objectStore"),
    seenByOthers,
  ),
  family({ name: "Polars", programs: [], known: "run" }, POLARS, seenByOthers),
];
