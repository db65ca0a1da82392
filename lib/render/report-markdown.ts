// A page as Markdown, for trackers. Text of records is code, so that it is no markup, mentions no one and links to nothing. Pure.
import type { Block, Page, Word, Words } from "./page.ts";

/** More backticks than any run in the text, and `least` at least. */
function fence(texts: readonly string[], least: number): string {
  const longest = texts.reduce(
    (most, text) => Math.max(most, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length)),
    least - 1,
  );
  return "`".repeat(longest + 1);
}

function code(text: string): string {
  if (text.trim() === "") return text === "" ? "" : `\` ${text} \``;
  const ticks = fence([text], 1);
  const gap = /^`|`$/.test(text) ? " " : "";
  return `${ticks}${gap}${text}${gap}${ticks}`;
}

const word = (one: Word): string =>
  typeof one === "string"
    ? one
    : "state" in one
      ? `**${/^[a-z ]+$/.test(one.state) ? one.state : code(one.state)}**`
      : code("data" in one ? one.data : one.command);

/** The same in a summary, where trackers read no Markdown. */
const inHtml = (one: Word): string =>
  typeof one === "string"
    ? Bun.escapeHTML(one)
    : "state" in one
      ? `<b>${Bun.escapeHTML(one.state)}</b>`
      : `<code>${Bun.escapeHTML("data" in one ? one.data : one.command)}</code>`;

const line = (words: Words) => words.map(word).join("");
/** In a cell a bar is escaped, in code as well. */
const cell = (words: Words) => line(words).replaceAll("|", "\\|") || " ";

const tableRow = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;

function* blockText(block: Block, depth: number): Generator<string> {
  switch (block.kind) {
    case "text":
      yield `${line(block.words)}\n\n`;
      break;
    case "note":
      yield `> ${line(block.words)}\n\n`;
      break;
    case "facts":
      yield tableRow(["", ""]) + tableRow(["---", "---"]);
      for (const [name, value] of block.facts) yield tableRow([`**${name}**`, cell(value)]);
      yield "\n";
      break;
    case "table": {
      const { columns, rows } = block.table;
      yield tableRow(columns.map(({ title }) => title));
      yield tableRow(columns.map(({ right }) => (right ? "--:" : "---")));
      for (const row of rows) yield tableRow(row.map(cell));
      yield "\n";
      break;
    }
    case "lines": {
      const texts = block.lines.map(({ text }) => text);
      const ticks = fence(texts, 3);
      yield `${ticks}${block.isDiff ? "diff" : "text"}\n${texts.map((text) => `${text}\n`).join("")}${ticks}\n\n`;
      break;
    }
    case "timeline":
      break;
    case "commands":
      for (const [command, what] of block.commands) yield `- ${code(command)}: ${what}\n`;
      yield "\n";
      break;
    case "details":
      yield `<details${block.open ? " open" : ""}><summary>${block.title.map(inHtml).join("")}</summary>\n\n`;
      for (const one of block.blocks) yield* blockText(one, depth);
      yield "</details>\n\n";
      break;
    case "section":
      // A picture is all that is in it.
      if (block.blocks.every(({ kind }) => kind === "timeline")) break;
      yield `${"#".repeat(depth)} ${line(block.title)}\n\n`;
      for (const one of block.blocks) yield* blockText(one, depth + 1);
  }
}

export function* markdownPage({ title, lead, blocks, foot }: Page): Generator<string> {
  yield `# ${line(title)}\n\n${line(lead)}\n\n`;
  for (const block of blocks) yield* blockText(block, 2);
  yield `---\n\n${foot.map(line).join(" ")}\n`;
}
