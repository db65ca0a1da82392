// The picture of `watch`: what keys make of it, and its lines.
import { expect, test } from "bun:test";
import type { Value } from "../../../lib/codec/value.ts";
import { jobRow } from "../../../lib/model/job.ts";
import type { PeelState } from "../../../lib/model/peel-state.ts";
import { Board } from "../../../lib/render/board.ts";
import { type Act, listed, opening, roomOf, START, type Steering, settled, steered } from "../../../lib/render/keys.ts";
import { type JobText, type Opened, openedOf } from "../../../lib/render/opened.ts";
import { renderPicture, type Shown } from "../../../lib/render/picture.ts";
import { shorten, width } from "../../../lib/text.ts";
import { leastMs } from "../../support/least-time.ts";
import { peelStory, storyWith } from "../../support/story.ts";

const NOW = Date.parse("2026-01-15T10:00:00Z");
const job = (jid: string, fields: Record<string, Value> = {}) => {
  const record = new Map<string, Value>(
    Object.entries({
      function: "state.apply",
      target_expr: "web*",
      targets: ["web-01", "web-02", "web-03", "web-04"],
      status: "running",
      created: "2026-01-15T09:59:00Z",
      updated: "2026-01-15T09:59:30Z",
      deadline: "2026-01-15T10:05:00Z",
      return_count: 2n,
      success_count: 1n,
      user: "root",
      ...fields,
    }),
  );
  return { row: jobRow(jid, record), record };
};

/** A picture of jobs that is steered by keys. */
class Steered {
  readonly board = new Board(() => true);
  steering: Steering = START;
  /** The lines of a text about the job that is open. */
  text: JobText = { lines: [], against: undefined };
  dialog: Shown["dialog"];
  readonly told = new Map<string, string>();
  isWhole = true;
  opened: Opened | string | undefined;
  /** The states of the peels of the job that is open, each an outcome. */
  states: PeelState[] = ["failed", "executing", "ok"];
  constructor(
    readonly size = { columns: 100, rows: 24 },
    jobs: readonly ReturnType<typeof job>[] = [],
  ) {
    for (const one of jobs) this.put(one);
  }

  put(one: ReturnType<typeof job>): void {
    this.board.put(one.row.jid, one, false, NOW);
  }

  get jobs() {
    return listed(this.board, this.steering, NOW);
  }

  get seen() {
    const { jobs, text, size } = this;
    const row = jobs.find(({ row }) => row.jid === this.steering.opened?.jid)?.row ?? job("a").row;
    const story = storyWith(this.states.map((state) => peelStory(state, state)));
    const open = this.steering.opened && { row, job: new Map(), story, stuck: undefined, sign: undefined };
    return { jobs, opened: this.opened ?? (open && openedOf(open)), text, size };
  }

  get jids(): string[] {
    return this.jobs.map(({ row }) => row.jid);
  }

  lines(options: { note?: string; color?: boolean; unreadable?: number; utf8?: boolean } = {}): string[] {
    const { note = "", color = false, unreadable = 0, utf8 = true } = options;
    this.steering = settled(this.steering, this.seen);
    const { board, dialog, told, isWhole } = this;
    const places = ["prod", "nats://n1:4222"];
    const shown = { ...this.seen, board, dialog, told, note, unreadable, places, isWhole, now: new Date(NOW) };
    return renderPicture(shown, this.steering, { color, utf8 });
  }

  /** The rows of jobs as they are shown. */
  get rows(): string[] {
    const lines = this.lines();
    return lines.slice(3, 3 + roomOf(this.size.rows)).filter((line) => line !== "");
  }

  /** Presses keys, with a picture before each. @returns "quit" when one of them quits */
  press(...keys: string[]): "quit" | Act | undefined {
    for (const key of keys) {
      this.lines();
      const next = steered(this.steering, key, this.seen);
      if (next === "quit" || "act" in next) return next;
      this.steering = next;
    }
    return undefined;
  }

  /** The job under the cursor as it is marked. */
  get marked(): string | undefined {
    return this.rows.find((line) => line.startsWith(">"))?.split(" ")[1];
  }
}

const many = (n: number, fields: Record<string, Value> = {}) =>
  Array.from({ length: n }, (_, i) => job(`job-${String(i).padStart(2, "0")}`, fields));

test.each<[keys: string[], marked: string]>([
  [[], "job-00"],
  [["down"], "job-01"],
  [["j", "j", "k"], "job-01"],
  [["up"], "job-00"],
  [["G"], "job-29"],
  [["end", "j"], "job-29"],
  [["G", "g"], "job-00"],
  [["pagedown"], "job-10"],
  [["pagedown", "pagedown", "pageup"], "job-10"],
  [["pagedown", " ", " ", " "], "job-29"],
])("%j: the cursor is on %s, and in sight", (keys, marked) => {
  const picture = new Steered({ columns: 60, rows: 15 }, many(30));
  picture.press(...keys);
  expect(picture.marked).toBe(marked);
  expect(picture.rows).toHaveLength(10);
});

test("the cursor stays on its job and on its line when rows come and go; until it is moved it is on the first row", () => {
  const picture = new Steered({ columns: 60, rows: 15 }, many(30));
  const first = () => picture.rows[0]?.slice(2, 8);
  picture.press("pagedown", "j", "j");
  expect([picture.marked, first()]).toEqual(["job-12", "job-03"]);
  picture.board.put("job-00", undefined, true, NOW);
  expect([picture.marked, first()]).toEqual(["job-12", "job-03"]);
  picture.put(job("early", { created: "2026-01-15T09:00:00Z" }));
  picture.put(job("earlier", { created: "2026-01-15T08:00:00Z" }));
  expect([picture.marked, first()]).toEqual(["job-12", "job-03"]);
  // Its place goes to the next job when it is gone.
  picture.board.put("job-12", undefined, true, NOW);
  expect(picture.marked).toBe("job-13");
  const fresh = new Steered(undefined, [job("b")]);
  expect(fresh.marked).toBe("b");
  fresh.put(job("a", { created: "2026-01-15T09:00:00Z" }));
  expect(fresh.marked).toBe("a");
});

test("the job under the cursor stays when it ends, others leave", () => {
  const picture = new Steered(undefined, [job("a"), job("b"), job("c")]);
  picture.press("j");
  for (const jid of ["a", "b"]) picture.board.put(jid, job(jid, { status: "complete" }), true, NOW - 6_000);
  expect(picture.jids).toEqual(["c", "b"]);
  expect(picture.marked).toBe("b");
});

test.each([
  ["web-0", "a"],
  ["PKG", "b"],
  ["db*", "b"],
  ["ops", "c"],
  ["pending", "c"],
  ["stuck", "a"],
  ["db ops", ""],
  ["root db", "b"],
  // An ID by its prefix alone.
  ["3Mm", "3mmDbc"],
  ["mDb", ""],
])("the filter %s", (filter, found) => {
  const picture = new Steered(undefined, [
    job("a", { target_expr: "" }),
    job("b", { function: "pkg.upgrade", target_expr: "db*" }),
    job("c", { user: "ops", status: "pending" }),
    job("3mmDbc", { user: "x" }),
  ]);
  picture.board.stuck = new Map([["a", { jid: "a", overdueNs: 1n, goneMaster: undefined, heardNs: undefined }]]);
  picture.press("j", "j", "/", ...filter);
  expect([picture.jids.join(), picture.marked ?? ""]).toEqual([found, found]);
  expect(picture.lines()[1]).toBe(`filter: ${filter}_  sorted by state, stuck first`);
  // All of them do what the footer says.
  picture.press("return");
  expect(picture.lines().at(-1)).toContain("Esc clear filter");
});

test("typing a filter: keys are letters, Enter keeps it, Backspace and Esc take back", () => {
  const picture = new Steered(undefined, [job("a"), job("q")]);
  expect(picture.press("/", "q", "up", "j", "backspace")).toBeUndefined();
  expect(picture.steering).toMatchObject({ filter: "q", typing: true });
  picture.press("return");
  expect(picture.lines()[1]).toStartWith("filter: q  ");
  expect(picture.jids).toEqual(["q"]);
  picture.press("escape");
  expect(picture.jids).toEqual(["a", "q"]);
  picture.press("/", "é", "\u{1f600}", "x", "ctrl-u", "y", "escape");
  expect(picture.steering).toMatchObject({ filter: "", typing: false });
  expect(picture.press("q")).toBe("quit");
});

test.each<[presses: number, jids: string[]]>([
  // What needs a look, then the oldest.
  [0, ["stuck", "odd", "old", "half", "bad"]],
  [1, ["old", "half", "bad", "odd", "stuck"]],
  [2, ["stuck", "bad", "odd", "old", "half"]],
  [3, ["old", "half", "bad", "odd", "stuck"]],
  [4, ["stuck", "odd", "old", "half", "bad"]],
])("sorted, s pressed %i times", (presses, jids) => {
  const at = (minute: number) => ({ created: `2026-01-15T09:5${minute}:00Z` });
  const picture = new Steered(undefined, [
    job("old", { ...at(0), return_count: 3n, success_count: 3n }),
    job("half", { ...at(1), return_count: 4n, success_count: 3n }),
    job("bad", { ...at(2), return_count: 2n, success_count: 0n }),
    job("odd", { ...at(3), status: "Running", return_count: 2n, success_count: 1n }),
    job("stuck", { ...at(4), return_count: 1n, success_count: 0n }),
  ]);
  picture.board.stuck = new Map([
    ["stuck", { jid: "stuck", overdueNs: 1n, goneMaster: undefined, heardNs: undefined }],
  ]);
  picture.press(...Array(presses).fill("s"));
  expect(picture.jids).toEqual(jids);
});

test("jobs with the most bad peels first", () => {
  const ended = (jid: string, succeeded: bigint) => job(jid, { status: "partial", success_count: succeeded });
  const picture = new Steered(undefined, [ended("ok", 4n), ended("two", 2n), ended("all", 0n), job("on")]);
  picture.press("t", "s", "s", "s");
  expect(picture.jids).toEqual(["on", "all", "two", "ok"]);
  expect(picture.lines()[1]).toBe("sorted by bad peels, most first  ended jobs shown");
});

test("returns that were counted are shown and sorted by; the count of a record comes first", () => {
  const none = { return_count: null, success_count: null };
  const picture = new Steered({ columns: 103, rows: 24 }, [job("a", none), job("b", none), job("c", none), job("d")]);
  picture.board.returned = new Map([
    ["a", 3],
    ["b", 0],
    ["d", 4],
  ]);
  picture.press("s", "s");
  expect(picture.rows.map((row) => row.slice(2).split(/ {2,}/).slice(0, 6))).toEqual([
    ["b", "state.apply", "web*", "running", "░░░░░░ 0/4", "-"],
    ["c", "state.apply", "web*", "running", "-/4", "-"],
    ["d", "state.apply", "web*", "running", "███░░░ 2/4", "-"],
    ["a", "state.apply", "web*", "running", "████░░ 3/4", "-"],
  ]);
});

test("t: jobs that ended too, after the active ones, the last that ended first", () => {
  const at = (second: number) => ({ updated: `2026-01-15T09:59:${second}Z` });
  const picture = new Steered(undefined, [
    job("failed", { status: "failed", created: "2026-01-15T09:59:01Z", ...at(10) }),
    job("newest", { status: "complete", created: "2026-01-15T09:30:00Z", ...at(40) }),
    job("canceled", { status: "canceled", created: "2026-01-15T09:59:02Z", ...at(20) }),
    job("on"),
  ]);
  expect(picture.jids).toEqual(["on"]);
  picture.press("t");
  expect(picture.jids).toEqual(["on", "newest", "canceled", "failed"]);
  expect(picture.lines()[1]).toBe("sorted by state, stuck first  ended jobs shown");
  picture.press("s");
  expect(picture.jids).toEqual(["on", "newest", "failed", "canceled"]);
  expect(picture.lines()[1]).toBe("sorted by age, oldest first  ended jobs shown");
  picture.press("t");
  expect(picture.jids).toEqual(["on"]);
});

test("jobs that failed within the hour are counted by state, as the filter selects them", () => {
  const picture = new Steered(undefined, [
    job("a", { status: "failed" }),
    job("b", { status: "partial" }),
    job("c", { status: "canceled" }),
    job("d", { status: "failed", created: "2026-01-15T08:59:00Z" }),
  ]);
  expect(picture.lines()[0]).toContain(" 0 active · 2 failed, 1 partial in 1h ");
  picture.press("t", "/", ..."failed");
  expect(picture.jids.toSorted()).toEqual(["a", "d"]);
  picture.put(job("e"));
  picture.press("ctrl-u", ..."active");
  expect(picture.jids).toEqual(["e"]);
});

test("Enter opens the job under the cursor, which stays on it; keys move among its outcomes; Esc goes back, q quits", () => {
  const picture = new Steered(undefined, [job("a"), job("b")]);
  picture.press("return");
  expect(picture.steering.opened).toMatchObject({ jid: "a", place: 0, text: undefined });
  picture.press("j", "down", "j", "j");
  expect(picture.steering.opened).toMatchObject({ jid: "a", place: 2, text: undefined });
  expect(picture.press("q")).toBe("quit");
  picture.put(job("first", { created: "2026-01-15T09:00:00Z" }));
  picture.press("/", "escape");
  expect(picture.steering.opened).toBeUndefined();
  expect(picture.marked).toBe("a");
  expect(new Steered().press("return")).toBeUndefined();
});

test.each([
  ["x", "kill", "running", "x cancel", "r retry"],
  ["r", "retry", "failed", "r retry", "x cancel"],
] as const)("%s: a question, in the list and in an open job, where %s works: %s", (key, act, status, hint, other) => {
  const picture = new Steered(undefined, [job("a", { status }), job("b", { status })]);
  picture.press("t", "s", "j");
  const jid = picture.marked as string;
  for (const keys of [[key], ["o", key], ["escape", "escape", "return", key]])
    expect(picture.press(...keys)).toEqual({ act, jid });
  picture.steering = { ...picture.steering, opened: undefined };
  const hints = picture.lines().at(-1);
  expect([hints?.includes(hint), hints?.includes(other)]).toEqual([true, false]);
  expect(picture.press(key === "x" ? "r" : "x")).toBeUndefined();
  expect(picture.press("/", key, "escape")).toBeUndefined();
  expect(new Steered().press(key)).toBeUndefined();
});

test("without jobs the footer has no key of a job", () => {
  expect(new Steered().lines().at(-1)).toBe("/ filter  ? help  q quit  t show ended  s sort");
});

test("a question stands in place of the rows, its end always in sight; what came of it is told beside the job", () => {
  const picture = new Steered({ columns: 61, rows: 10 }, [job("a")]);
  const lines = Array.from({ length: 20 }, (_, i) => `line ${i}`);
  const hint = "y yes  n no";
  picture.dialog = { lines: [...lines, `Cancel ${"x".repeat(70)}? [y/N]`], hint };
  const shown = picture.lines();
  expect(shown.slice(-3)).toEqual([`Cancel ${"x".repeat(53)}`, `${"x".repeat(17)}? [y/N]`, hint]);
  expect(shown).toHaveLength(10);
  picture.dialog = undefined;
  picture.told.set("a", "cancel sent");
  expect(picture.lines().at(-2)).toStartWith("── 1/1  a  cancel sent  by root  5m left ──");
  // Words that have no room are left out whole.
  picture.told.set("a", `retried as ${"x".repeat(34)}`);
  expect(picture.lines().at(-2)).toBe(`── 1/1  a  retried as ${"x".repeat(34)} ${"─".repeat(3)}`);
});

test("the cursor stays on its outcome when others come and go, and the place of one that is gone goes to the next", () => {
  const picture = new Steered();
  picture.steering = opening(START, "a");
  const place = () => {
    picture.lines();
    return picture.steering.opened?.place;
  };
  picture.press("j");
  picture.states = ["failed", "unreachable", "executing", "ok"];
  expect(place()).toBe(2);
  picture.states = ["failed", "unreachable", "ok"];
  expect(place()).toBe(2);
  picture.press("return");
  expect(picture.steering.opened?.text?.peel).toBe("ok");
  // Until it is moved it is on the first one.
  picture.steering = opening(START, "a");
  picture.states.unshift("unreadable");
  expect(place()).toBe(0);
  // The job is under the cursor of the list, before the list is there.
  picture.isWhole = false;
  picture.press("escape");
  expect(picture.steering).toMatchObject({ cursor: "a", opened: undefined });
});

test.each([
  ["list", [], ["Ctrl-U Ctrl-D", "g G", "Enter", "o", "e", "x", "r", "/", "Esc", "t", "s", "q"]],
  [
    "open job",
    ["return"],
    ["↑ ↓ j k", "PgUp PgDn Space", "Ctrl-U Ctrl-D", "g G", "Enter o", "e", "x", "r", "Esc", "q"],
  ],
  ["text", ["o"], ["↑ ↓ j k", "PgUp PgDn Space", "Ctrl-U Ctrl-D", "g G", "d", "e", "x", "r", "Esc", "q"]],
] as const)("? shows the keys of this screen: %s; any key goes back", (_, keys, shown) => {
  const picture = new Steered({ columns: 60, rows: 15 }, [job("a")]);
  picture.press(...keys, "?");
  const lines = picture.lines();
  expect(lines.slice(2, 2 + shown.length).map((line) => line.trim().split(/ {2,}/)[0])).toEqual([...shown]);
  expect(lines.join("\n")).not.toContain("…");
  expect(lines.at(-1)).toBe("press any key to go back");
  expect(picture.press("q")).toBeUndefined();
  expect(picture.steering.help).toBe(false);
});

test("the whole picture", () => {
  const picture = new Steered({ columns: 81, rows: 10 }, [job("job-0"), job("job-1", { status: "failed" })]);
  picture.board.stuck = new Map([
    ["job-0", { jid: "job-0", overdueNs: undefined, goneMaster: "m1", heardNs: undefined }],
  ]);
  const clock = new Date(NOW).toTimeString().slice(0, 8);
  expect(picture.lines()).toEqual([
    `prod · nats://n1:4222              1 active · 1 stuck · 1 failed in 1h  ${clock}`,
    "sorted by state, stuck first",
    "  JID    WHAT         TARGET  STATE           RETURNS     BAD  DURATION  LEFT",
    "> job-0  state.apply  web*    running, stuck  ███░░░ 2/4  -    1m        5m",
    "",
    "",
    "",
    "",
    "── 1/1  job-0  stuck: no heartbeat from its master m1  by root ─────────────────",
    "↑↓ move  Enter open  x cancel  / filter  ? help  q quit  t show ended  s sort",
  ]);
});

test.each([
  [103, "  JID    WHAT         TARGET  STATE    RETURNS     BAD  DURATION  LEFT", ""],
  // Less room: first the time left goes, then the bar, then columns, the least important first.
  [68, "  JID    WHAT         TARGET  STATE    RETURNS     BAD  DURATION", "LEFT"],
  [62, "  JID    WHAT         TARGET  STATE    RETURNS  BAD  DURATION", "LEFT"],
  [54, "  JID    WHAT         STATE    RETURNS  BAD  DURATION", "TARGET, LEFT"],
  [43, "  JID    WHAT         STATE    BAD", "TARGET, RETURNS, DURATION, LEFT"],
  [23, "  JID    STATE    BAD", "WHAT, TARGET, RETURNS, DURATION, LEFT"],
])("%i columns", (columns, titles, hidden) => {
  const lines = new Steered({ columns, rows: 24 }, [job("job-0")]).lines();
  expect(lines[2]).toBe(titles);
  const words = `sorted by state, stuck first${hidden && `  hidden: ${hidden}`}`;
  expect(lines[1]).toBe(shorten(words, columns - 1));
  for (const line of lines) expect(width(line)).toBeLessThan(Math.max(2, columns));
});

test("the row of a job: returns with a bar, bad peels, the time so far and the time left", () => {
  const [row] = new Steered({ columns: 103, rows: 24 }, [job("job-0")]).rows;
  expect(row).toBe("> job-0  state.apply  web*    running  ███░░░ 2/4  -    1m        5m");
});

test("columns stay where they are when returns are counted for the first time", () => {
  const none = { return_count: null, success_count: null, args: new Map([["state", "a-long-name".repeat(4)]]) };
  const picture = new Steered({ columns: 81, rows: 24 }, [job("job-0", none)]);
  const [titles] = picture.lines().slice(2);
  picture.board.returned = new Map([["job-0", 3]]);
  expect(picture.lines()[2]).toBe(titles as string);
});

test("a lost connection: the reason stands above rows that are dimmed, as long as it lasts", () => {
  const picture = new Steered(undefined, [job("job-0")]);
  const note = "lost nats://n1:4222; reconnecting, the table is from 10:00:00";
  const lines = picture.lines({ note, color: true });
  expect(Bun.stripANSI(lines[1] as string)).toBe(note);
  expect(lines[3]).toStartWith("\x1b[2m> job-0");
  expect(picture.lines({ color: true })[3]).toStartWith("\x1b[7m> job-0");
});

test("nothing to show, and what cannot be decoded", () => {
  const picture = new Steered();
  expect(picture.lines({ unreadable: 2 })[0]).toContain("  0 active · 2 cannot be decoded  ");
  expect(picture.lines()[2]).toBe("No active jobs.");
  picture.press("/", "x");
  expect(picture.lines()[2]).toBe("No jobs match the filter.");
  // Before all jobs have been read nothing is counted.
  picture.isWhole = false;
  expect(picture.lines()[0]).toMatch(/^prod · nats:\/\/n1:4222 {50,}[\d:]+$/);
  expect(picture.lines()[2]).toBe("");
});

test.each([
  [1, 1],
  [3, 10],
  [4, 20],
  [6, 20],
])("%i lines of %i columns", (rows, columns) => {
  const lines = new Steered({ columns, rows }, many(9)).lines();
  expect(lines.length).toBeLessThanOrEqual(rows);
  for (const line of lines) expect(width(line)).toBeLessThan(Math.max(2, columns));
});

test("an id is cut to what tells it from the others, those that are out of sight too, and never within", () => {
  const ids = ["2hPx7KkVnR7YmWqTz4PLsCfNjA1", "2hPx7KkVnR9YmWqTz4PLsCfNjA2", "rxn-0123456789abcdef"];
  const shown = (columns: number, rows = 24) => {
    const picture = new Steered(
      { columns, rows },
      ids.map((jid) => job(jid)),
    );
    return picture.rows.map((line) => line.slice(2).split(" ")[0]);
  };
  expect(shown(123)).toEqual(ids);
  expect(shown(73)).toEqual(["2hPx7KkVnR7", "2hPx7KkVnR9", "rxn-0123456"]);
  expect(shown(73, 6)).toEqual(["2hPx7KkVnR7"]);
});

test("without UTF-8 there are no arrows and no blocks", () => {
  const picture = new Steered(undefined, [job("a")]);
  const text = (p: Steered) => p.lines({ utf8: false }).join("\n");
  expect(text(picture)).toMatch(/###\.\.\. 2\/4[\s\S]*\njk move/);
  picture.press("?");
  expect(text(picture)).toMatch(/\n {2}j k /);
  expect(text(picture)).toMatch(/^[\x00-\x7f]*$/);
});

test("ten times the jobs take no more than thirty times as long to draw", () => {
  const targets = Array.from({ length: 100 }, (_, i) => `web-${i}`);
  const drawing = (count: number) => {
    const picture = new Steered(undefined, many(count, { targets }));
    return () => picture.lines();
  };
  expect(leastMs(drawing(500))).toBeLessThan(30 * leastMs(drawing(50)));
});
