/** What a file says of one variable. Its value is compared, and told to no one. */
export interface FileValue {
  /** Whether a program that reads the file may have this value. */
  readonly is: (deployed: string) => boolean;
  /** Why another value than the deployed one cannot be told for sure. */
  readonly unsure?: string;
  /** Deployed, it may not be there at all. */
  readonly isOptional?: true;
}

/** A function's variables, as a file has them. */
export interface FileVariables {
  readonly values: ReadonlyMap<string, FileValue>;
  /** Why there may be more of them. */
  readonly unread?: string;
}

export interface VariablesDiff {
  readonly onlyDeployed: readonly string[];
  readonly onlyInFile: readonly string[];
  readonly differs: readonly string[];
  readonly notCompared: readonly { readonly name: string; readonly reason: string }[];
  readonly same: readonly string[];
  /** Lambda's own: no function has them deployed. */
  readonly leftAside: readonly string[];
}

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, "Reserved environment variables". */
const RESERVED: ReadonlySet<string> = new Set([
  ...["_HANDLER", "_X_AMZN_TRACE_ID", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"],
  ...["AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_ACCESS_KEY"],
  ...["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API"],
  ...["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
  ...["AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"],
  ...["AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL", "AWS_LAMBDA_MAX_CONCURRENCY"],
  ...["AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN"],
]);

type Kind = "onlyDeployed" | "onlyInFile" | "differs" | "same" | "leftAside";

/** Every name stands in one of the lists, which are sorted. No value does. */
export function compareVariables(deployed: Readonly<Record<string, string>>, file: FileVariables): VariablesDiff {
  const names = [...new Set([...Object.keys(deployed), ...file.values.keys()])].sort();
  const found = names.map((name) => {
    const value = Object.hasOwn(deployed, name) ? deployed[name] : undefined;
    return { name, ...placeOf(name, value, file) };
  });
  const of = (kind: Kind): string[] => found.flatMap((one) => (one.kind === kind ? [one.name] : []));
  return {
    onlyDeployed: of("onlyDeployed"),
    onlyInFile: of("onlyInFile"),
    differs: of("differs"),
    notCompared: found.flatMap(({ name, reason }) => (reason === undefined ? [] : [{ name, reason }])),
    same: of("same"),
    leftAside: of("leftAside"),
  };
}

/** What was not compared is no difference. */
export function isDifferent({ onlyDeployed, onlyInFile, differs }: VariablesDiff): boolean {
  return onlyDeployed.length + onlyInFile.length + differs.length > 0;
}

interface Place {
  readonly kind?: Kind;
  /** Why it was not compared. */
  readonly reason?: string;
}

function placeOf(name: string, deployed: string | undefined, { values, unread }: FileVariables): Place {
  if (RESERVED.has(name)) return { kind: "leftAside" };
  const value = values.get(name);
  if (!value) return unread === undefined ? { kind: "onlyDeployed" } : { reason: unread };
  if (deployed === undefined) {
    return value.isOptional ? { reason: value.unsure ?? "it may be left out" } : { kind: "onlyInFile" };
  }
  if (value.is(deployed)) return { kind: "same" };
  return value.unsure === undefined ? { kind: "differs" } : { reason: value.unsure };
}
