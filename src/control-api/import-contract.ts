/** What `import` says over the wire: a part of the contract (see contract.ts). */

/** A file as the CLI read it. */
export interface FileText {
  readonly text: string;
  readonly path: string;
}

/** What `import` is about. The text of the AWS files holds keys: it only enters. */
export interface ImportRequest extends FileText {
  readonly aws: { readonly config?: FileText; readonly credentials?: FileText };
  /** null: all but `[default]`. */
  readonly profiles: readonly string[] | null;
  /** `[default]` as well. */
  readonly withDefault: boolean;
}

/** What becomes of one profile, SSO session or odd section of the AWS files. */
export interface ImportItemView {
  readonly what: string;
  /** `left`: `[default]`, which is taken only when somebody says so. */
  readonly outcome: "add" | "same" | "conflict" | "refused" | "left";
  readonly role: string | null;
  readonly source: string | null;
  readonly type: string | null;
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
  /** With which they go on: `credential_process = …` for a profile. */
  readonly lines: readonly {
    readonly profile: string;
    readonly file: "config" | "credentials";
    readonly line: string;
  }[];
}

/** Characters from the start of a file's text. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
  /** A line that can stand in its place, where the person wants it. */
  readonly instead?: string;
}
