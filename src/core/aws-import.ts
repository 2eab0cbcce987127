/** Shapes of an import from the AWS files that config, the contract of control and the command share. */

/** One of the two AWS files. */
export type AwsFileName = "config" | "credentials";

/** A file as the CLI read it. */
export interface FileText {
  readonly text: string;
  /** For messages only. */
  readonly path: string;
}

/** Their text may hold secrets. Absent: there is no such file. */
export type AwsFiles = Readonly<Partial<Record<AwsFileName, FileText>>>;

/** Programs beside the AWS CLI whose settings an import reads, when the user asks for it. */
export const VAULTS = ["aws-vault", "aws-sso-cli", "granted"] as const;
export type Vault = (typeof VAULTS)[number];

/** One of them. What aws-vault's keyring gave stands in `aws.credentials`; it has no settings but those of `~/.aws/config`. */
export interface VaultSettings {
  readonly vault: Vault;
  /** Its own file; null: it has none. */
  readonly settings: FileText | null;
}

/** What `import` is about. The text of the AWS files holds keys: it only enters. */
export interface ImportRequest extends FileText {
  readonly aws: AwsFiles;
  /** null: all but `[default]`. */
  readonly profiles: readonly string[] | null;
  /** `[default]` as well. */
  readonly withDefault: boolean;
  readonly from?: VaultSettings;
}

/** What becomes of one profile, SSO session or other section of the AWS files. */
export interface ImportItem {
  /** As users know it: `dev`, `[sso-session corp]`. */
  readonly what: string;
  /** `left`: `[default]`, which is taken only when the user names it. */
  readonly outcome: "add" | "same" | "conflict" | "refused" | "left";
  readonly role: string | null;
  readonly source: string | null;
  /** The type of `source`. */
  readonly type: string | null;
  /** The role it is chained from. */
  readonly sourceRole: string | null;
  readonly notes: readonly string[];
}

export interface ImportKeyView {
  readonly source: string;
  readonly accessKeyIdSuffix: string;
  /** Of the secret store: it has this key, has another one for the source, has none, or cannot be asked. */
  readonly state: "held" | "other" | "missing" | "unknown";
  /** Profiles that `--profile` does not serve once the key is cut out of the AWS files. */
  readonly breaks: readonly string[];
  /** With these they go on. */
  readonly lines: readonly ProcessLine[];
  /** They all do: no profile signs with the key that such a line cannot serve. */
  readonly isReplaceable: boolean;
}

/** A profile that a `credential_process` line for this role serves. */
export interface ProcessLine {
  readonly profile: string;
  readonly file: AwsFileName;
  readonly role: string;
}

/** Characters from the start of a file's text. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
  /** Whose key it is a part of. */
  readonly source: string;
  /** Its `credential_process` line can stand there, where the user wants it. */
  readonly role?: string;
}

/** Of each file. */
export type TextSpans = Readonly<Record<AwsFileName, readonly TextSpan[]>>;
