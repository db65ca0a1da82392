// The figures as Markdown.
import { cpus, loadavg } from "node:os";
import { NATS_SERVER } from "../support/harness.ts";
import type { Bucket } from "./bucket.ts";

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

/** A Markdown table. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = titles.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const rule = widths.map((width) => "-".repeat(width));
  return [titles, rule, ...rows].map((row) => line(row, widths)).join("\n");
}

export const toMarkdown = (rows: readonly Row[]): string =>
  table(
    ["what", "zester (median, peak)", "peer (median)", "ratio", "goal"],
    rows.map((row) => [row.what, row.zester, row.peer, row.ratio, row.goal]),
  );

/** One line: where and on what the figures were taken. */
export function circumstances(bucket: Bucket): string {
  const server = Bun.spawnSync([NATS_SERVER, "--version"]).stdout.toString().trim();
  const number = (value: number) => value.toLocaleString("en");
  return [
    `${cpus()[0]?.model.trim()}, ${cpus().length} cores, load ${loadavg()[2]?.toFixed(1)} in the last 15 minutes`,
    server.replace(": v", " "),
    `Bun ${Bun.version}`,
    `${number(bucket.jobs)} jobs in ${number(bucket.messages)} messages, ${Math.round(bucket.bytes / 1e6)} MB`,
    "from start to exit, median of pairs run in turn",
  ].join("; ");
}
