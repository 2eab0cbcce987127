import { Secret } from "../../core/secret.js";

/** An IAM user's access key, on its way to the daemon. */
export interface LongTermKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
}

/**
 * The keys in a CSV of the IAM console: `Access key ID,Secret access key`, or the older one of a new user with user
 * name, password and login link. By the names of the columns, in any order and case; with or without BOM and quotes.
 */
export function keysInCsv(text: string): readonly LongTermKey[] {
  const [heading = [], ...rows] = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "")
    .map(cellsOf);
  const names = heading.map((name) => name.toLowerCase().replaceAll(/[^a-z]/g, ""));
  const [id, secret] = [names.indexOf("accesskeyid"), names.indexOf("secretaccesskey")];
  return rows.flatMap((cells) => {
    const [accessKeyId, secretAccessKey] = [cells[id], cells[secret]];
    return accessKeyId && secretAccessKey ? [{ accessKeyId, secretAccessKey: new Secret(secretAccessKey) }] : [];
  });
}

/** RFC 4180 within one line: no cell of these files holds a line break. */
function cellsOf(line: string): string[] {
  const cells = line.match(/(?:"(?:[^"]|"")*"|[^,]*)(?:,|$)/g) ?? [];
  return cells.map((cell) =>
    cell
      .replace(/,$/, "")
      .trim()
      .replace(/^"(.*)"$/, "$1")
      .replaceAll('""', '"')
      .trim(),
  );
}
