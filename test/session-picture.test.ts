import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { linesOf, sessionSvg } from "../scripts/session-svg.js";
import { COMMANDS } from "../src/cli/command-table.js";

const PICTURE = readFileSync("docs/session.svg", "utf8");
const TEXT = PICTURE.split("\n")
  .filter((line) => line.startsWith("<text"))
  .map((line) => line.replaceAll(/<[^>]+>/g, ""))
  .join("\n");

describe("README's picture", () => {
  it("is shown by README, and says without eyes what it is", () => {
    expect(readFileSync("README.md", "utf8")).toContain("](docs/session.svg)");
    expect(PICTURE).toContain("<title>");
  });

  it("shows commands that there are, and roles that move", () => {
    const typed = [...TEXT.matchAll(/^\$ (?:eval "\$\()?brokerctl ([\w-]+)/gm)].map(([, command]) => command ?? "");
    expect(typed.length).toBeGreaterThan(4);
    expect(typed.filter((command) => !(command in COMMANDS))).toEqual([]);
    expect(TEXT).toContain("dev (111111111111) → prod (111111111111)");
  });

  it("has no path of a machine, no token, no key, and asks no one for anything", () => {
    expect(TEXT).not.toMatch(/(?:\/(?:tmp|home|root|Users|work)\b)|brk_|AKIA|ASIA/);
    expect(PICTURE.replace('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(/https?:|href|url\(|<script|@import/);
  });

  it("follows the reader's light or dark, each look in both", () => {
    const [light = "", dark = ""] = (/<style>(.*)<\/style>/.exec(PICTURE)?.[1] ?? "").split("@media");
    const looks = new Set([...PICTURE.matchAll(/class="([a-z ]+)"/g)].flatMap(([, names = ""]) => names.split(" ")));
    expect(dark).toContain("prefers-color-scheme:dark");
    expect(looks.size).toBeGreaterThan(1);
    for (const look of looks) expect(light).toContain(`.${look}{`);
    for (const colour of [...looks].filter((look) => look !== "bold")) expect(dark).toContain(`.${colour}{`);
  });
});

describe("what a terminal got", () => {
  it("is drawn with its looks, without progress that was wiped away", () => {
    const lines = linesOf("\u001b[1m$ x\u001b[0m\r\nwait … 1 s\r\u001b[Ka \u001b[32mready\u001b[39m <&>\r\n");
    expect(lines).toEqual([
      [{ text: "$ x", looks: ["bold"] }],
      [
        { text: "a ", looks: [] },
        { text: "ready", looks: ["green"] },
        { text: " <&>", looks: [] },
      ],
    ]);
    expect(sessionSvg(lines, 80)).toContain('<tspan class="green">ready</tspan><tspan> &lt;&amp;&gt;</tspan>');
  });

  it.each(["\u001b[2Jcleared", "\u001b[45mpink\u001b[0m", "back\bspace"])(
    "is refused where it would be drawn wrong: %j",
    (text) => {
      expect(() => linesOf(text)).toThrow("the terminal got");
    },
  );
});
