/** Shapes of deployed functions that the daemon, the contract of control and the command share. */

/** Under which permissions the code runs: the function's own role, or another role narrowed by that role's policies. */
export type LambdaMode = "assume" | "session-policy";

/** What to do about the statement in a trust policy. */
export type TrustAction = "show" | "apply" | "undo";

/** On which terms the statement is wanted. */
export interface TrustTerms {
  /** It lets in for so long; absent: until it is removed. */
  readonly seconds?: number;
  /** It lets in only sessions that are called as those of the code are. */
  readonly ownSession?: boolean;
}

/** Which tool makes a role, by its tags. */
export interface RoleOwner {
  readonly tool: "CloudFormation" | "SAM" | "Terraform";
  /** Of CloudFormation. */
  readonly stack?: string;
  readonly logicalId?: string;
}

/** What a role's trust policy says of the role that wants to assume it, after what was done. */
export interface TrustReport {
  readonly roleArn: string;
  /** Who is let in, the `Principal` of the statement: an ARN. */
  readonly principal: string;
  /** Pretty JSON. */
  readonly statement: string;
  /** It stands in the trust policy (after the action). */
  readonly isPresent: boolean;
  readonly changed: boolean;
  /** When the statement there ends, epoch milliseconds; absent: when it is removed. */
  readonly until?: number;
  /** Absent: its tags do not tell, or could not be read. */
  readonly owner?: RoleOwner;
  /** One line each. */
  readonly notes: readonly string[];
}

/** An archive (zip) of a function's code or layer that can be fetched from brokerd part by part, for some minutes. */
export interface CodeArchive {
  /** Names it to brokerd. */
  readonly id: string;
  readonly bytes: number;
  /** SHA-256, base64, as Lambda has it. */
  readonly sha256: string;
}

/** What a function is made of. */
export interface FunctionPackage {
  readonly functionName: string;
  /** `$LATEST` or a number. */
  readonly version: string;
  readonly code: CodeArchive;
  /** Each lies over those before it; `problem`: why it cannot be fetched. */
  readonly layers: readonly {
    readonly arn: string;
    readonly archive?: CodeArchive;
    readonly problem?: string;
  }[];
}

/** A function as ListFunctions has it, as far as a list shows it; its variables are left where they came. */
export interface ListedFunction {
  readonly functionName: string;
  readonly functionArn: string;
  readonly roleArn: string;
  /** null for a function that is deployed as an image. */
  readonly handler: string | null;
  readonly runtime: string | null;
  readonly isImage: boolean;
  /** Megabytes, 2^20 bytes. */
  readonly memorySize: number | null;
  /** Seconds. */
  readonly timeout: number | null;
  /** Epoch milliseconds; of code or configuration. */
  readonly lastModified: number | null;
}

/** The functions of an account in a region, or of one stack there. */
export interface FunctionList {
  readonly region: string;
  /** In the order of their names; `logicalId`: as the stack's template calls it. */
  readonly functions: readonly (ListedFunction & { readonly logicalId?: string })[];
}
