// How long a program takes from start to exit, and how much memory it has at most.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A program with its arguments and its whole environment. */
export interface Command {
  readonly argv: readonly string[];
  readonly env: Record<string, string>;
}

const HYPERFINE = Bun.which("hyperfine");
const TIME = Bun.which("/usr/bin/time");

export const timer = HYPERFINE ? "hyperfine -N" : "own timing of spawn to exit";

const median = (values: readonly number[]) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
};

export { median };

/** Runs it once. @throws Error when it fails: a failure is quick, and would count as a good time */
export async function output(command: Command): Promise<string> {
  const child = Bun.spawn([...command.argv], { env: command.env, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${command.argv.join(" ")} ended with ${code}: ${stderr.trim()}`);
  return stdout;
}

async function once(command: Command): Promise<number> {
  const started = performance.now();
  const child = Bun.spawn([...command.argv], { env: command.env, stdout: "ignore", stderr: "ignore" });
  const code = await child.exited;
  if (code !== 0) throw new Error(`${command.argv.join(" ")} ended with ${code}`);
  return performance.now() - started;
}

/** A word as hyperfine splits commands into words. */
const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

async function withHyperfine(command: Command, runs: number, warmup: number): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), "zester-bench-"));
  const file = join(dir, "times.json");
  try {
    const line = command.argv.map(quoted).join(" ");
    const options = ["-N", "--style", "none", "--warmup", `${warmup}`, "--runs", `${runs}`, "--export-json", file];
    await output({ argv: [HYPERFINE as string, ...options, line], env: command.env });
    return JSON.parse(readFileSync(file, "utf8")).results[0].median * 1000;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Programs that end within this many ms are run more often: their times vary more. */
const SHORT_MS = 100;
const SHORT_RUNS = 25;

/** The median time from start to exit in ms, after a warm-up; what the program writes goes to /dev/null. */
export async function time(command: Command, runs: number): Promise<number> {
  const first = await once(command);
  const [times, warmup] = first < SHORT_MS ? [Math.max(runs, SHORT_RUNS), 3] : [Math.max(runs, 2), 0];
  if (HYPERFINE) return withHyperfine(command, times, warmup);
  const all: number[] = [];
  for (let i = 0; i < times + warmup; i++) all.push(await once(command));
  return median(all.slice(warmup));
}

/** The time of the first and only run in ms. */
export const timeOnce = once;

/** The most memory that the program has at any time, in MB. */
export async function peakMemory(command: Command): Promise<number> {
  // A child that this process starts itself counts this process's memory as its own until its exec.
  if (!TIME) {
    const child = Bun.spawn([...command.argv], { env: command.env, stdout: "ignore", stderr: "ignore" });
    await child.exited;
    return (child.resourceUsage()?.maxRSS ?? 0) / 1e6;
  }
  const argv = [TIME, "-f", "%M", ...command.argv];
  const child = Bun.spawn(argv, { env: command.env, stdout: "ignore", stderr: "pipe" });
  const text = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new Error(`${command.argv.join(" ")} failed: ${text.trim()}`);
  return (Number(text.trim().split("\n").at(-1)) * 1024) / 1e6;
}
