import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { shellQuote, steadyWord } from "../../src/core/shell-quote.js";

it.each(["plain", "/a/b-c_d.e", "", "two words", "it's", "$HOME", "`id`", "a\nb", "ä", "~", "--flag=x", "'\"\\"])(
  "gives %j to a program as the shell reads it",
  (text) => {
    const output = execFileSync("/bin/sh", ["-c", `printf %s ${shellQuote(text)}`], { encoding: "utf8" });
    expect(output).toBe(text);
  },
);

it("leaves plain paths readable", () => {
  expect(shellQuote("/home/me/.config/credbroker/config.yaml")).toBe("/home/me/.config/credbroker/config.yaml");
});

it.each(["/a/Application Support/x", "/a  b", "/a\tb", "/it's/[x]/*", "/(y)/$z"])(
  "a steady word is %j with and without quotes around eval's text",
  (text) => {
    for (const quote of ['"', ""]) {
      const output = execFileSync("/bin/sh", ["-c", `eval ${quote}$(printf '%s' "$LINE")${quote}`], {
        env: { LINE: `printf %s ${steadyWord(text)}` },
        encoding: "utf8",
      });
      expect(output).toBe(text);
    }
  },
);
