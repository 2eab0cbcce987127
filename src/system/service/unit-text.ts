import { BrokerError } from "../../core/errors.js";

// Values in unit files, as systemd.syntax(7) and systemd.unit(5) (specifiers) read them.

/** One word of a list (`Environment=`, `ReadWritePaths=`), always in quotes. */
export function unitWord(text: string): string {
  return `"${unitPath(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** One word of `ExecStart=`: `$` would be replaced by a variable. */
export function commandWord(text: string): string {
  return unitWord(text).replaceAll("$", "$$$$");
}

/** What `ExecStart=` of our own making runs. */
export function commandOf(unit: string): string[] {
  const line = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? "";
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = ""]) =>
    word.replaceAll(/\\(.)/g, "$1").replaceAll("%%", "%").replaceAll("$$", "$"),
  );
}

/** A value that runs to the end of the line, such as a path of `ListenStream=`: only specifiers are replaced in it. */
export function unitPath(text: string): string {
  return unitValue(text).replaceAll("%", "%%");
}

/** A path that systemd takes for a pattern: one that is none. */
export function unitGlob(text: string): string {
  if (!/[*?[\\]/.test(text)) return unitPath(text);
  throw new BrokerError("UsageInvalid", `systemd takes this path for a pattern: ${text}`, {
    hint: "use one without * ? [ and backslash",
  });
}

/** A value of a section that systemd leaves alone. */
export function unitValue(text: string): string {
  // eslint-disable-next-line no-control-regex -- a line break would begin a setting of its own
  if (text !== "" && text.trim() === text && !/[\u0000-\u001f\u007f]|\\$/.test(text)) return text;
  throw new BrokerError("UsageInvalid", `no systemd unit can hold this path or value: ${JSON.stringify(text)}`, {
    hint: "use one without line breaks, spaces at its ends or a final backslash",
  });
}

/** A line of the file that `EnvironmentFile=` names (systemd.exec(5)): in double quotes, line breaks may stand in it. */
export function environmentLine(name: string, value: string): string {
  if (value.includes("\0"))
    throw new BrokerError("UsageInvalid", `${name} holds a zero byte`, { hint: `unset ${name}` });
  return `${name}="${value.replaceAll(/["\\`$]/g, "\\$&")}"\n`;
}

/** A unit from its template: each `@NAME@` replaced; a line whose value is empty goes. */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  return template
    .split("\n")
    .flatMap((line) => {
      const filled = line.replaceAll(/@([A-Z_]+)@/g, (_, name: string) => valueOf(name, values));
      return filled === "" && line !== "" ? [] : [filled];
    })
    .join("\n");
}

function valueOf(name: string, values: Readonly<Record<string, string>>): string {
  const value = values[name];
  if (value === undefined) throw new BrokerError("InternalError", `the unit template asks for an unknown ${name}`);
  return value;
}
