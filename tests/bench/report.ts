// The figures as Markdown, and their place in docs/performance.md.
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { NATS_SERVER } from "../support/harness.ts";
import type { Bucket } from "./bucket.ts";
import { timer } from "./measure.ts";

export interface Row {
  readonly what: string;
  readonly zester: string;
  readonly peer: string;
  readonly ratio: string;
  readonly goal: string;
}

/** Three digits at most: more would be noise. */
export const ms = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
export const mb = (value: number) => `${Math.round(value)} MB`;

function line(cells: readonly string[], widths: readonly number[]): string {
  return `| ${cells.map((cell, i) => cell.padEnd(widths[i] as number)).join(" | ")} |`;
}

export function toMarkdown(rows: readonly Row[]): string {
  const titles = ["what", "zester (median, peak)", "peer (median)", "ratio", "goal"];
  const cells = rows.map((row) => [row.what, row.zester, row.peer, row.ratio, row.goal]);
  const widths = titles.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const rule = widths.map((width) => "-".repeat(width));
  return [titles, rule, ...cells].map((row) => line(row, widths)).join("\n");
}

/** One line: where and on what the figures were taken. */
export function circumstances(bucket: Bucket): string {
  const server = Bun.spawnSync([NATS_SERVER, "--version"]).stdout.toString().trim();
  const number = (value: number) => value.toLocaleString("en");
  return [
    `${cpus()[0]?.model.trim()}, ${cpus().length} cores`,
    server.replace(": v", " "),
    `Bun ${Bun.version}`,
    `${number(bucket.jobs)} jobs in ${number(bucket.messages)} messages, ${Math.round(bucket.bytes / 1e6)} MB`,
    timer,
  ].join("; ");
}

const MARKED = /(<!-- bench -->\n)[\s\S]*?(<!-- \/bench -->)/;

/** Replaces the text between the markers of docs/performance.md. @throws Error when it has no markers */
export function updateDocs(markdown: string): void {
  const file = join(import.meta.dir, "../../docs/performance.md");
  const text = readFileSync(file, "utf8");
  if (!MARKED.test(text)) throw new Error("docs/performance.md has no <!-- bench --> and <!-- /bench --> markers");
  writeFileSync(
    file,
    text.replace(MARKED, (_, open: string, close: string) => `${open}\n${markdown}\n\n${close}`),
  );
}
