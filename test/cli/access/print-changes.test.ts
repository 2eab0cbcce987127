import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatChanges, formatFailure } from "../../../src/cli/access/print-changes.js";
import { tempDir } from "../../support/temp-dir.js";

/** Everything that a shell might take for something else. */
const ODD = `it's "quoted" $HOME \`id\` \\n %PATH% !x * ~ # ; & | (é)\ttab`;
const changes = {
  set: { CB_ODD: ODD, CB_LINES: "-----BEGIN\n a 'b'\n\n\\n end\n", CB_URL: "http://127.0.0.1:9171/lease/brk_x" },
  unset: ["AWS_PROFILE", "AWS_MY-STAGE_PROFILE", "AWS_SESSION_TOKEN"],
};
const PRINT = `process.stdout.write(JSON.stringify(process.env))`;
const env = {
  PATH: process.env["PATH"] ?? "",
  LC_ALL: "C.UTF-8",
  HOME: "/nonexistent",
  AWS_PROFILE: "old",
  AWS_SESSION_TOKEN: "old",
};

function has(shell: string): boolean {
  return spawnSync(shell, ["-c", "true"]).status === 0;
}

/** What a program started after the evaluation finds in its environment. */
function evaluate(shell: string, script: string): Record<string, string> {
  const program = `${script}\n"$CB_NODE" -e "$CB_PRINT"`;
  const output = execFileSync(shell, ["-c", program], {
    env: { ...env, CB_NODE: process.execPath, CB_PRINT: PRINT },
    encoding: "utf8",
  });
  return JSON.parse(output) as Record<string, string>;
}

/** Shells with options that change what becomes of an unquoted `$( )`. */
const SHELLS: readonly (readonly string[])[] = [
  ...[["sh"], ["dash"], ["bash"], ["bash", "-O", "nullglob"], ["bash", "-O", "failglob", "-O", "extglob"]],
  ...[
    ["bash", "--norc", "-u"],
    ["zsh", "-f"],
    ["zsh", "-f", "-o", "shwordsplit"],
    ["mksh"],
    ["ksh93"],
    ["busybox", "sh"],
  ],
].filter(([shell = "", ...args]) => spawnSync(shell, [...args, "-c", "true"]).status === 0);

/** What `eval $(brokerctl env)` leaves in the environment of a program, with files that match the values as patterns. */
function evaluateUnquoted(shell: readonly string[], text: string): Record<string, string> {
  const [file = "", ...args] = shell;
  const cwd = tempDir("globs");
  for (const name of ["CB_ODD=x", "a", "x", "052", "two"]) writeFileSync(join(cwd, name), "");
  const program = `eval $(printf '%s\\n' "$CB_TEXT"); CB_STATUS=$?; export CB_STATUS; "$CB_NODE" -e "$CB_PRINT"`;
  const output = execFileSync(file, [...args, "-c", program], {
    cwd,
    env: { ...env, CB_NODE: process.execPath, CB_PRINT: PRINT, CB_TEXT: text },
    encoding: "utf8",
  });
  return JSON.parse(output) as Record<string, string>;
}

/** Each would be another value, if it were split, matched with files or joined by blanks. */
const UNSTEADY: readonly string[] = [
  ...[
    "a b",
    "a  b",
    " a ",
    "a\tb",
    "a\nb",
    "a\n\n",
    "\n",
    "",
    "*",
    "?",
    "[ax]",
    "{a,b}",
    "@(a|x)",
    "~",
    "~/x",
    "\\",
    "\\052",
  ],
  ...[
    "'",
    '"',
    "$HOME",
    "$(id)",
    "`id`",
    "%s%%d",
    "a;b",
    "#x",
    "a #b",
    "!!",
    "é ü",
    "\u00a0",
    "\u3000x",
    "\u0085",
    "=ls",
    "-n",
  ],
  ...['{"key": "va lue",  "list": [1, 2]}', "-----BEGIN\nabc\n-----END\n", "\r\n", "\u001b[31m", "\u0001"],
];

describe.each(SHELLS.map((shell) => [shell.join(" "), shell] as const))("eval without quotes in %s", (_, shell) => {
  it("sets every value exactly, unsets what competes, and succeeds", () => {
    const set = Object.fromEntries([ODD, ...UNSTEADY].map((value, index) => [`CB_${index}`, value]));
    const seen = evaluateUnquoted(shell, formatChanges({ ...changes, set }, "sh"));
    expect(seen).toMatchObject({ ...set, CB_STATUS: "0" });
    expect(seen).not.toHaveProperty("AWS_PROFILE");
    expect(seen).not.toHaveProperty("AWS_SESSION_TOKEN");
  });

  it("fails, with old credentials gone, after a failure", () => {
    const seen = evaluateUnquoted(shell, formatFailure(changes.unset, "sh"));
    expect(seen).toMatchObject({ CB_STATUS: "1" });
    expect(seen).not.toHaveProperty("AWS_PROFILE");
    expect(seen).not.toHaveProperty("AWS_SESSION_TOKEN");
  });
});

describe.each(["sh", "bash", "dash", "zsh"].filter(has))("in a real %s", (shell) => {
  it("sets every value exactly and unsets what competes", () => {
    const seen = evaluate(shell, `eval "$(cat <<'TEXT'\n${formatChanges(changes, "sh")}\nTEXT\n)"`);
    expect(seen).toMatchObject(changes.set);
    expect(seen).not.toHaveProperty("AWS_PROFILE");
    expect(seen).not.toHaveProperty("AWS_SESSION_TOKEN");
  });

  it("fails, with old credentials gone, after a failure", () => {
    const script = `eval "$(cat <<'TEXT'\n${formatFailure(changes.unset, "sh")}\nTEXT\n)" && exit 9\nexport CB_STATUS=failed`;
    expect(evaluate(shell, script)).toMatchObject({ CB_STATUS: "failed" });
    expect(evaluate(shell, script)).not.toHaveProperty("AWS_SESSION_TOKEN");
  });
});

const FISH = "fish";

describe.runIf(has(FISH))("in a real fish", () => {
  const feed = (text: string, how: string): Record<string, string> =>
    JSON.parse(
      execFileSync(FISH, ["--no-config", "-c", `${how}; $CB_NODE -e $CB_PRINT`], {
        env: { ...env, CB_NODE: process.execPath, CB_PRINT: PRINT, CB_TEXT: text },
        encoding: "utf8",
      }),
    ) as Record<string, string>;

  const unsteady = Object.fromEntries(UNSTEADY.map((value, index) => [`CB_${index}`, value]));

  it.each(["printf %s $CB_TEXT | source", "eval (printf %s $CB_TEXT)", 'eval "$(printf %s $CB_TEXT)"'])(
    "sets and unsets: %s",
    (how) => {
      const set = { ...changes.set, ...unsteady };
      const seen = feed(formatChanges({ ...changes, set }, "fish"), `${how}; and set -gx CB_STATUS done`);
      expect(seen).toMatchObject({ ...set, CB_STATUS: "done" });
      expect(seen).not.toHaveProperty("AWS_PROFILE");
      expect(seen).not.toHaveProperty("AWS_SESSION_TOKEN");
    },
  );

  it("fails after a failure", () => {
    const seen = feed(formatFailure(changes.unset, "fish"), "eval (printf %s $CB_TEXT); or set -gx CB_STATUS failed");
    expect(seen).toMatchObject({ CB_STATUS: "failed" });
    expect(seen).not.toHaveProperty("AWS_PROFILE");
  });
});

describe("other formats", () => {
  it("json is one object", () => {
    expect(JSON.parse(formatChanges(changes, "json"))).toEqual(changes);
    expect(JSON.parse(formatFailure(changes.unset, "json"))).toEqual({ set: {}, unset: changes.unset });
  });

  it("dotenv leaves plain values bare, as docker's --env-file needs them", () => {
    expect(formatChanges({ set: { A: "http://127.0.0.1:9171/x", B: "a b", C: "it's" }, unset: ["D"] }, "dotenv")).toBe(
      "A=http://127.0.0.1:9171/x\nB='a b'\nC=\"it's\"",
    );
    expect(formatFailure(["D"], "dotenv")).toBe("");
  });

  it("dotenv keeps a value on its line, and a shell that sources the file runs nothing of it", () => {
    const set = { LINES: "a\nAWS_ENDPOINT_URL=http://x", CODE: "it's $(id) `id` \\" };
    const text = formatChanges({ set, unset: [] }, "dotenv");
    expect(text.split("\n")).toHaveLength(2);
    const sourced = execFileSync("sh", ["-c", `eval "$CB_TEXT"; printf %s "$CODE"`], {
      env: { ...env, CB_TEXT: text },
      encoding: "utf8",
    });
    expect(sourced).toBe(set.CODE);
  });

  it.each(["'", "\u2018", "\u2019", "\u201a", "\u201b"])("powershell's %s does not end a value", (quote) => {
    const text = formatChanges({ set: { A: `x${quote}; calc; ${quote}` }, unset: [] }, "powershell");
    expect(text.split("\n").at(-1)).toBe(`$Env:A = 'x${quote}${quote}; calc; ${quote}${quote}';`);
  });

  it("powershell doubles quotes, and takes names that are no identifiers", () => {
    expect(formatChanges({ set: { A: "it's $x" }, unset: ["AWS_MY-STAGE_PROFILE"] }, "powershell")).toBe(
      "Remove-Item -ErrorAction SilentlyContinue 'Env:AWS_MY-STAGE_PROFILE';\n$Env:A = 'it''s $x';",
    );
    expect(formatFailure(["B"], "powershell")).toContain("$global:LASTEXITCODE = 1");
  });

  it("powershell's lines are whole statements, one by one and joined by blanks", () => {
    const text = formatChanges({ set: { A: "a\nb\r\nc", B: "x" }, unset: ["C"] }, "powershell");
    expect(text.split("\n")).toEqual([
      "Remove-Item -ErrorAction SilentlyContinue 'Env:C';",
      "$Env:A = 'a' + \"`n\" + 'b' + \"`r\" + '' + \"`n\" + 'c';",
      "$Env:B = 'x';",
    ]);
  });
});
