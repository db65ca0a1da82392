// A page as Markdown, for trackers. Text of records is code, so that it is not markup, mentions no one and links to nothing. Pure.
import type { Block, Page, Word, Words } from "./page.ts";

/** More backticks than any run in the text, at least `least`. */
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
/** For summaries, in which trackers do not interpret Markdown. */
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
const cellText = (words: Words) => line(words).replaceAll("|", "\\|") || " ";

const table = (...rows: (readonly string[])[]) => `${rows.map((cells) => `| ${cells.join(" | ")} |\n`).join("")}\n`;

function blockText(block: Block, depth: number): string {
  switch (block.kind) {
    case "text":
      return `${line(block.words)}\n\n`;
    case "note":
      return `> ${line(block.words)}\n\n`;
    case "facts":
      return table(["", ""], ["---", "---"], ...block.facts.map(([name, value]) => [`**${name}**`, cellText(value)]));
    case "table": {
      const titles = block.columns.map(({ title }) => title);
      const rules = block.columns.map(({ right }) => (right ? "--:" : "---"));
      return table(titles, rules, ...block.rows.map((row) => row.map(cellText)));
    }
    case "lines": {
      const text = block.lines.map(({ text }) => `${text}\n`).join("");
      const ticks = fence(text, 3);
      return `${ticks}${block.isDiff ? "diff" : "text"}\n${text}${ticks}\n\n`;
    }
    case "timeline":
      return "";
    case "commands":
      return `${block.commands.map(([command, what]) => `- ${code(command)}: ${what}\n`).join("")}\n`;
    case "details":
      return `<details${block.open ? " open" : ""}><summary>${line(block.title, HTML)}</summary>\n\n${list(block.blocks, depth)}</details>\n\n`;
    case "section": {
      const text = list(block.blocks, depth + 1);
      return text && `${"#".repeat(depth)} ${line(block.title)}\n\n${text}`;
    }
  }
}

const list = (blocks: readonly Block[], depth: number) => blocks.map((block) => blockText(block, depth)).join("");

export const markdownPage = ({ title, lead, blocks, foot }: Page) =>
  `# ${line(title)}\n\n${line(lead)}\n\n${list(blocks, 2)}---\n\n${foot.map((words) => line(words)).join(" ")}\n`;
