import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { shellQuote } from "../../src/system/shell-quote.js";

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
