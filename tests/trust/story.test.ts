// Random histories of jobs, as NATS may hold them. What every command tells is compared with an oracle that shares no code with
// the product.
// ZESTER_SEED=n repeats a run, ZESTER_TESTS=all draws more.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { zester } from "../support/harness.ts";
import { dice, draw, ENDS, type History, type HistorySite, serveHistories, write } from "../support/histories.ts";
import { draws } from "../support/length.ts";
import { SEED } from "../support/random.ts";
import { unfold } from "../support/unfold.ts";

const ORDER = "failed unreadable unreachable late offline silent unfinished missing queued executing ok".split(" ");

/** What the stored messages of a job tell of the queues of its peels. */
interface Queued {
  readonly jid: string;
  readonly accepted: ReadonlySet<string>;
  readonly executed: ReadonlySet<string>;
  /** Accepted it and did not return it; none of a canceled job. */
  readonly waits: ReadonlySet<string>;
  readonly isComplete: boolean;
}

/** The job that a peel has not returned and that comes before the one at `place`: the oldest after the last one that it executed. */
function firstBefore(jobs: readonly Queued[], place: number, peel: string): string | undefined {
  if (jobs.slice(place + 1).some(({ isComplete, executed }) => isComplete && executed.has(peel))) return undefined;
  const last = jobs.findLastIndex(({ executed }, i) => i < place && executed.has(peel));
  return jobs.slice(last + 1, place).find(({ accepted }) => accepted.has(peel))?.jid;
}

/** What is true of a history: the state of each target, which ones a cancel stopped, how many messages are ignored, the exit code of `wait`. */
function truth(
  { targets, doubled, rest, status, messages, stored, online, lost }: History,
  isBehind: (peel: string) => boolean,
) {
  const left = messages.slice(lost);
  const [acks, given, ends] = [new Set<string>(), new Set<string>(), ENDS.includes(status)];
  const real = new Map<string, { ok: boolean; late: boolean; stopped: boolean; missed: boolean }>();
  const overwritten = new Set<string>();
  let [ignored, over, cut] = [0, false, false];
  for (const { kind, peel = "", says, returned } of left) {
    if (kind === "status") over = true;
    if (kind === "cancel") cut = true;
    if (kind === "schedule") {
      ignored++;
      if (says === peel && real.has(peel)) overwritten.add(peel);
    }
    if (kind !== "ack" && kind !== "return") continue;
    const isReal = kind === "return" && !returned?.unreachable;
    if (!targets.includes(peel) || says !== peel || (isReal && real.has(peel))) ignored++;
    else if (kind === "ack") acks.add(peel);
    else if (isReal) {
      const ok = returned?.ok === true;
      const stopped = status === "canceled" && returned?.stopped === true && (cut || over);
      real.set(peel, { ok, late: over || given.has(peel), stopped, missed: false });
    } else {
      given.add(peel);
      const before = real.get(peel);
      if (before) real.set(peel, { ...before, missed: true });
    }
  }
  const hasDispatch = left.some(({ kind }) => kind === "dispatch");
  let isBad = false;
  const missed: string[] = [];
  const stateOf = (peel: string): string => {
    const [kept, event] = [overwritten.has(peel) ? undefined : stored.get(peel), real.get(peel)];
    if (kept === "unreadable") return "unreadable";
    if (kept && !kept.unreachable) return kept.ok ? "ok" : "failed";
    if (event?.missed) {
      missed.push(peel);
      return event.ok ? "ok" : "failed";
    }
    if (event && (kept || event.late)) {
      if (!event.ok) isBad = true;
      return "late";
    }
    if (event) return event.ok ? "ok" : "failed";
    if (kept || given.has(peel)) return "unreachable";
    if (acks.has(peel)) return ends ? "unfinished" : isBehind(peel) ? "queued" : "executing";
    return hasDispatch ? (online.has(peel) ? "silent" : "offline") : "missing";
  };
  const states = new Map(targets.map((peel) => [peel, stateOf(peel)]));
  const has = (...names: string[]) => [...states.values()].some((state) => names.includes(state));
  const away =
    missed.length > 0 ||
    has("unreachable", "late", "offline", "silent", "unfinished", "missing") ||
    ["partial", "timeout"].includes(status);
  const failed = isBad || has("failed", "unreadable") || !away;
  const code = status === "canceled" ? 5 : status === "complete" ? 0 : failed && away ? 4 : failed ? 2 : 3;
  const inTime = status === "partial" || status === "timeout";
  const isTold = ends && status !== "complete" && status !== "canceled" && missed.length > 0;
  const why =
    doubled && inTime ? "a target twice" : rest ? "stopped watching" : isTold ? "missed the return" : undefined;
  // Of a return that the master missed, it is not known whether it came before the signal.
  const stopped = new Set(targets.filter((peel) => real.get(peel)?.stopped && !missed.includes(peel)));
  const failedLate = new Set(targets.filter((peel) => real.get(peel)?.ok === false && !stopped.has(peel)));
  const ok = new Set(targets.filter((peel) => real.get(peel)?.ok));
  const isComplete = status === "complete";
  const executed = new Set(targets.filter((peel) => isComplete || real.has(peel)));
  const unfinished = targets.filter((peel) => /unfinished|queued|executing/.test(states.get(peel) ?? ""));
  const queue = { accepted: acks, executed, waits: new Set(status === "canceled" ? [] : unfinished), isComplete };
  return { states, stopped, failedLate, ok, ignored, code, why, queue };
}

let site: HistorySite;
beforeAll(async () => {
  site = await serveHistories();
});
afterAll(() => site.stop());

const shown = (peel: string) => peel.replace(/(?<=[^_].*)_(?=.*[^_])/g, ".");

test(`each command tells what is true of random histories (seed ${SEED})`, async () => {
  const jobs: Queued[] = [];
  const random = dice(SEED);
  for (let n = 0; n < draws(25, 300); n++) {
    // A second attempt must not read the records of the first.
    const jid = `story-${SEED + n}-${crypto.randomUUID().slice(0, 8)}`;
    const history = draw(dice(SEED + n));
    await write(site, jid, history);
    const isBehind = (peel: string) => firstBefore(jobs, n, peel) !== undefined;
    const { states, stopped, failedLate, ok, ignored, code, why, queue } = truth(history, isBehind);
    jobs.push({ jid, ...queue });
    const former = random.below(jobs.length);
    const run = async (...args: string[]) => zester(["job", ...args], { env: site.env });
    const [trace, before, summary, output, missing, bad, late] = await Promise.all([
      run("trace", jid, "--format", "json"),
      run("trace", (jobs[former] as Queued).jid, "--format", "json"),
      run("show", jid, "--summary"),
      run("show", jid, "--output"),
      ...["--missing", "--bad", "--late"].map((flag) => run("show", jid, flag, "-q")),
    ]);
    const where = `${jid} ${JSON.stringify({ ...history, stored: [...history.stored] })}`;
    const story = JSON.parse(trace?.stdout ?? "");
    const told = new Map(story.peels.map((one: Record<string, string>) => [one.peel_id, one.state]));
    expect([where, ...[...told].sort()]).toEqual([where, ...[...states].sort()]);
    for (const [place, { peels }] of [
      [n, story],
      [former, JSON.parse(before?.stdout ?? "")],
    ])
      for (const { peel_id: peel, state, behind } of peels) {
        const first = firstBefore(jobs, place, peel);
        const waits = (jobs[place] as Queued).waits.has(peel);
        expect([where, place, peel, behind]).toEqual([where, place, peel, waits ? first : undefined]);
        expect([where, place, peel, state === "queued"]).toEqual([
          where,
          place,
          peel,
          state !== "unfinished" && waits && first !== undefined,
        ]);
      }
    expect([where, story.peels.length, story.ignored.length]).toEqual([where, states.size, ignored]);
    for (const one of [...story.peels, ...story.events]) {
      expect([where, history.targets]).toContainEqual(
        one.peel_id === undefined || history.targets.includes(one.peel_id) ? history.targets : one,
      );
      for (const time of ["after", "delivered", "waited", "took", "so_far"])
        expect([where, one[time] ?? 0, (one[time] ?? 0) >= 0]).toEqual([where, one[time] ?? 0, true]);
    }
    const stuck = history.status === "running" && history.unwatched;
    expect([where, story.stuck]).toEqual([
      where,
      stuck ? "its master m1 is alive but does not watch the job, which ends when that master restarts" : undefined,
    ]);
    const counts = ORDER.map((state) => [state, [...states.values()].filter((one) => one === state).length] as const);
    const words = counts.flatMap(([state, count]) => {
      const cut = [...stopped].filter((peel) => states.get(peel) === state).length;
      const bad = [...failedLate].filter((peel) => state === "late" && states.get(peel) === state).length;
      const why = [cut > 0 ? `${cut} stopped` : [], bad > 0 ? `${bad} failed` : []].flat().join("; ");
      return count > 0 ? `${count} ${state}${why && ` (${why})`}` : [];
    });
    const done = [...states.values()].filter((one) => /^(ok|failed|unreadable|late|unreachable)$/.test(one)).length;
    const all = history.status === "running" ? `${done}/${states.size} done` : states.size;
    expect([where, summary?.stdout]).toEqual([
      where,
      expect.stringContaining(`\nPeels     ${all}: ${words.join(", ")}\n`),
    ]);
    expect(summary?.stdout.includes("ignored:")).toBe(ignored > 0);
    const heads = (output?.stdout ?? "").split("\n").filter((line) => /^\S/.test(line));
    // Peels that printed the same are one group.
    const grouped = heads.flatMap((line) => {
      const [names = "", count, next] = line.split(/ {2}|, /);
      return unfold(names).map((name) => [name, count?.endsWith(" peels") ? next : count]);
    });
    expect([where, ...grouped.sort()]).toEqual([
      where,
      ...[...states].map(([peel, state]) => [shown(peel), state]).sort(),
    ]);
    const ids = (want: (state: string) => boolean) =>
      [...states].flatMap(([peel, state]) => (want(state) ? shown(peel) : [])).sort();
    const away = "offline silent unfinished missing queued executing".split(" ");
    const lines = (text = "") => text.split("\n").filter(Boolean);
    expect([where, lines(missing?.stdout)]).toEqual([where, ids((state) => away.includes(state))]);
    const lateOk = [...states].flatMap(([peel, state]) => (state === "late" && ok.has(peel) ? shown(peel) : []));
    expect([where, lines(bad?.stdout)]).toEqual([
      where,
      ids((state) => state !== "ok").filter((id) => !lateOk.includes(id)),
    ]);
    expect([where, lines(late?.stdout)]).toEqual([where, ids((state) => state === "late")]);
    if (history.status === "running") continue;
    const wait = await run("wait", jid, "--format", "json");
    const [{ reason, ...ending }] = JSON.parse(wait.stdout);
    expect([where, reason]).toEqual([where, why && expect.stringContaining(why)]);
    expect([where, wait.code, ending]).toEqual([
      where,
      code,
      { jid, status: history.status, ...Object.fromEntries(counts) },
    ]);
  }
}, 600_000);
