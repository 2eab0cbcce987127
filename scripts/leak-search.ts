import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A place where a secret stands in clear, or so thinly dressed that it may as well. */
export interface Leak {
  readonly file: string;
  /** How it was found: `as it is`, `base64`, `hex`, … */
  readonly form: string;
}

/** Every form in which `secret` could stand in a file without being encrypted. */
export function formsOf(secret: string): ReadonlyMap<string, string> {
  const forms = new Map([
    ["as it is", secret],
    ["hex", Buffer.from(secret).toString("hex")],
    ["reversed", Array.from(secret).reverse().join("")],
    ["utf-16", Buffer.from(secret, "utf16le").toString("latin1")],
  ]);
  // Base64 groups three bytes: the secret may start at any of them. What its neighbours reach into is cut off.
  for (const shift of [0, 1, 2]) {
    const encoded = Buffer.from(" ".repeat(shift) + secret).toString("base64");
    const inner = encoded.slice(shift === 0 ? 0 : 4, -4);
    forms.set(`base64 (+${shift})`, inner);
    forms.set(`base64url (+${shift})`, inner.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return forms;
}

/** Searches every regular file below `directory`, whatever it is called. */
export function searchFiles(
  directory: string,
  secret: string,
): { readonly files: number; readonly leaks: readonly Leak[] } {
  const forms = formsOf(secret);
  const leaks: Leak[] = [];
  let files = 0;
  for (const file of filesBelow(directory)) {
    files++;
    leaks.push(...searchText(readFileSync(file, "latin1"), forms).map((form) => ({ file, form })));
  }
  return { files, leaks };
}

function searchText(text: string, forms: ReadonlyMap<string, string>): readonly string[] {
  return [...forms].filter(([, needle]) => text.includes(needle)).map(([form]) => form);
}

function* filesBelow(directory: string): Generator<string> {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory()) yield* filesBelow(path);
    else if (found?.isFile()) yield path;
  }
}
