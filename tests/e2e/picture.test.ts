// `job watch` on a terminal: whole stories with keys, and a terminal that is usable whatever ends them.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { fail, hang, ok, serveFleet } from "../support/fleet.ts";
import { consumersLeft, encode, jobRecord, Time, until, ZESTER } from "../support/harness.ts";
import { KEYS, Pictured } from "../support/pictured.ts";
import { startFarLink } from "../support/proxy.ts";

const { nc, fleet, env, run, stop } = await serveFleet();
afterAll(stop);

/** The jobs that a cancel signal was sent for. */
const cancels: string[] = [];
nc.subscribe("zester.job.*.cancel", {
  callback: (_, { subject }) => void cancels.push(subject.split(".")[2] as string),
});

const SIZES = { usual: { cols: 80, rows: 24 }, large: { cols: 200, rows: 50 }, small: { cols: 60, rows: 15 } } as const;
/** A little more than `y` must wait for. */
const READ_MS = 1_100;
const [ENTER, LEAVE] = ["\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"];

const time = (ms: number) => new Time(BigInt(ms) * 1_000_000n);

/** A picture of the jobs of one user. */
const look = (user: string, size: { cols: number; rows: number }, ...args: string[]) =>
  new Pictured(["job", "watch", "--user", user, "--no-color", ...args], env, size);

/** 40 jobs of the user "many", one a second. */
beforeAll(async () => {
  const start = Date.now() - 600_000;
  const put = (i: number) => {
    const jid = `job-${String(i).padStart(2, "0")}`;
    const at = time(start + i * 1_000);
    const fields = {
      user: "many",
      status: "running",
      created: at,
      updated: at,
      deadline: time(Date.now() + 600_000),
    };
    return fleet.jobs.put(jid, encode(jobRecord(jid, { ...fields, target_expr: i === 7 ? "db*" : "web*" })));
  };
  await Promise.all(Array.from({ length: 40 }, (_, i) => put(i)));
});

test.each(Object.values(SIZES))(
  "more jobs than lines at $cols × $rows: keys move, scroll, filter and quit",
  async (size) => {
    const watch = look("many", size);
    await watch.shows(/^--user many · .* 40 active {2}[\s\S]*> job-00/);
    expect(watch.lines).toHaveLength(size.rows);
    for (const line of watch.lines) expect(line.length).toBeLessThan(size.cols);
    watch.type(`jj${KEYS.down}${KEYS.up}k`);
    await watch.shows((picture) => picture.marked.startsWith("> job-01 "));
    watch.type("G");
    await watch.shows((picture) => picture.marked.startsWith("> job-39 "));
    expect(watch.lines.join("\n")).toContain("40/40  job-39  by many");
    watch.type(`g${KEYS.pageDown}`);
    const page = { 24: 15, 50: 37, 15: 10 }[size.rows];
    await watch.shows((picture) => picture.marked.startsWith(`> job-${page} `));
    // A letter of the filter is no command.
    watch.type("/dbq");
    await watch.shows(/filter: dbq_ [\s\S]*No jobs match the filter/);
    watch.type("\x7f");
    await watch.shows(/filter: db_ .*\n.*\n> job-07 /);
    watch.type(KEYS.enter);
    await watch.shows(/filter: db {2}[\s\S]*Esc clear filter/);
    // Esc and another key at once, as a slow link brings them.
    watch.type(`${KEYS.escape}?`);
    await watch.shows(/Enter +open the job/);
    watch.type("?");
    await watch.shows(/JID[\s\S]*> job-07[\s\S]*8\/40 +job-07/);
    watch.type("q");
    expect(await watch.ended()).toBe(0);
    expect(watch.out).toStartWith(ENTER);
    expect(watch.out).toEndWith(LEAVE);
    expect(watch.isUsual).toBe(true);
    expect(await consumersLeft(nc)).toBe(0);
  },
);

test("jobs that come and go: the cursor stays on its job, which stays when it ends; others are shown with t", async () => {
  const watch = look("root", SIZES.usual);
  await watch.shows(/No active jobs\./);
  const first = await fleet.dispatch({ fn: "cmd.run", expr: "web*", peels: { a: hang } });
  await watch.shows((picture) => picture.marked.includes("cmd.run"));
  const second = await fleet.dispatch({ fn: "state.apply", expr: "db*", peels: { b: hang } });
  const quick = await fleet.dispatch({ fn: "test.ping", expr: "db*", peels: { c: fail } });
  await watch.shows(/test\.ping.*failed/);
  watch.type("j");
  await watch.shows((picture) => picture.marked.includes(second.slice(0, 8)));
  await run("kill", first);
  await watch.shows((picture) => /cmd\.run.*canceled/.test(picture.lines.join()));
  expect(watch.marked).toContain("state.apply");
  await run("kill", second);
  await watch.shows((picture) => picture.marked.includes("canceled"));
  // Six seconds later only the one under the cursor is left.
  await watch.shows((picture) => !/cmd\.run|test\.ping/.test(picture.lines.join("\n")));
  expect(watch.marked).toContain("state.apply");
  expect(watch.lines[0]).toContain(" 0 active · 1 failed in 1h ");
  watch.type("t");
  // The last that ended first.
  await watch.shows(/state\.apply.*canceled[\s\S]*cmd\.run.*canceled[\s\S]*test\.ping.*failed/);
  expect(watch.lines[1]).toContain("  ended jobs shown");
  expect(quick).not.toBe(second);
  watch.type("q");
  expect(await watch.ended()).toBe(0);
});

test.each([
  [SIZES.usual, /failed +2 +\S+ +web-\[01-02\] +no lock/],
  [SIZES.large, /failed +2 +\S+ +web-\[01-02\] +no lock/],
  [SIZES.small, /failed +2 +\S+ +web-\[01-02\] +no lock/],
])("a job is opened at %j: facts, outcomes and events as they come; Esc goes back", async (size, failed) => {
  const user = `opener-${size.cols}`;
  const peels = { "web-01": fail, "web-02": fail, "web-03": hang, "web-04": ok };
  const jid = await fleet.dispatch({ fn: "cmd.run", args: { command: "sleep 600" }, expr: "web*", user, peels });
  const watch = look(user, size);
  await watch.shows((picture) => picture.marked.includes(jid.slice(0, 8)));
  watch.type(KEYS.enter);
  await watch.shows(failed);
  const text = watch.lines.join("\n");
  expect(text).toMatch(size.rows < 30 ? /3\/4 {2}running/ : /\nState +running\n/);
  expect(text).toMatch(/> failed[\s\S]*executing +1 +\S+ so far +web-03[\s\S]*ok, changed +1 +\S+ +web-04/);
  expect(text).toMatch(/return +web-0\d +(ok|failed)/);
  for (const line of watch.lines) expect(line.length).toBeLessThan(size.cols);
  watch.type("j");
  await watch.shows(/> executing/);
  watch.type(KEYS.escape);
  await watch.shows(/JID[\s\S]*> /);
  // Where there is room for it, its outcomes stay beneath the list.
  if (size !== SIZES.small) await watch.shows(/── 1\/1 {2}.* ─+\nfailed +2 [\s\S]*\nexecuting +1 +\S+ so far +web-03/);
  else await until("one consumer", async () => (await consumersLeft(nc)) === 1);
  watch.type(KEYS.enter);
  await watch.shows(/executing +1 +\S+ so far +web-03/);
  await run("kill", jid);
  await watch.shows(size.rows < 30 ? /4 {2}canceled/ : /\nState +canceled\n/);
  await watch.shows(/ended +canceled|cancel +.*cancel/);
  watch.type("q");
  expect(await watch.ended()).toBe(5);
  expect(watch.isUsual).toBe(true);
  expect(await consumersLeft(nc)).toBe(0);
});

test.each(Object.values(SIZES))(
  "outputs and events at $cols × $rows: of an outcome, of all, as differences; scrolled",
  async (size) => {
    const user = `reader-${size.cols}`;
    const long = Array.from({ length: 60 }, (_, i) => `line ${i + 1}`).join("\n");
    const peels = {
      "web-01": { does: "fail", ms: 20, error: long } as const,
      "web-02": { does: "ok", ms: 20, changed: false } as const,
      "web-03": ok,
      "web-04": hang,
    };
    const jid = await fleet.dispatch({ fn: "cmd.run", args: { command: "x" }, user, peels });
    const watch = look(user, size);
    await watch.shows((picture) => picture.marked.includes(jid.slice(0, 8)));
    watch.type(KEYS.enter);
    await watch.shows(/> failed +1 +\S+ +web-01[\s\S]*ok +1 +\S+ +web-02/);
    watch.type(KEYS.enter);
    await watch.shows(/^.*\noutput of web-01 {2}1-\d+ of \d+ lines\nweb-01 {2}failed[\s\S]*line 1\n/);
    for (const line of watch.lines) expect(line.length).toBeLessThan(size.cols);
    watch.type("G");
    await watch.shows(/line 60\n/);
    watch.type("k");
    await watch.shows((picture) => !picture.lines.join("\n").includes("line 60"));
    watch.type("g");
    await watch.shows(/line 1\n/);
    watch.type(`${KEYS.escape}jjo`);
    await watch.shows(/\noutput of web-0[23] {2}1-/);
    watch.type(`${KEYS.escape}e`);
    await watch.shows(/\nevents {2}\d/);
    await run("kill", jid);
    await watch.shows(/cancel/);
    // All outputs, from the list; as differences from the usual one.
    watch.type(KEYS.escape);
    await watch.shows(/OUTCOME/);
    watch.type(KEYS.escape);
    await watch.shows(/JID/);
    watch.type("o");
    await watch.shows(/^.*\noutput {2}1-/);
    watch.type("d");
    await watch.shows(/\ndiff against web-0\d {2}1-[\s\S]*--- web-0\d[\s\S]*\+\+\+ web-01/);
    watch.type("q");
    expect(await watch.ended()).toBe(5);
  },
);

test.each(Object.values(SIZES))(
  "x and r at $cols × $rows ask what kill and retry ask, do it, and say what came of it",
  async (size) => {
    const user = `actor-${size.cols}`;
    const args = { command: "sleep 600" };
    const jid = await fleet.dispatch({
      fn: "cmd.run",
      args,
      expr: "web*",
      user,
      peels: { [`hung-${size.cols}`]: hang, "web-02": ok },
    });
    const watch = look(user, size);
    await watch.shows((picture) => picture.marked.includes(jid.slice(0, 8)));
    // Any other key but y is no, or nothing.
    watch.type("x");
    await watch.shows(
      /Cancel cmd\.run "sleep 600" on web\* \(1 peel\s+executing,\s+by\s+actor-\d+,\s+started\s+\S+\s+ago\)\?\s+\[y\/N\]\n[\s\S]*y yes/,
    );
    // The keys after it are those of the list again.
    watch.type("jq\r?");
    await watch.shows(/retry a job that ended/);
    expect(cancels).not.toContain(jid);
    watch.type("?");
    await watch.shows(new RegExp(`JID[\\s\\S]*> [\\s\\S]*1/1 {2}${jid} {2}not canceled`));
    // y, typed before the question is there or in its first second, is a letter of a word.
    watch.type("xy");
    await watch.shows(/\[y\/N\]\n[\s\S]*\ny was too early: press y again {2}n no$/);
    watch.type("y");
    await Bun.sleep(READ_MS);
    expect(cancels).not.toContain(jid);
    watch.type("y");
    await watch.shows(
      new RegExp(`Cancel signal sent for job ${jid}\n[\\s\\S]*Job ${jid} ended: canceled\\.[\\s\\S]*press any key`),
    );
    expect(cancels).toContain(jid);
    watch.type(" ");
    await watch.shows((picture) => picture.marked.includes("canceled"));
    await watch.shows(new RegExp(`1/1 {2}${jid} {2}cancel sent`));
    // It has ended: x does nothing, r does.
    expect(watch.lines.at(-1)).toMatch(/^↑↓ move {2}Enter open {2}r retry /);
    watch.type("x");
    // The peels that need it, as retry says them; from the job that is open.
    watch.type(KEYS.enter);
    await watch.shows(/canceled[\s\S]*OUTCOME/);
    watch.type("r");
    await watch.shows(/on 1 of 2 peels[\s\S]*Dispatch a new job to this peel\? \[y\/N\]\n[\s\S]*y yes/);
    await Bun.sleep(READ_MS);
    watch.type("y");
    await watch.shows(/Job \S+ dispatched to 1 peel by\s+master-demo01\n/);
    const retried = /Job (\S+) dispatched/.exec(watch.lines.join("\n"))?.[1] as string;
    expect((await run("show", retried, "--format", "json")).stdout).toContain(`"retry_of": "${jid}"`);
    // The new job opens; Esc leads to the list with both.
    expect(watch.lines.at(-1)).toBe("press any key to open the new job");
    watch.type(" ");
    await watch.shows(new RegExp(`${retried}[\\s\\S]*OUTCOME[\\s\\S]*r retry`));
    watch.type(`${KEYS.escape}t/${jid.slice(0, 9)}${KEYS.enter}`);
    await watch.shows(new RegExp(`${jid} {2}retried as ${retried.slice(0, 8)}`));
    watch.type("q");
    expect(await watch.ended()).toBe(0);
    expect(watch.isUsual).toBe(true);
    // The shell's screen keeps what was done.
    const done = `Cancel signal sent for job ${jid}.\nJob ${retried} dispatched.\n`;
    expect(watch.out.slice(watch.out.lastIndexOf(LEAVE) + LEAVE.length).replaceAll("\r", "")).toBe(done);
  },
);

test("returns after the cancel come to the list, the open job and the last line", async () => {
  const peels = { l1: { does: "stubborn", ms: 2_500 }, l2: ok } as const;
  const jid = await fleet.dispatch({ fn: "cmd.run", user: "late", peels });
  const watch = look("late", SIZES.usual);
  await watch.shows(/\nexecuting +1 +\S+ so far +l1/);
  // The list counts what the preview shows, at once.
  expect(watch.marked).toMatch(/ 1\/2 /);
  // A job that the cursor was moved to stays when it ends.
  watch.type("g");
  await run("kill", jid);
  await watch.shows(/\nunfinished +1 +\S+ +l1 /);
  await watch.shows(/\nlate, changed +1 +\S+ +l1 /);
  watch.type(KEYS.enter);
  await watch.shows(/2 {2}canceled[\s\S]*> late, changed +1 +\S+ +l1 /);
  watch.type("q");
  expect(await watch.ended()).toBe(5);
  expect(watch.out.slice(watch.out.lastIndexOf(LEAVE))).toContain(": 1 late, 1 ok");
});

test("a new job has no returns: 0, from its first picture on", async () => {
  const watch = look("fresh", SIZES.usual);
  await watch.shows(/\nNo active jobs\.\n/);
  await fleet.dispatch({ fn: "cmd.run", user: "fresh", peels: { n1: hang, n2: hang, n3: hang } });
  await watch.shows(/> \S+ .* running .* 0\/3 /);
  expect(watch.out).not.toContain("-/3");
  watch.type("q");
  expect(await watch.ended()).toBe(0);
});

test("a server 200 ms away: keys act at once, what is shown follows", async () => {
  const link = await startFarLink(Number(new URL(env.NATS_URL).port), 200);
  const jid = await fleet.dispatch({ fn: "cmd.run", user: "far", peels: { f1: hang, f2: fail } });
  const watch = look("far", SIZES.usual, "--master", link.url);
  await watch.shows(/> \S+ +cmd\.run[\s\S]*\nfailed +1 +20ms +f2 +no lock/);
  watch.type("?");
  await watch.shows(/open the job/, 1_000);
  watch.type(`?${KEYS.enter}`);
  await watch.shows(/1\/2 {2}running/, 1_000);
  await run("kill", jid);
  await watch.shows(/2 {2}canceled/);
  watch.type("q");
  expect(await watch.ended()).toBe(5);
  const one = new Pictured(["job", "watch", jid, "--master", link.url, "--no-color"], env, SIZES.usual);
  await one.shows(/2 {2}canceled/);
  one.type("q");
  expect(await one.ended()).toBe(5);
  link.stop();
});

test.each<[how: string, end: (watch: Pictured) => void, code: number]>([
  ["q", (watch) => watch.type("q"), 0],
  ["Ctrl-C", (watch) => watch.type("\x03"), 130],
  ["Ctrl-C while a filter is typed", (watch) => watch.type("/x\x03"), 130],
  ["Ctrl-C at a question", (watch) => watch.type("x\x03"), 130],
  ["SIGTERM", (watch) => watch.signal("SIGTERM"), 143],
  ["SIGHUP", (watch) => watch.signal("SIGHUP"), 129],
  ["--for", () => {}, 124],
])("%s: the terminal is as it was", async (how, end, code) => {
  const watch = look("many", SIZES.usual, ...(how === "--for" ? ["--for", "1s"] : []));
  await watch.shows(/> job-00/);
  expect(watch.isUsual).toBe(false);
  end(watch);
  expect(await watch.ended()).toBe(code);
  expect(watch.isUsual).toBe(true);
  expect(watch.out.split(LEAVE)).toHaveLength(2);
  expect(cancels).not.toContain("job-00");
});

test("Ctrl-C at a question: the shell's screen says that nothing was canceled", async () => {
  const watch = look("many", SIZES.usual);
  await watch.shows(/> job-00/);
  watch.type("x");
  await watch.shows(/\[y\/N\]\n/);
  watch.type("\x03");
  expect(await watch.ended()).toBe(130);
  expect(watch.out).toEndWith(`${LEAVE}Nothing canceled.\r\n`);
  expect(cancels).not.toContain("job-00");
});

test("a job that was replaced while the question was open: the error names the keys that try again", async () => {
  const put = (created: number) =>
    fleet.jobs.put(
      "swapped",
      encode(jobRecord("swapped", { user: "swap", status: "running", created: time(created) })),
    );
  await put(Date.now());
  const watch = look("swap", SIZES.usual);
  await watch.shows(/> swapped/);
  watch.type("x");
  await watch.shows(/\[y\/N\]\n/);
  await put(Date.now() + 1);
  await Bun.sleep(READ_MS);
  watch.type("y");
  const again =
    /was replaced by [\s\S]*See `zester job show swapped`, then go back and press x again\.\n[\s\S]*\npress any/;
  await watch.shows(again);
  watch.type("jq");
  expect(await watch.ended()).toBe(0);
  expect(cancels).not.toContain("swapped");
});

test("Ctrl-Z where no shell could continue it: the picture goes on, with its keys", async () => {
  const watch = look("many", SIZES.usual);
  await watch.shows(/> job-00/);
  watch.type("\x1a");
  await until("picture again", async () => watch.out.split(ENTER).length === 3);
  watch.type("j");
  await watch.shows(/> job-01/);
  watch.type("q");
  expect(await watch.ended()).toBe(0);
  expect(watch.isUsual).toBe(true);
});

test("kill -9 of the shell that runs it: it ends, and the terminal is as it was", async () => {
  const argv = ["bash", "-c", `sh -c 'echo pid $$; exec "$0" job watch --user many' "$0"; :`, ZESTER];
  let out = "";
  const data = (_: unknown, bytes: Uint8Array) => {
    out += new TextDecoder().decode(bytes);
  };
  const shell = Bun.spawn(argv, { env: { ...env, TERM: "xterm" }, terminal: { ...SIZES.usual, data } });
  await until("picture", async () => out.includes("> job-00"));
  const pid = Number(/pid (\d+)/.exec(out)?.[1]);
  shell.kill("SIGKILL");
  await until("end", async () => !existsSync(`/proc/${pid}`));
  expect(out).toEndWith(LEAVE);
  shell.terminal?.close();
});
