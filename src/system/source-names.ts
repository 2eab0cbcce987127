import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Where the built programs lie, of which this is a part. */
const DIST = fileURLToPath(new URL("../", import.meta.url));
/** `at name (/…/dist/chunks/x.js:12:3)`, or without a name and parentheses. */
const PLACE = /(?<=^ {4}at .*)(\/[^():]+\.js):(\d+):\d+(?=\)?$)/gm;
/** What the build leaves above each module's code: a comment, or the name of the function that the module has become. */
const NAME = /^\s*(?:\/\/!? |")((?:src|node_modules)\/[^\s"]+)(?:"\(.*)?$/;

interface NamedLine {
  readonly line: number;
  readonly name: string;
}

/** By path of the built file; an error that comes again and again reads it once. */
const namesByFile = new Map<string, readonly NamedLine[]>();

/** A stack whose places in built files begin with the source file that the code is from; every other line is as it was. */
export function withSourceNames(stack: string, dist = DIST): string {
  return stack.replace(PLACE, (place, file: string, line: string) => {
    const name = file.startsWith(dist) ? nameAt(file, Number(line)) : undefined;
    return name === undefined ? place : `${name}, ${place}`;
  });
}

function nameAt(file: string, line: number): string | undefined {
  const names = namesByFile.get(file) ?? namesIn(file);
  namesByFile.set(file, names);
  return names.findLast((each) => each.line <= line)?.name;
}

/** Nothing of a file that is there no more: an upgrade under a running brokerd. */
function namesIn(file: string): readonly NamedLine[] {
  try {
    return readFileSync(file, "utf8")
      .split("\n")
      .flatMap((text, index) => {
        const [, name] = NAME.exec(text) ?? [];
        return name === undefined ? [] : [{ line: index + 1, name }];
      });
  } catch {
    return [];
  }
}
