// A page as one HTML file: no script, and nothing that it loads. Pure.
import { meaningOf } from "./colors.ts";
import type { Block, Page, PageColumn, Word, Words } from "./page.ts";
import STYLE from "./report.css" with { type: "text" };
import { MARK_NAMES, markSvg, timelineSvg } from "./timeline.ts";

/** Nothing is loaded or run; the one style is named by its hash. */
const POLICY = `default-src 'none'; style-src 'sha256-${new Bun.CryptoHasher("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'`;

function word(one: Word): string {
  if (typeof one === "string") return Bun.escapeHTML(one);
  if ("state" in one) return `<b class="state ${meaningOf(one.state)}">${Bun.escapeHTML(one.state)}</b>`;
  if ("command" in one) return `<code>${Bun.escapeHTML(one.command)}</code>`;
  // What a text from records says does not change the direction of what stands beside it.
  // Folded names have no spaces to break a line at.
  const kind = one.prose ? "" : /\s/.test(one.data) ? ' class="c"' : ' class="c u"';
  const text = `<bdi${kind}>${Bun.escapeHTML(one.data)}</bdi>`;
  return one.to === undefined ? text : `<a href="#${one.to}">${text}</a>`;
}

const html = (words: Words) => words.map(word).join("");

function* list(blocks: readonly Block[], level: number, id: string): Generator<string> {
  for (const [i, block] of blocks.entries()) yield* blockHtml(block, level, `${id}-${i}`);
}

function* blockHtml(block: Block, level: number, id: string): Generator<string> {
  switch (block.kind) {
    case "text":
      yield `<p>${html(block.words)}</p>\n`;
      break;
    case "note":
      yield `<p class="note"><strong>Note:</strong> ${html(block.words)}</p>\n`;
      break;
    case "facts":
      yield `<dl>${block.facts.map(([name, value]) => `<div><dt>${Bun.escapeHTML(name)}</dt><dd>${html(value)}</dd></div>`).join("\n")}</dl>\n`;
      break;
    case "table": {
      const { columns, rows } = block;
      const classOf = (column?: PageColumn) => (column?.right ? ' class="right"' : column?.wide ? ' class="wide"' : "");
      yield `<table><thead><tr>${columns.map((column) => `<th scope="col"${classOf(column)}>${Bun.escapeHTML(column.title)}</th>`).join("")}</tr></thead><tbody>\n`;
      for (const [first = [], ...others] of rows)
        yield `<tr><th scope="row">${html(first)}</th>${others.map((words, i) => `<td${classOf(columns[i + 1])} data-title="${Bun.escapeHTML(columns[i + 1]?.title ?? "")}">${html(words)}</td>`).join("")}</tr>\n`;
      yield "</tbody></table>\n";
      break;
    }
    case "lines":
      yield "<pre>";
      for (const { text, sign } of block.lines)
        yield sign
          ? `<span class="${sign === "+" ? "add" : "del"}">${Bun.escapeHTML(text)}</span>\n`
          : `${Bun.escapeHTML(text)}\n`;
      yield "</pre>\n";
      break;
    case "timeline":
      yield `<figure>${timelineSvg(block.timeline, id)}<figcaption>Time since the dispatch. Thin: waiting; thick: running.${MARK_NAMES.map(([mark, name]) => ` <span>${markSvg(mark)} ${name}</span>`).join("")}</figcaption></figure>\n`;
      break;
    case "commands":
      yield `<ul class="commands">${block.commands.map(([command, what]) => `<li><code>${Bun.escapeHTML(command)}</code> <span>${Bun.escapeHTML(what)}</span></li>`).join("\n")}</ul>\n`;
      break;
    case "details":
      yield `<details${block.open ? " open" : ""}><summary>${html(block.title)}</summary>\n`;
      yield* list(block.blocks, level, id);
      yield "</details>\n";
      break;
    case "section":
      // A section that has a name is a landmark: those of each job would be too many.
      yield `<section id="${block.id}"${level === 2 ? ` aria-labelledby="${block.id}-h"` : ""}><h${level} id="${block.id}-h">${html(block.title)}</h${level}>\n`;
      yield* list(block.blocks, level + 1, block.id);
      yield "</section>\n";
  }
}

export function* htmlPage({ title, lead, blocks, foot }: Page): Generator<string> {
  const sections = blocks.filter((block) => block.kind === "section");
  const links = sections.map(({ id, title }) => `<li><a href="#${id}">${html(title)}</a></li>`);
  yield `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${html(title).replace(/<[^>]*>/g, "")} · job report</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<p class="kind">Job report</p>
<h1>${html(title)}</h1>
<p class="lead">${html(lead)}</p>
</header>
<nav aria-label="Contents"><ul>${links.join("\n")}</ul></nav>
<main>
`;
  yield* list(blocks, 2, "b");
  yield `</main>\n<footer>${foot.map((words) => `<p>${html(words)}</p>`).join("\n")}</footer>\n</body>\n</html>\n`;
}
