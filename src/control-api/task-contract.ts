import type { TrustAction, TrustReport, TrustTerms } from "../core/deployed-function.js";
import type { TaskContext } from "../core/task-context.js";
import type { FunctionRequest, ViaChoice } from "./lambda-contract.js";

/** What `task` sends over the wire: a part of the contract (see contract.ts). */

interface TaskRequest extends Omit<FunctionRequest, "function"> {
  /** Family, `FAMILY:REVISION` or ARN. */
  readonly task: string;
}

export interface TaskOperations {
  /**
   * Reads the task definition and makes the role that its containers run with, which no entry of the config names: leases take it by
   * `role`. `container` null: the only one, or the only essential one. UsageInvalid, NotFound, AccessDenied; NotSupported without a task role.
   */
  "task-role": [
    TaskRequest & { readonly container: string | null },
    {
      /** `task:FAMILY@VIA`. */
      readonly role: string;
      readonly via: string;
      readonly viaBy: ViaChoice;
      readonly taskRoleArn: string;
      readonly context: TaskContext;
      /** What is another than when the task definition was last read; leases on the role follow. */
      readonly change?: string;
      /** The yes to `via` is one to this role. */
      readonly confirmation?: string;
    },
  ];
  /** As `lambda-trust`, for the task's role. */
  "task-trust": [
    TaskRequest & TrustTerms & { readonly action: TrustAction },
    TrustReport & { readonly via: string; readonly viaBy: ViaChoice },
  ];
}
