// Every command that reads, in its forms, and what of their output may differ when the same is read a moment later.
import { expect } from "bun:test";
import { type Result, zester } from "./harness.ts";

const SINCE = ["--since", "2020-01-01"];

/** Command lines without the name of the program. @param jids some jobs @param peels some of their peels, as they are stored */
export function readingCommands(jids: readonly string[], peels: readonly string[]): string[][] {
  const ofJobs = jids.flatMap((jid) => [
    ["show", jid],
    ["show", jid, "--format", "json"],
    ["show", jid, "--summary"],
    ["show", jid, "--output"],
    ["show", jid.slice(0, -1)],
    ["trace", jid],
    ["trace", jid, "--format", "jsonl"],
  ]);
  const [first = "", second = first] = jids;
  return [
    ["list"],
    ["list", "--wide"],
    ["list", "--format", "json"],
    ["list", "-n", "3", "--format", "csv"],
    ["list", "--state", "bad", "--sort", "updated", "-q"],
    ["active", "--wide"],
    ["status", ...SINCE],
    ["errors", ...SINCE],
    ["errors", ...SINCE, "--by", "job", "--format", "json"],
    ["stats", ...SINCE, "--format", "json"],
    ["stats", "--by", "peel", "--function", "*", ...SINCE, "--format", "csv"],
    ["stats", "--by", "peel", ...SINCE],
    ["stats", "--by", "result", ...SINCE],
    ["stats", "--by", "schedule", ...SINCE],
    ["grep", "lock", ...SINCE],
    ["grep", "-e", "no .*", ...SINCE, "--format", "jsonl"],
    ["show", "@last", "--summary"],
    ["show", "@last-bad~1"],
    ["show", first, second, "--bad"],
    ["diff", first, second],
    ["diff", "@last~1", "@last", "--format", "json"],
    ["report", first, second, "--format", "markdown"],
    ["report", "@last", "--format", "markdown"],
    ...ofJobs,
    ...peels.flatMap((peel) => [
      ["history", peel],
      ["history", peel, "--format", "json"],
    ]),
  ];
}

/** Hints that lead to a server; other commands name the files. */
export const withoutNext = (text: string) =>
  text
    .replace(/ --from \S+?(?=`|<| |$)/gm, "")
    .replace(/^- `zester job (retry|watch) .*\n/gm, "")
    .replace(/<li><code>zester job (retry|watch) .*?<\/li>\n?/g, "")
    .replace(/ *zester (job watch|config check)$/gm, "")
    .replace(/ If none does, `zester config check` .*?alive\.| `zester job kill \S+` stops .*?the job\./g, "")
    .replace(/, `zester job kill \S+` cancels it/g, "");

/** Without ages and durations up to now, the widths of their columns, and the slices of time up to now. */
const masked = (text: string) =>
  withoutNext(text)
    .replace(/"from": "[^"]*"/g, "FROM")
    .replace(/ at \S+Z\./g, " at NOW.")
    .replace(/\b\d+(\.\d+)?(ns|µs|ms|s|m|h|d)\b|\b\d{6,}(\.\d+)?\b|\b\d+\.\d+\b/g, "T")
    .replace(/ +/g, " ");

/** Fails unless a command prints the same from files as from a server; only times up to now may differ. */
export async function expectSame(args: readonly string[], url: string, files: readonly string[]): Promise<void> {
  const from = files.flatMap((file) => ["--from", file]);
  const [live, stored] = await Promise.all([
    zester(["job", ...args], { env: { NATS_URL: url } }),
    zester(["job", ...args, ...from]),
  ]);
  expect(stored.stderr).toContain("relative times start at the export time");
  if (live.stdout === stored.stdout && live.code === stored.code) return;
  const told = (result: Result) => ({ args, stdout: masked(result.stdout), code: result.code });
  expect(told(stored)).toEqual(told(live));
}
