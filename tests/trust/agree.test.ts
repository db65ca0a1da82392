// Every command that counts, on small random fleets: late and missed returns, unreachable peels, ended, canceled and active jobs,
// records and returns that were deleted or cannot be decoded, retries. What must hold:
//
// 1.  `wait` counts each target of `list` once. `show --failed`, `--unreachable`, `--late`, `--missing` and `--bad` select as many
//     peels as it counts in these states; a late peel that failed is one of `--failed` (unless a cancel stopped it), one that was ok
//     is none of `--bad`.
// 2.  RETURNS of `list` counts the stored returns that `show` has.
// 3.  BAD of `list` counts the peels that `show --bad` selects, and those that were late and ok.
// 4.  `errors --by job` names the peels of a failed job that `show --bad` selects; of an active or canceled one, those of `--failed`
//     and `--unreachable`. `peels` is `failed` + `unreachable` + `missing`.
// 5.  `errors` has the same peels and jobs as `errors --by job`, by state.
// 6.  FAILED of `stats --by peel` is the number of jobs in which `errors --by job` names the peel.
// 7.  `history` of a peel has the jobs in which `errors` names it, in a state other than ok.
// 8.  `stats --by function`, `user` and `target` count the jobs of `list`, by state.
// 9.  `status` counts the jobs of `list --state failed,partial,timeout`, the active ones and their returns; its errors are those of
//     `errors` with these states.
// 10. `--from` an export gives the same answers.
//
// 2 to 4 hold if the record counts the returns that there are: the master missed none, and neither bucket nor stream lost any.
//
// ZESTER_SEED=n repeats a run, ZESTER_TESTS=more draws more.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { tempDir, zester } from "../support/harness.ts";
import { dice, draw, type History, type HistorySite, IDS, serveHistories, write } from "../support/histories.ts";
import { draws } from "../support/length.ts";
import { SEED } from "../support/random.ts";

let site: HistorySite;
beforeAll(async () => {
  site = await serveHistories();
});
afterAll(() => site.stop());

const FAILED = ["failed", "partial", "timeout"];
const ENDED = [...FAILED, "complete", "canceled"];
const ABSENT = ["offline", "silent", "unfinished", "missing", "queued", "executing"];
const FLAGS = ["failed", "unreachable", "late", "missing", "bad"] as const;

// biome-ignore lint/suspicious/noExplicitAny: answers of the executable
type Row = Record<string, any>;
type Answers = Readonly<Record<string, readonly Row[]>>;

const sum = (rows: readonly Row[], field: string) => rows.reduce((all, row) => all + row[field], 0);
const sorted = (list: Iterable<string>) => [...new Set(list)].sort();

/** No master marks a peel unreachable after the end, and no return of a job that is ok cannot be decoded. */
function drawLikely(seed: number): History {
  for (let n = 0; ; n++) {
    const history = draw(dice(seed + n * 7919), false);
    const { messages, status, stored } = history;
    const end = messages.findIndex(({ kind }) => kind === "status");
    const isMarkedLate = end >= 0 && messages.slice(end).some(({ returned }) => returned?.unreachable);
    if (!isMarkedLate && !(status === "complete" && [...stored.values()].includes("unreadable"))) return history;
  }
}

interface Fleet {
  /** Jobs whose record counts just the returns that the bucket has and that the events show. */
  readonly exact: ReadonlySet<string>;
  /** Jobs with a cancel signal, which stops peels. */
  readonly signaled: ReadonlySet<string>;
}

async function writeFleet(seed: number): Promise<Fleet> {
  const { below, chance } = dice(seed);
  const pick = <T>(list: readonly T[]) => list[below(list.length)] as T;
  const { nc, kv } = site;
  const { streams } = await nc.jetstreamManager();
  for (const name of ["KV_jobs", "KV_job-returns", "job-events"]) await streams.purge(name);
  const [exact, signaled] = [new Set<string>(), new Set<string>()];
  let retried: string | undefined;
  for (let i = 0; i < 8; i++) {
    const jid = `agree-${i}`;
    const history = drawLikely(seed * 100 + i);
    const { messages, stored, asList } = history;
    const fields = {
      function: pick(["cmd.run", "pkg.installed"]),
      user: pick(["ops", "root"]),
      target_expr: pick(["*", "web*"]),
      ...(retried && chance(20) && { metadata: { retry_of: retried } }),
    };
    await write(site, jid, history, fields);
    if (messages.some(({ kind }) => kind === "cancel")) signaled.add(jid);
    const [peel] = stored.keys();
    const isLost = peel !== undefined && !asList && chance(15);
    if (isLost) await kv.returns.delete(`${jid}.${peel}`);
    const isMissed = messages.some(({ kind, peel, returned }, n) => {
      const marked = messages.slice(n).some((one) => one.peel === peel && one.returned?.unreachable);
      return kind === "return" && !returned?.unreachable && marked;
    });
    if (!isLost && !isMissed && history.lost === 0 && ![...stored.values()].includes("unreadable")) exact.add(jid);
    const fate = below(12);
    if (fate === 0) await kv.jobs.delete(jid);
    else if (fate === 1) await kv.jobs.put(jid, Uint8Array.of(0xc1));
    else retried = jid;
  }
  return { exact, signaled };
}

type Ask = (...args: string[]) => Promise<readonly Row[]>;

/** @param peel whose history is read */
async function answersOf(ask: Ask, peel: string): Promise<Answers> {
  const list = await ask("list", "--columns", "jid,state,function,user,target,targeted,returned,bad");
  const inState = (states: readonly string[]) =>
    list.flatMap(({ jid, state }) => (states.includes(state) ? [jid] : []));
  const readable = inState([...ENDED, "running"]);
  const show = (...flags: string[]) => ["show", ...readable, ...flags];
  const questions: Readonly<Record<string, readonly string[]>> = {
    ...(readable.length > 0 && {
      stored: show(),
      ...Object.fromEntries(FLAGS.map((flag) => [flag, show(`--${flag}`, ...(flag === "bad" ? ["--missing"] : []))])),
    }),
    errors: ["errors"],
    "errors of failed jobs": ["errors", "--state", FAILED.join()],
    jobs: ["errors", "--by", "job"],
    ...Object.fromEntries(["function", "user", "target", "peel"].map((by) => [by, ["stats", "--by", by]])),
    status: ["status"],
    history: ["history", peel],
  };
  const answers = Object.entries(questions).map(async ([name, args]) => [name, await ask(...args)] as const);
  return { list, ...Object.fromEntries(await Promise.all(answers)) };
}

/** Of one job, in an answer of `show`. */
const ofJob = (rows: readonly Row[], jid: string) => rows.find(({ job }) => job.jid === jid) as Row;
const peelsOf = ({ returns = [], missing = [] }: Row) =>
  sorted([...returns.map(({ peel_id }: Row) => peel_id), ...missing]);

/** Values of `kind`, each with a text about what differs. */
function check(answers: Answers, waited: readonly Row[], { exact, signaled }: Fleet, peel: string): void {
  const { list = [], stored = [], jobs = [], errors = [], history = [] } = answers;
  const named = (jid: string) => sorted(jobs.find((row) => row.jid === jid)?.where ?? []);
  for (const { jid, state, targeted, returned, bad } of list) {
    if (state === "unreadable") continue;
    const [chosen = [], unreachable = [], late = [], missing = [], all = []] = FLAGS.map((flag) =>
      peelsOf(ofJob(answers[flag] ?? [], jid)),
    );
    const counted = waited.find((row) => row.jid === jid);
    const lateReturns: readonly Row[] = ofJob(answers.late ?? [], jid).returns;
    const failedLate = lateReturns.filter(({ success, error }) => !success || error).map(({ peel_id }) => peel_id);
    const okLate = late.length - failedLate.length;
    if (counted) {
      const { jid: _, status, reason, ...states } = counted;
      const total = Object.values<number>(states).reduce((a, b) => a + b, 0);
      expect([jid, status, total]).toEqual([jid, state, targeted]);
      expect([jid, unreachable.length, late.length]).toEqual([jid, states.unreachable, states.late]);
      const failed = states.failed + failedLate.length;
      if (signaled.has(jid)) expect(chosen.length).toBeLessThanOrEqual(failed);
      else expect([jid, chosen.length]).toEqual([jid, failed]);
      const absent = ABSENT.reduce((n, name) => n + states[name], 0);
      expect([jid, missing.length, all.length]).toEqual([jid, absent, targeted - states.ok - okLate]);
    }
    if (exact.has(jid)) {
      const inBucket = peelsOf(ofJob(stored, jid)).length;
      expect([jid, returned ?? inBucket]).toEqual([jid, inBucket]);
      expect([jid, bad]).toEqual([jid, ENDED.includes(state) ? all.length + okLate : null]);
    }
    const inErrors = named(jid);
    expect([jid, inErrors.filter((peel) => !all.includes(peel))]).toEqual([jid, []]);
    // Peels that a cancel stopped are no errors; nor are peels without a return, before the end of a job and after a cancel.
    const isOver = FAILED.includes(state) && !signaled.has(jid);
    const wrong = isOver ? all : [...chosen, ...unreachable].filter((peel) => !late.includes(peel));
    if (exact.has(jid) || (isOver && returned < targeted))
      expect([jid, wrong.filter((peel) => !inErrors.includes(peel))]).toEqual([jid, []]);
  }
  for (const row of jobs) {
    expect([row, row.peels]).toEqual([row, row.failed + row.unreachable + row.missing]);
    expect([row, row.peels]).toEqual([row, row.where.length]);
  }
  expect(sorted(errors.flatMap(({ where }) => where))).toEqual(sorted(jobs.flatMap(({ where }) => where)));
  for (const state of ["unreachable", "missing"]) {
    const [row] = errors.filter((row) => row.state === state);
    expect([state, row?.jobs ?? 0]).toEqual([state, jobs.filter((job) => job[state] > 0).length]);
  }
  for (const row of answers.peel ?? []) {
    const bad = jobs.filter(({ where }) => where.includes(row.peel_id)).length;
    expect([row, row.failed]).toEqual([row, bad]);
  }
  for (const { jid, where } of jobs)
    if (where.includes(peel)) {
      const entry = history.find((one) => one.jid === jid);
      expect([jid, entry?.state]).not.toEqual([jid, "ok"]);
      expect([jid, entry?.state]).not.toEqual([jid, undefined]);
    }
  const readable = list.filter(({ state }) => state !== "unreadable");
  for (const by of ["function", "user", "target"] as const)
    for (const row of answers[by] ?? []) {
      const rows = readable.filter((one) => one[by] === row[by]);
      const states = Map.groupBy(rows, ({ state }) => state);
      const counts = Object.fromEntries(Array.from(states, ([state, { length }]) => [state, length]));
      expect([by, row.jobs, row.states]).toEqual([by, rows.length, counts]);
      expect([by, row.failed]).toEqual([by, rows.filter(({ state }) => FAILED.includes(state)).length]);
    }
  const { failed, active } = answers.status as unknown as Row;
  const running = list.filter(({ state }) => state === "running");
  expect([failed.jobs, failed.of]).toEqual([
    list.filter(({ state }) => FAILED.includes(state)).length,
    readable.length,
  ]);
  expect([active.jobs, active.targeted]).toEqual([running.length, sum(running, "targeted")]);
  expect(active.returned).toBe(running.some(({ returned }) => returned === null) ? null : sum(running, "returned"));
  const ofFailed = answers["errors of failed jobs"] ?? [];
  const where = (state: string) => ofFailed.filter((row) => row.state === state).flatMap(({ where }) => where);
  expect(failed.errors).toEqual(
    ofFailed.flatMap(({ state, error, jobs, where }) => (state === "failed" ? { error, jobs, where } : [])),
  );
  expect([failed.unreachable, failed.missing]).toEqual([where("unreachable"), where("missing")]);
}

/** Fields that depend on the time of the question, or on heartbeats. */
const PASSING = ["so_far", "trend", "last_run", "oldest"];
const lasting = ({ status, ...answers }: Answers) => {
  const { failed, active } = status as unknown as Row;
  return JSON.stringify({ ...answers, failed, active }, (key, value) => (PASSING.includes(key) ? undefined : value), 1);
};

test(`commands that count the same have the same numbers (seed ${SEED})`, async () => {
  const file = join(tempDir(), "fleet.jsonl");
  for (let n = 0; n < draws(1, 60); n++) {
    const seed = SEED + n;
    const fleet = await writeFleet(seed);
    const peel = IDS[seed % IDS.length] as string;
    const asked =
      (env: Record<string, string>, ...more: string[]) =>
      async (...args: string[]) => {
        const { stdout } = await zester(["job", ...args, ...more, "--format", "json"], { env });
        // No job targets the peel.
        return stdout === "" ? [] : JSON.parse(stdout);
      };
    const ask = asked(site.env);
    const answers = await answersOf(ask, peel);
    const ended = (answers.list ?? []).flatMap(({ jid, state }) => (ENDED.includes(state) ? [jid] : []));
    check(answers, ended.length > 0 ? await ask("wait", ...ended) : [], fleet, peel);
    await zester(["job", "export", "--all", "--force", "--output", file], { env: site.env });
    expect(lasting(await answersOf(asked({}, "--from", file), peel))).toBe(lasting(answers));
  }
}, 600_000);
