// The pictures of the README: a terminal's screen as an SVG.
import { expect, test } from "bun:test";
import { spansOf, svgOf } from "../support/svg.ts";

test("a line is parts of one look each", () => {
  expect(spansOf("a\x1b[38;5;160m\x1b[1mb\x1b[22mc\x1b[39md\x1b[0m\x1b[K")).toEqual([
    { text: "a", classes: [] },
    { text: "b", classes: ["c160", "bold"] },
    { text: "c", classes: ["c160"] },
    { text: "d", classes: [] },
  ]);
  expect(() => spansOf("\x1b[31mred")).toThrow("no style for the escape sequence 31");
});

test("text stays text, each part as wide as its cells, in the colours of both schemes", () => {
  const svg = svgOf("a <job>", "a\x1b[2mb & c\x1b[22m\r\n  <x>");
  expect(svg).toContain("<title>a &lt;job&gt;</title>");
  expect(svg.match(/<text.*/g)).toEqual([
    '<text x="16.0" y="29" textLength="8.4">a</text>',
    '<text x="24.4" y="29" textLength="42.0" class="dim">b &amp; c</text>',
    '<text x="16.0" y="47" textLength="42.0">  &lt;x&gt;</text>',
  ]);
  expect(svgOf("", "\x1b[7ma \x1b[27mb").match(/<(rect class="back"|text).*/g)).toEqual([
    '<rect class="back" x="16.0" y="16" width="16.8" height="18"/>',
    '<text x="16.0" y="29" textLength="16.8" class="inverse">a </text>',
    '<text x="32.8" y="29" textLength="8.4">b</text>',
  ]);
  expect(svg).toContain("@media (prefers-color-scheme:dark)");
});
