import { readFileSync } from "node:fs";
import type { Loader, Plugin } from "esbuild";

/** What is left of a package's file: it is read with our code at each start, and most of what it does there is for others. */
interface Leaner {
  readonly file: RegExp;
  readonly loader: Loader;
  readonly lean: (text: string) => string;
}

/** All that our apps send and take. */
const MEDIA_TYPES = ["application/json", "application/octet-stream", "text/html", "text/plain"];

const LEANER: readonly Leaner[] = [
  {
    // 2,500 media types, of which mime-types makes two tables when it is loaded.
    file: /\/node_modules\/mime-db\/db\.json$/,
    loader: "json",
    lean: (text) => {
      const all = JSON.parse(text) as Readonly<Record<string, unknown>>;
      return JSON.stringify(Object.fromEntries(MEDIA_TYPES.map((type) => [type, all[type]])));
    },
  },
  {
    // Of other encodings than UTF-8, which express.json refuses by their names.
    file: /\/node_modules\/iconv-lite\/encodings\/tables\/[\w-]+\.json$/,
    loader: "json",
    lean: () => "[]",
  },
  {
    // The endpoint reads no bodies; control loads its parser with its first request.
    file: /\/node_modules\/express\/lib\/express\.js$/,
    loader: "js",
    lean: (text) => {
      const later: readonly (readonly [name: string, was: string, value: string])[] = [
        ...["json", "raw", "text", "urlencoded"].map(
          (name) => [name, `bodyParser.${name}`, `require('body-parser').${name}`] as const,
        ),
        ["static", "require('serve-static')", "require('serve-static')"],
      ];
      return later.reduce(
        (left, [name, was, value]) => replaced(left, `exports.${name} = ${was}`, getter("exports", name, value)),
        replaced(text, "var bodyParser = require('body-parser')\n", ""),
      );
    },
  },
  {
    // Files, and signed cookies.
    file: /\/node_modules\/express\/lib\/response\.js$/,
    loader: "js",
    lean: (text) =>
      replaced(
        replaced(text, "var send = require('send')", `var send = ${whenCalled("require('send')")}`),
        "var sign = require('cookie-signature').sign",
        `var sign = ${whenCalled("require('cookie-signature').sign")}`,
      ),
  },
  {
    // Its transports are threads; ours is a stream.
    file: /\/node_modules\/pino\/lib\/tools\.js$/,
    loader: "js",
    lean: (text) =>
      replaced(
        replaced(
          replaced(text, "const { isMainThread } = require('worker_threads')\n", ""),
          "!opts.sync && isMainThread",
          "!opts.sync && require('worker_threads').isMainThread",
        ),
        "const transport = require('./transport')",
        `const transport = ${whenCalled("require('./transport')")}`,
      ),
  },
  {
    file: /\/node_modules\/pino\/pino\.js$/,
    loader: "js",
    lean: (text) =>
      replaced(
        text,
        "module.exports.transport = require('./lib/transport')",
        getter("module.exports", "transport", "require('./lib/transport')"),
      ),
  },
  {
    file: /\/node_modules\/sonic-boom\/index\.js$/,
    loader: "js",
    lean: (text) =>
      replaced(text, "const assert = require('assert')", `const assert = ${whenCalled("require('assert')")}`),
  },
];

function getter(object: string, name: string, value: string): string {
  return `Object.defineProperty(${object}, '${name}', { enumerable: true, get: () => ${value} })`;
}

/** Of what is a function, and taken for nothing else. */
function whenCalled(value: string): string {
  return `(...args) => ${value}(...args)`;
}

function replaced(text: string, was: string, is: string): string {
  if (!text.includes(was)) throw new Error(`a package has changed: there is no ${was}`);
  return text.replace(was, is);
}

/** Packages without what we do not use of them, where that costs a start milliseconds. */
export function leanerPackages(): Plugin {
  return {
    name: "leaner packages",
    setup(build) {
      for (const { file, loader, lean } of LEANER) {
        build.onLoad({ filter: file }, ({ path }) => ({ contents: lean(readFileSync(path, "utf8")), loader }));
      }
    },
  };
}
