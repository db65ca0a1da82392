// How long a program takes from start to exit, and how much memory it has at most.
/** A program with its arguments and its whole environment. */
export interface Command {
  readonly argv: readonly string[];
  readonly env: Record<string, string>;
}

const TIME = Bun.which("/usr/bin/time");

export const median = (values: readonly number[]) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
};

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

/** Runs of programs that end soon, and how soon that is. */
const SHORT_RUNS = 21;
const SHORT_MS = 150;

/** Median times in ms, and the median of their ratio. */
export interface Comparison {
  readonly time: number;
  readonly peer: number;
  readonly ratio: number;
}

/**
 * Two programs, run in turn: a machine that is slower for a while is so for both, and the ratio is that of each pair.
 * @param runs of each, after a warm-up; more of them when they are short
 */
export async function compare(command: Command, peer: Command, runs: number): Promise<Comparison> {
  const warm = (await once(command)) + (await once(peer));
  const pairs: (readonly [number, number])[] = [];
  for (let i = 0; i < (warm < 2 * SHORT_MS ? Math.max(runs, SHORT_RUNS) : runs); i++)
    pairs.push([await once(command), await once(peer)]);
  return {
    time: median(pairs.map(([own]) => own)),
    peer: median(pairs.map(([, other]) => other)),
    ratio: median(pairs.map(([own, other]) => own / other)),
  };
}

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
