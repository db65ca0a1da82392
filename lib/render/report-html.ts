// A page as one HTML file that has no script and loads nothing. Pure.
import { meaningOf } from "../colors.ts";
import type { Block, Page, PageColumn, Word, Words } from "./page.ts";
import STYLE from "./report.css" with { type: "text" };
import { LEGEND, timelineSvg } from "./timeline.ts";

/** Nothing is loaded or run; the one style is named by its hash. */
const POLICY = `default-src 'none'; style-src 'sha256-${new Bun.CryptoHasher("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'`;

function word(one: Word): string {
  if (typeof one === "string") return Bun.escapeHTML(one);
  if ("state" in one) return `<b class="state ${meaningOf(one.state)}">${Bun.escapeHTML(one.state)}</b>`;
  if ("command" in one) return `<code>${Bun.escapeHTML(one.command)}</code>`;
  // A text from records must not change the text direction of its surroundings.
  // Folded names have no spaces where a line can break.
  const code = /\s/.test(one.data) ? ' class="c"' : ' class="c u"';
  const text = `<bdi${one.prose ? "" : code}>${Bun.escapeHTML(one.data)}</bdi>`;
  return one.to === undefined ? text : `<a href="#${one.to}">${text}</a>`;
}

const html = (words: Words) => words.map(word).join("");

const list = (blocks: readonly Block[], level: number, id: string) =>
  blocks.map((block, i) => blockHtml(block, level, `${id}-${i}`)).join("");

const classOf = ({ right, wide }: Partial<PageColumn> = {}) =>
  `${right ? ' class="right"' : ""}${wide ? ' class="wide"' : ""}`;

function tableHtml({ columns, rows }: Extract<Block, { kind: "table" }>): string {
  const titles = columns.map((one) => `<th scope="col"${classOf(one)}>${Bun.escapeHTML(one.title)}</th>`);
  const lines = rows.map(([first = [], ...others]) => {
    const cells = others.map((words, i) => {
      const column = columns[i + 1];
      return `<td${classOf(column)} data-title="${Bun.escapeHTML(column?.title ?? "")}">${html(words)}</td>`;
    });
    return `<tr><th scope="row">${html(first)}</th>${cells.join("")}</tr>\n`;
  });
  return `<table><thead><tr>${titles.join("")}</tr></thead><tbody>\n${lines.join("")}</tbody></table>\n`;
}

function blockHtml(block: Block, level: number, id: string): string {
  switch (block.kind) {
    case "text":
      return `<p>${html(block.words)}</p>\n`;
    case "note":
      return `<p class="note"><strong>Note:</strong> ${html(block.words)}</p>\n`;
    case "facts":
      return `<dl>${block.facts.map(([name, value]) => `<div><dt>${Bun.escapeHTML(name)}</dt><dd>${html(value)}</dd></div>`).join("\n")}</dl>\n`;
    case "table":
      return tableHtml(block);
    case "lines": {
      const lines = block.lines.map(({ text, sign }) => {
        const line = Bun.escapeHTML(text);
        return sign ? `<span class="${sign === "+" ? "add" : "del"}">${line}</span>\n` : `${line}\n`;
      });
      return `<pre>${lines.join("")}</pre>\n`;
    }
    case "timeline":
      return `<figure>${timelineSvg(block.timeline, id)}<figcaption>Time since the dispatch. Thin: waiting; thick: running.${LEGEND}</figcaption></figure>\n`;
    case "commands":
      return `<ul class="commands">${block.commands.map(([command, what]) => `<li><code>${Bun.escapeHTML(command)}</code> <span>${Bun.escapeHTML(what)}</span></li>`).join("\n")}</ul>\n`;
    case "details":
      return `<details${block.open ? " open" : ""}><summary>${html(block.title)}</summary>\n${list(block.blocks, level, id)}</details>\n`;
    case "section": {
      // A section with a name is a landmark; one for each section of each job would be too many.
      const label = level === 2 ? ` aria-labelledby="${block.id}-h"` : "";
      const title = `<h${level} id="${block.id}-h">${html(block.title)}</h${level}>`;
      return `<section id="${block.id}"${label}>${title}\n${list(block.blocks, level + 1, block.id)}</section>\n`;
    }
  }
}

export function htmlPage({ title, lead, blocks, foot }: Page): string {
  const sections = blocks.filter((block) => block.kind === "section");
  const links = sections.map(({ id, title }) => `<li><a href="#${id}">${html(title)}</a></li>`);
  return `<!DOCTYPE html>
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
${list(blocks, 2, "b")}</main>
<footer>${foot.map((words) => `<p>${html(words)}</p>`).join("\n")}</footer>
</body>
</html>
`;
}
