/** What a disk, a crash, an editor or an older version can do to a file. */
export interface Damage {
  readonly name: string;
  /** undefined: a damage that cannot be made of these bytes. */
  readonly of: (bytes: Buffer, random: () => number) => Buffer | undefined;
}

const below = (limit: number, random: () => number): number => Math.floor(random() * limit);

function randomBytes(length: number, random: () => number): Buffer {
  return Buffer.from(Array.from({ length }, () => below(256, random)));
}

function edit(change: (text: string, random: () => number) => string): Damage["of"] {
  return (bytes, random) => {
    const text = bytes.toString("latin1");
    const changed = change(text, random);
    return changed === text ? undefined : Buffer.from(changed, "latin1");
  };
}

/** Splices `insert` over `remove` bytes at a random place. */
function splice(remove: number, insert: (random: () => number) => Buffer): Damage["of"] {
  return (bytes, random) => {
    const at = below(bytes.length, random);
    return Buffer.concat([bytes.subarray(0, at), insert(random), bytes.subarray(at + remove)]);
  };
}

const NESTED = "[".repeat(5000) + "]".repeat(5000);

/** Bytes are taken as they are: for any file. */
export const DAMAGES: readonly Damage[] = [
  { name: "cut short", of: (bytes, random) => bytes.subarray(0, below(bytes.length, random)) },
  { name: "empty", of: () => Buffer.alloc(0) },
  {
    name: "one bit other",
    of: (bytes, random) => {
      const changed = Buffer.from(bytes);
      const at = below(bytes.length, random);
      changed[at] = changed[at]! ^ (1 << below(8, random));
      return changed;
    },
  },
  { name: "a byte more", of: splice(0, (random) => randomBytes(1, random)) },
  { name: "a byte less", of: splice(1, () => Buffer.alloc(0)) },
  { name: "a part of zeros, as after a power cut", of: splice(64, () => Buffer.alloc(64)) },
  { name: "all zeros", of: (bytes) => Buffer.alloc(bytes.length) },
  { name: "a part of other bytes", of: splice(32, (random) => randomBytes(32, random)) },
  {
    name: "other bytes behind it",
    of: (bytes, random) => Buffer.concat([bytes, randomBytes(1 + below(64, random), random)]),
  },
  { name: "twice", of: (bytes) => Buffer.concat([bytes, bytes]) },
  { name: "random bytes", of: (_, random) => randomBytes(1 + below(4096, random), random) },
  { name: "2 MB longer", of: (bytes) => Buffer.concat([bytes, Buffer.alloc(2_000_000, 0x20), Buffer.from("x")]) },
  { name: "a byte order mark before it", of: (bytes) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]) },
  { name: "UTF-16", of: (bytes) => Buffer.from(bytes.toString("latin1"), "utf16le") },
  { name: "the lines of another system", of: edit((text) => text.replaceAll("\n", "\r\n")) },
  { name: "of a newer version", of: edit((text) => text.replace(/("version": *)1/, "$12")) },
  { name: "of a version that is no number", of: edit((text) => text.replace(/("version": *)1/, '$1"1"')) },
  { name: "a key of JavaScript's", of: edit((text) => text.replace(/"(\w+)":/, '"__proto__": {"$1": 1}, "$1":')) },
  { name: "a key more", of: edit((text) => text.replace("{", '{ "later": true,')) },
  { name: "a key twice", of: edit((text) => text.replace(/("version": *\d+)/, "$1, $1")) },
  { name: "a text for a number", of: edit((text, random) => replaceOne(text, /: *\d+/g, ': "1"', random)) },
  { name: "null for a value", of: edit((text, random) => replaceOne(text, /: *(?:"[^"]*"|\d+)/g, ": null", random)) },
  { name: "a number without bounds", of: edit((text, random) => replaceOne(text, /: *\d+/g, ": 1e400", random)) },
  { name: "a negative number", of: edit((text, random) => replaceOne(text, /: *\d+/g, ": -1", random)) },
  {
    name: "a value nested 5,000 deep",
    of: edit((text, random) => replaceOne(text, /: *(?:"[^"]*"|\d+)/g, `: ${NESTED}`, random)),
  },
  { name: "a list for an object", of: edit((text) => (text.startsWith("{") ? `[${text}]` : text)) },
];

function replaceOne(text: string, pattern: RegExp, by: string, random: () => number): string {
  const found = [...text.matchAll(pattern)];
  const chosen = found[below(found.length, random)];
  if (!chosen) return text;
  return text.slice(0, chosen.index) + by + text.slice(chosen.index + chosen[0].length);
}
