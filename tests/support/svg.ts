// A terminal's screen as an SVG: text that can be selected, in the colours of the reader's scheme.

/** What a part of a line looks like: the classes of the style sheet below. */
interface Span {
  readonly text: string;
  readonly classes: readonly string[];
}

/** Sizes in pixels. */
const [CELL, LINE, BASELINE, PADDING] = [8.4, 18, 13, 16];

/** The colours of lib/colors.ts, on white and on black. */
const LIGHT = { 28: "#116329", 31: "#0969da", 61: "#6639ba", 130: "#9a6700", 133: "#a626a4", 160: "#cf222e" };
const DARK = { 28: "#3fb950", 31: "#58a6ff", 61: "#a5a0ff", 130: "#d29922", 133: "#d2a8ff", 160: "#ff7b72" };

const colors = (scheme: Readonly<Record<string, string>>) =>
  Object.entries(scheme)
    .map(([color, value]) => `.c${color}{fill:${value}}`)
    .join("");

const STYLE = [
  "text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre;fill:#1f2328}",
  `.screen{fill:#f6f8fa;stroke:#d0d7de}.bold{font-weight:bold}.dim{fill:#656d76}${colors(LIGHT)}`,
  ".back{fill:#1f2328}.inverse{fill:#f6f8fa}",
  "@media (prefers-color-scheme:dark){",
  `text{fill:#e6edf3}.screen{fill:#0d1117;stroke:#30363d}.dim{fill:#8b949e}${colors(DARK)}`,
  ".back{fill:#e6edf3}.inverse{fill:#0d1117}}",
].join("\n");

/** The classes after an escape sequence that sets colours. @throws Error when it is one that zester does not write */
function styled(classes: readonly string[], codes: string): readonly string[] {
  const without = (pattern: RegExp) => classes.filter((name) => !pattern.test(name));
  if (codes === "" || codes === "0") return [];
  if (codes === "1") return [...classes, "bold"];
  if (codes === "2") return [...classes, "dim"];
  if (codes === "7") return [...classes, "inverse"];
  if (codes === "27") return without(/^inverse$/);
  if (codes === "22") return without(/^(bold|dim)$/);
  if (codes === "39") return without(/^c\d/);
  const [, color = ""] = /^38;5;(\d+)$/.exec(codes) ?? [];
  if (!(color in LIGHT)) throw new Error(`no style for the escape sequence ${codes}`);
  return [...without(/^c\d/), `c${color}`];
}

/** A line in parts of one look each. */
export function spansOf(line: string): Span[] {
  const spans: Span[] = [];
  let classes: readonly string[] = [];
  for (const [, codes, text] of line.matchAll(/\x1b\[([\d;]*)m|([^\x1b]+)|\x1b\[K/g)) {
    if (codes !== undefined) classes = styled(classes, codes);
    else if (text !== undefined) spans.push({ text, classes });
  }
  return spans;
}

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** One part of a line, as wide as its cells whatever the font. */
function elementsOf({ text, classes }: Span, column: number, row: number): string[] {
  const [x, y] = [(PADDING + column * CELL).toFixed(1), PADDING + row * LINE];
  const width = (Bun.stringWidth(text) * CELL).toFixed(1);
  const look = classes.length > 0 ? ` class="${classes.join(" ")}"` : "";
  const color = classes.find((name) => /^c\d/.test(name));
  const back = `<rect class="${color ?? "back"}" x="${x}" y="${y}" width="${width}" height="${LINE}"/>`;
  const shown = `<text x="${x}" y="${y + BASELINE}" textLength="${width}"${look}>${escaped(text)}</text>`;
  return [...(classes.includes("inverse") ? [back] : []), ...(text.trim() === "" ? [] : [shown])];
}

/** A screen as an SVG. @param screen its lines, with escape sequences for colours */
export function svgOf(title: string, screen: string): string {
  const lines = screen.split(/\r*\n/).map(spansOf);
  const columns = Math.max(...lines.map((spans) => Bun.stringWidth(spans.map(({ text }) => text).join(""))));
  const [width, height] = [Math.ceil(columns * CELL) + 2 * PADDING, lines.length * LINE + 2 * PADDING];
  const texts = lines.flatMap((spans, row) => {
    let column = 0;
    return spans.flatMap((span) => {
      const start = column;
      column += Bun.stringWidth(span.text);
      return elementsOf(span, start, row);
    });
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escaped(title)}</title>
<style>
${STYLE}
</style>
<rect class="screen" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>
${texts.join("\n")}
</svg>
`;
}
