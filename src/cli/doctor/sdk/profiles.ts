import type { IniReading } from "./ini-dialects.js";

/** A setting and the file it stands in. */
export interface Setting {
  readonly value: string;
  readonly path: string;
}

export type Settings = ReadonlyMap<string, Setting>;

/** The profiles as one family has them once it has read both files. */
export interface Profiles {
  readonly profiles: ReadonlyMap<string, Settings>;
  readonly sessions: ReadonlyMap<string, Settings>;
}

/** A file as one family reads it. */
export interface ReadFile {
  readonly path: string;
  readonly reading: IniReading;
}

/** The sections that `nameOf` gives a name, the later of two instead of the earlier. */
export function namedSections(
  { path, reading }: ReadFile,
  nameOf: (heading: string) => string | undefined,
): Map<string, Settings> {
  const found = new Map<string, Settings>();
  for (const [heading, settings] of reading.sections) {
    const name = nameOf(heading);
    if (name !== undefined) found.set(name, new Map([...settings].map(([key, value]) => [key, { value, path }])));
  }
  return found;
}

/** Settings of the second win. */
export function merged(
  first: ReadonlyMap<string, Settings>,
  second: ReadonlyMap<string, Settings>,
): ReadonlyMap<string, Settings> {
  const all = new Map(first);
  for (const [name, settings] of second) all.set(name, new Map([...(all.get(name) ?? []), ...settings]));
  return all;
}

export const NO_SETTINGS: Settings = new Map();

/** Empty is as good as absent to most: undefined. */
export function valueOf(settings: Settings, name: string): string | undefined {
  return [settings.get(name)?.value].find(Boolean);
}

export function has(settings: Settings, ...names: readonly string[]): boolean {
  return names.some((name) => settings.has(name));
}

/** The file that makes a profile what it is. */
export function placeOf(settings: Settings, ...names: readonly string[]): string {
  const found = names.map((name) => settings.get(name)).find(Boolean);
  return found?.path ?? [...settings.values()][0]?.path ?? "~/.aws/config";
}
