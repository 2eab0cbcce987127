import { expect, it } from "vitest";
import { spellUnseen, visibleText } from "../../src/core/visible-text.js";

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

const UNSEEN = [
  ...[...range(0x00, 0x08), ...range(0x0b, 0x1f), ...range(0x7f, 0x9f)],
  ...[0xad, 0x61c, 0x180e, ...range(0x200b, 0x200f), ...range(0x2028, 0x202e), ...range(0x2060, 0x206f), 0xfeff],
  ...[0x115f, 0x3164, 0xffa0, 0xfff9, 0xd800, 0xdfff, 0xe0001, ...range(0xe0020, 0xe007f)],
];

it.each(UNSEEN.map((point) => [point.toString(16), String.fromCodePoint(point)]))(
  "U+%s is a question mark for people, and spelled out for programs",
  (_, character) => {
    expect(visibleText(`a${character}b`)).toBe("a?b");
    const json = JSON.stringify({ name: `a${character}b` });
    const spelled = spellUnseen(json);
    expect(spelled).toMatch(/^[\u0020-\u007e]+$/);
    expect(JSON.parse(spelled)).toEqual(JSON.parse(json));
  },
);

it("what can be seen stays as it is, in any script, with its lines and tabs", () => {
  const text = "prod\t→ Zürich\n東京 مرحبا 😀 e\u0301";
  expect(visibleText(text)).toBe(text);
  expect(spellUnseen(text, "\n\t")).toBe(text);
});
