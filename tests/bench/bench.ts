// npm run bench: the executable and the yardsticks side by side on real buckets, as a Markdown table.
//
// --jobs <n>     size of the big bucket (default 100000)
// --runs <n>     runs of each program that takes long (default 5)
// --store <dir>  keeps the buckets there, and uses those that are there already
// --keep         leaves the servers running until Ctrl-C
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cleanUp, ZESTER } from "../support/harness.ts";
import { type Bucket, closeBucket, type Filling, openBucket, RECENT } from "./bucket.ts";
import { type Command, type Comparison, compare, output, peakMemory } from "./measure.ts";
import { buildPrograms, type Programs } from "./programs.ts";
import { circumstances, mb, ms, type Row, table, toMarkdown } from "./report.ts";
import { STAGES, stageRow } from "./stages.ts";
import { measureWatch } from "./watch.ts";

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "100000" },
    runs: { type: "string", default: "5" },
    store: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});
const jobs = Number(values.jobs);
const runs = Number(values.runs);
/** A bucket with more jobs than this gets no returns, which are five times as many. */
const RETURNS_MOST = 100_000;
/** Jobs that are read key by key: 100,000 take 27 s. */
const KEY_BY_KEY = 10_000;
/** What a row has that only informs. */
const NO_GOAL = "-";

interface Buckets {
  readonly big: Bucket;
  readonly thousand: Bucket;
  readonly ten: Bucket;
  /** KEY_BY_KEY jobs. */
  readonly tenThousand: Bucket;
  /** A tenth of the big one, when that is large enough to tell whether the time is linear. */
  readonly tenth: Bucket | undefined;
  /** As many jobs as in the big one, with all their returns; undefined above RETURNS_MOST. */
  readonly returned: Bucket | undefined;
}

const on = (bucket: Bucket, ...argv: string[]): Command => ({ argv, env: { NATS_URL: bucket.server.url } });
const zester = (bucket: Bucket, ...args: string[]) => on(bucket, ZESTER, ...args);

/** A row of two times. */
const row = (what: string, { time, peer, ratio }: Comparison, name: string, goal: string, peak?: number): Row => ({
  what,
  zester: peak === undefined ? ms(time) : `${ms(time)}, ${mb(peak)}`,
  peer: `${name}: ${ms(peer)}`,
  ratio: ratio.toFixed(2),
  goal,
});

/** One command of the product, and its rows beside several peers. */
async function measured(what: string, command: Command) {
  const peak = await peakMemory(command);
  return {
    peak,
    against: async (name: string, peer: Command, goal: string): Promise<Row> =>
      row(what, await compare(command, peer, runs), name, goal, peak),
  };
}

const lines = (text: string) => text.split("\n").filter((line) => line !== "");
const idsOf = (text: string) => lines(text).map((line) => line.split(" ")[0]);

/** A fast wrong answer is worth nothing: before any time is taken, the answers are compared. */
async function checkAnswers({ big }: Buckets, programs: Programs): Promise<void> {
  // A server that was just started looks at all of its store before it answers the first one.
  const ids = async (...args: string[]) =>
    idsOf(await output(zester(big, "job", ...args, "--quiet", "--timeout", "60s")));
  const same = (what: string, found: readonly unknown[], wanted: readonly unknown[]) => {
    if (found.join() !== wanted.join())
      throw new Error(`${what} is wrong: ${found.length} jobs, or their order, instead of ${wanted.length}`);
  };
  const all = await ids("list");
  if (all.length !== big.jobs) throw new Error(`job list has ${all.length} of ${big.jobs} jobs`);
  if (programs.go) same("job list", all, idsOf(await output(on(big, programs.go, "list"))).slice(1));
  same("job list -n 20", await ids("list", "-n", "20"), all.slice(-20));
  same("job list --since", await ids("list", "--since", big.since), all.slice(-Math.min(RECENT, jobs)));
  same("job active", (await ids("active")).sort(), [...big.running].sort());
}

async function listRows({ big, ten, tenThousand, tenth }: Buckets, programs: Programs): Promise<Row[]> {
  const name = "`job list > /dev/null`";
  const command = zester(big, "job", "list");
  const list = await measured(name, command);
  const few = await peakMemory(zester(ten, "job", "list"));
  const rows: Row[] = [];
  if (programs.go)
    rows.push(await list.against("Go", on(big, programs.go, "list"), jobs < 1_000_000 ? "≤ 1" : "≤ 0.75"));
  rows.push(await list.against("counting", on(big, programs.count, "jobs", "*"), NO_GOAL));
  const some = await measured("`job list`, 10,000 jobs", zester(tenThousand, "job", "list"));
  rows.push(await some.against("key by key", on(tenThousand, programs.keyByKey), "≤ 0.1"));
  const memory = { what: `${name}, memory`, zester: mb(list.peak), peer: `10 jobs: ${mb(few)}` };
  const each = Math.round(((list.peak - few) * 1e6) / big.jobs);
  rows.push({ ...memory, ratio: `${each} B a job`, goal: "≤ 450 B, at 1,000,000" });
  if (tenth) rows.push(await list.against("a tenth of the jobs", zester(tenth, "job", "list"), NO_GOAL));
  return rows;
}

/** Short commands: the start is most of their time. */
async function startRows({ ten }: Buckets, programs: Programs): Promise<Row[]> {
  const hello = on(ten, programs.hello);
  const rows: Row[] = [];
  for (const [what, args, goal] of [
    ["`--version`", ["--version"], NO_GOAL],
    ["`config`", ["config"], NO_GOAL],
    ["a JID is completed, 10 jobs", ["__complete", "job", "show", "="], NO_GOAL],
    ["`job list`, 10 jobs", ["job", "list"], "≤ 50 ms"],
  ] as const)
    rows.push(await (await measured(what, zester(ten, ...args))).against("hello", hello, goal));
  return rows;
}

/** Where the time of short commands goes. */
async function stages({ ten }: Buckets, programs: Programs): Promise<string> {
  const hello = on(ten, programs.hello);
  const rows: string[][] = [await stageRow("`--version`", zester(ten, "--version"), hello)];
  const port = Number(new URL(ten.server.url).port);
  const running = ten.running.at(-1) ?? "";
  for (const [what, args] of [
    ["`job list`, 10 jobs", ["job", "list"]],
    ["`job show <jid>`", ["job", "show", running]],
    ["`job kill <jid>`", ["job", "kill", running]],
    ["a JID is completed", ["__complete", "job", "show", "="]],
  ] as const)
    rows.push(await stageRow(what, zester(ten, ...args), hello, port));
  return table(STAGES, rows);
}

/** Commands on the big bucket beside the same on 1,000 jobs. */
async function recentRows({ big, thousand }: Buckets): Promise<Row[]> {
  const rows: Row[] = [];
  const cases: [string, (bucket: Bucket) => string[]][] = [
    ["`job list -n 20`", () => ["list", "-n", "20"]],
    [`\`job list --since\`, ${RECENT} jobs`, (bucket) => ["list", "--since", bucket.since]],
    ["`job active`, 100 active", () => ["active"]],
  ];
  for (const [what, args] of cases) {
    const large = await measured(what, zester(big, "job", ...args(big)));
    rows.push(await large.against("1,000 jobs", zester(thousand, "job", ...args(thousand)), NO_GOAL));
  }
  return rows;
}

async function singleRows({ big }: Buckets, programs: Programs): Promise<Row[]> {
  const rows: Row[] = [];
  const cases: [string, string[], string[]][] = [
    ["`job show <jid>`", ["job", "show", big.ended], ["show", big.ended]],
    // No fleet obeys the signal here: the job stays running, and each run finds the same.
    ["`job kill <jid>`", ["job", "kill", big.running.at(-1) ?? ""], ["kill", big.running.at(-1) ?? ""]],
  ];
  for (const [what, args, peer] of programs.go ? cases : []) {
    const one = await measured(what, zester(big, ...args));
    rows.push(await one.against("Go", on(big, programs.go as string, ...peer), NO_GOAL));
  }
  const counting = on(big, programs.count, "job-returns", `${big.wide}.*`);
  for (const [what, more] of [
    ["`job show`, 10,000 peels", []],
    ["`job show --summary`, 10,000 peels", ["--summary"]],
  ] as const) {
    const wide = await measured(what, zester(big, "job", "show", big.wide ?? "", ...more));
    rows.push(await wide.against("counting", counting, NO_GOAL));
  }
  return rows;
}

async function watchRows({ big }: Buckets): Promise<Row[]> {
  const found = await measureWatch(big);
  const idle = found ? `${found.cpu.toFixed(1)} % CPU, ${mb(found.peakMb)}` : "not there";
  const change = found ? ms(found.ms) : "not there";
  return [
    { what: "`job watch`, idle for 10 s", zester: idle, peer: "-", ratio: "-", goal: NO_GOAL },
    { what: "`job watch`, until a change shows", zester: change, peer: "-", ratio: "-", goal: NO_GOAL },
  ];
}

/** Statistics read every job, and those of peels every return as well. */
async function statsRows(returned: Bucket, programs: Programs): Promise<Row[]> {
  const stats = await measured("`job stats`", zester(returned, "job", "stats"));
  const byPeel = await measured("`job stats --by peel`", zester(returned, "job", "stats", "--by", "peel"));
  const both = on(returned, "/bin/sh", "-c", '"$0" jobs "*" && "$0" job-returns "*.*"', programs.count);
  return [
    await stats.against("counting", on(returned, programs.count, "jobs", "*"), NO_GOAL),
    await byPeel.against("counting", both, "≤ 200 MB"),
  ];
}

/** What failed across jobs, and a search, which looks at the text of every return. */
async function searchRows(returned: Bucket, programs: Programs): Promise<Row[]> {
  const both = on(returned, "/bin/sh", "-c", '"$0" jobs "*" && "$0" job-returns "*.*"', programs.count);
  const rows: Row[] = [];
  for (const [what, args] of [
    ["`job errors --since 7d`", ["errors", "--since", "7d"]],
    // Not found, which the exit code says.
    ["`job grep --since 7d`, not found", ["grep", "no space left", "--since", "7d"]],
  ] as const) {
    const searching = await measured(
      what,
      on(returned, "/bin/sh", "-c", '"$0" job "$@" || [ $? = 2 ]', ZESTER, ...args),
    );
    rows.push(await searching.against("counting", both, "≤ 200 MB"));
  }
  return rows;
}

async function run(open: (count: number, filling?: Filling) => Promise<Bucket>, temp: string): Promise<void> {
  const programs = await buildPrograms(temp);
  const buckets: Buckets = {
    big: await open(jobs, { wide: true }),
    thousand: await open(1000),
    ten: await open(10),
    tenThousand: await open(KEY_BY_KEY),
    tenth: jobs > RETURNS_MOST ? await open(jobs / 10) : undefined,
    returned: jobs <= RETURNS_MOST ? await open(jobs, { returns: true }) : undefined,
  };
  console.error(`bench: the big bucket took ${buckets.big.seconds} s to fill, without the pause; measuring`);
  await checkAnswers(buckets, programs);
  const rows = [
    ...(await startRows(buckets, programs)),
    ...(await listRows(buckets, programs)),
    ...(await recentRows(buckets)),
    ...(await singleRows(buckets, programs)),
    ...(buckets.returned ? await statsRows(buckets.returned, programs) : []),
    ...(buckets.returned ? await searchRows(buckets.returned, programs) : []),
    ...(await watchRows(buckets)),
  ];
  const short = `In ms, as seen from outside; what has no server has fewer stages:\n\n${await stages(buckets, programs)}`;
  const markdown = `${toMarkdown(rows)}\n\n${short}\n\n${circumstances(buckets.big)}.`;
  console.log(markdown);
  if (!values.keep) return;
  for (const [name, bucket] of Object.entries(buckets)) if (bucket) console.log(`${name}: ${bucket.server.url}`);
  console.log("Ctrl-C stops the servers.");
  await new Promise((done) => process.once("SIGINT", done).once("SIGTERM", done));
}

async function main(): Promise<number> {
  if (!Number.isInteger(jobs) || jobs <= RECENT || !Number.isInteger(runs) || runs < 1) {
    console.error(`bench: --jobs takes a whole number above ${RECENT}, --runs one above zero`);
    return 1;
  }
  const temp = mkdtempSync(join(tmpdir(), "zester-bench-"));
  const opened: Bucket[] = [];
  const open = async (count: number, filling: Filling = {}) => {
    const name = ["jobs", count, ...Object.keys(filling)].join("-");
    const bucket = await openBucket(join(values.store ?? temp, name), count, filling);
    opened.push(bucket);
    return bucket;
  };
  try {
    await run(open, temp);
    return 0;
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : error}`);
    return 1;
  } finally {
    await Promise.all(opened.map(closeBucket));
    await cleanUp();
    rmSync(temp, { recursive: true, force: true });
  }
}

process.exit(await main());
