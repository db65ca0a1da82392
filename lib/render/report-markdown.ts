// A page as Markdown, for trackers. Text of records is code, so that it is no markup, mentions no one and links to nothing. Pure.
import type { Block, Page, Word, Words } from "./page.ts";

/** More backticks than any run in the text, and `least` at least. */
const fence = (text: string, least: number) =>
  "`".repeat((text.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length + 1), least));

function code(text: string): string {
  if (text === "") return "";
  const ticks = fence(text, 1);
  const gap = text.trim() === "" || /^`|`$/.test(text) ? " " : "";
  return `${ticks}${gap}${text}${gap}${ticks}`;
}

const MARKDOWN = {
  plain: (text: string) => text,
  code,
  strong: (text: string) => `**${/^[a-z ]+$/.test(text) ? text : code(text)}**`,
};
/** For summaries, where trackers read no Markdown. */
const HTML: typeof MARKDOWN = {
  plain: Bun.escapeHTML,
  code: (text) => `<code>${Bun.escapeHTML(text)}</code>`,
  strong: (text) => `<b>${Bun.escapeHTML(text)}</b>`,
};

const line = (words: Words, { plain, code, strong } = MARKDOWN) =>
  words
    .map((word: Word) => {
      if (typeof word === "string") return plain(word);
      if ("state" in word) return strong(word.state);
      return code("data" in word ? word.data : word.command);
    })
    .join("");
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
    case "table":
      yield tableRow(block.columns.map(({ title }) => title));
      yield tableRow(block.columns.map(({ right }) => (right ? "--:" : "---")));
      for (const row of block.rows) yield tableRow(row.map(cell));
      yield "\n";
      break;
    case "lines": {
      const text = block.lines.map(({ text }) => `${text}\n`).join("");
      const ticks = fence(text, 3);
      yield `${ticks}${block.isDiff ? "diff" : "text"}\n${text}${ticks}\n\n`;
      break;
    }
    case "commands":
      for (const [command, what] of block.commands) yield `- ${code(command)}: ${what}\n`;
      yield "\n";
      break;
    case "details":
      yield `<details${block.open ? " open" : ""}><summary>${line(block.title, HTML)}</summary>\n\n`;
      for (const one of block.blocks) yield* blockText(one, depth);
      yield "</details>\n\n";
      break;
    case "section":
      // The drawing shows all that is in it.
      if (block.blocks.every(({ kind }) => kind === "timeline")) break;
      yield `${"#".repeat(depth)} ${line(block.title)}\n\n`;
      for (const one of block.blocks) yield* blockText(one, depth + 1);
  }
}

export function* markdownPage({ title, lead, blocks, foot }: Page): Generator<string> {
  yield `# ${line(title)}\n\n${line(lead)}\n\n`;
  for (const block of blocks) yield* blockText(block, 2);
  yield `---\n\n${foot.map((words) => line(words)).join(" ")}\n`;
}
