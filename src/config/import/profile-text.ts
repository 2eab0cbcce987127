import type { FileText } from "../../core/aws-import.js";
import { type AwsProfiles, readAwsProfiles } from "./aws-profiles.js";

type Fields = Readonly<Record<string, string | undefined>>;

/** Collects what another program's settings say as profiles and sessions of AWS's own form, which the import understands. */
export class ProfileText {
  readonly #path: string;
  readonly #sections = new Map<string, Fields>();
  readonly #oddities: { readonly what: string; readonly why: string }[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  session(name: string, fields: Fields): void {
    this.#add(`sso-session ${name}`, fields);
  }

  /** Of several with one name the first counts. */
  profile(name: string, fields: Fields): void {
    this.#add(`profile ${name}`, fields);
  }

  /** What is not taken, and what its owner can do. */
  odd(what: string, why: string): void {
    this.#oddities.push({ what, why });
  }

  read(): AwsProfiles {
    const text = [...this.#sections].map(([heading, fields]) => `[${heading}]\n${linesOf(fields)}`).join("");
    const file: FileText = { path: this.#path, text };
    const aws = readAwsProfiles({ config: file });
    return { ...aws, oddities: [...aws.oddities, ...this.#oddities] };
  }

  #add(heading: string, fields: Fields): void {
    const words = [heading, ...Object.values(fields)];
    if (words.some((word) => word !== undefined && !IN_ONE_LINE.test(word))) {
      this.odd(heading, `in ${this.#path}: it holds characters that no profile has`);
    } else if (!this.#sections.has(heading)) this.#sections.set(heading, fields);
  }
}

/** Neither the end of a line or a heading, nor a remark. */
const IN_ONE_LINE = /^[^\p{Cc}[\]]*$/u;

function linesOf(fields: Fields): string {
  return Object.entries(fields)
    .flatMap(([name, value]) => (value === undefined || value === "" ? [] : [`${name} = ${value}\n`]))
    .join("");
}
