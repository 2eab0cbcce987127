import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.js";

/** What the stand-in does at GETPIN: lines to answer with, or nothing at all. */
export type AtGetpin = readonly string[] | "hang" | "end";

export interface StandInPinentry {
  readonly path: string;
  /** The lines that it was sent, of all its runs. */
  readonly asked: () => readonly string[];
  /** Its arguments and the environment of its last run. */
  readonly started: () => { readonly argv: readonly string[]; readonly env: Readonly<Record<string, string>> };
}

export const CANCELLED = ["ERR 83886179 Operation cancelled <Pinentry>"];
export const TIMED_OUT = ["ERR 83886142 Timeout <Pinentry>"];

/** A program that speaks Assuan as pinentry does; each of its runs takes the next of `answers`, the last one again. */
export function standInPinentry(answers: readonly AtGetpin[]): StandInPinentry {
  const directory = tempDir("pinentry", "input");
  const [path, log, started] = ["pinentry", "asked", "started"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(
    path,
    `#!${process.execPath}
const fs = require("node:fs");
const answers = ${JSON.stringify(answers)};
fs.writeFileSync(${JSON.stringify(started)}, JSON.stringify({ argv: process.argv.slice(2), env: process.env }));
const runs = fs.existsSync(${JSON.stringify(log)}) ? fs.readFileSync(${JSON.stringify(log)}, "utf8").split("GETPIN").length - 1 : 0;
const mine = answers[Math.min(runs, answers.length - 1)];
console.log("OK Pleased to meet you, process " + process.ppid);
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  fs.appendFileSync(${JSON.stringify(log)}, line + "\\n");
  if (line.startsWith("OPTION lc-ctype")) return console.log("ERR 83886254 Unknown option <Pinentry>");
  if (line !== "GETPIN") return console.log("# a comment\\nOK");
  if (mine === "end") process.exit(1);
  if (mine !== "hang") for (const answer of mine) console.log(answer);
});
`,
    { mode: 0o700 },
  );
  return {
    path,
    asked: () => (existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : []),
    started: () => JSON.parse(readFileSync(started, "utf8")) as ReturnType<StandInPinentry["started"]>,
  };
}
