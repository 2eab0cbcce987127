/** Values by lower-case name, each field of a name apart. Has no prototype: no name of a field is there already. */
export type HeaderFields = Readonly<Record<string, readonly string[] | undefined>>;

/**
 * The fields of a request from Node's `rawHeaders`, names and values in turn. In place of `headersDistinct`, whose object
 * has a prototype before Node 20.20: there one field named `constructor` or `__proto__` makes it throw.
 */
export function headerFields(rawHeaders: readonly string[]): HeaderFields {
  const fields = Object.create(null) as Record<string, string[] | undefined>;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? "";
    (fields[name] ??= []).push(rawHeaders[index + 1] ?? "");
  }
  return fields;
}
