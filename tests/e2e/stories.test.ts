// The recorded stories of real jobs as `trace`, `wait` and the end of `watch <jid>` tell them. What is expected follows from
// the rules of masters and peels (wire.md), not from what the program says.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Running, zester } from "../support/harness.ts";
import { type StorySite, serveStories } from "../support/stories.ts";
import { FACTS, ORPHAN, steady, TWICE } from "../support/story-facts.ts";

let site: StorySite;
beforeAll(async () => {
  site = await serveStories();
});
afterAll(() => site.stop());

/** The columns DELIVERED, WAITED and AFTER are unsteady too. Widths differ with them, so that spaces are not compared. */
const steadyTrace = (text: string) =>
  steady(text)
    .replace(/^\+\S+/gm, "+T")
    .replace(/(delivered in )\S+/g, "$1T")
    .replace(/^(\S+ +[a-z]+ +)(-|[\d.]+[mµ]?s) +(-|[\d.]+[mµ]?s) /gm, (_, head, delivered, waited) =>
      [head, delivered === "-" ? "-" : "T", "  ", waited === "-" ? "-" : "T", "  "].join(""),
    )
    .replace(/ {2,}/g, "  ");

/** What `trace` tells below the facts; the last line of `wait` and `watch`, and the exit code of both. */
const STORIES: readonly [jid: keyof typeof FACTS, trace: string, ending: string | undefined, code: number][] = [
  [
    "2hPxSFailed",
    `Slowest   web-02 2.0s, web-01 1.0s

PEEL    STATE   DELIVERED  WAITED  TOOK  DETAIL
web-02  failed  T          T       2.0s  could not get lock
web-01  ok      T          T       1.0s

AFTER  EVENT       PEEL    DETAIL
+T     dispatched
+T     ack         web-01  delivered in T
+T     ack         web-02  delivered in T
+T     return      web-01  ok, took 1.0s
+T     return      web-02  failed, took 2.0s: could not get lock
+T     ended               failed
`,
    "failed in 2.0s: 1 failed, 1 ok",
    2,
  ],
  [
    "2hPxSForged",
    `Slowest   db-01 T

PEEL   STATE      DELIVERED  WAITED  TOOK  DETAIL
db-02  offline    -          -       -
db-01  executing  T          -       T so far

AFTER  EVENT       PEEL   DETAIL
+T     dispatched
+T     ack         db-01  delivered in T
`,
    undefined,
    124,
  ],
  [
    "2hPxSLate",
    `Slowest   web-09 1.0s, web-01 1.0s

PEEL    STATE  DELIVERED  WAITED  TOOK  DETAIL
web-09  late   T          T       1.0s  returned after it was marked unreachable: ok
web-01  ok     T          T       1.0s

AFTER  EVENT       PEEL    DETAIL
+T     dispatched
+T     ack         web-01  delivered in T
+T     return      web-01  ok, took 1.0s
+T     return      web-09  unreachable: no ack; offline at dispatch
+T     ended               failed
+T     ack         web-09  delivered in T
+T     return      web-09  late, ok, took 1.0s
`,
    "failed in 2.0s: 1 late, 1 ok",
    3,
  ],
  [
    "2hPxSTest",
    `
PEEL    STATE  DELIVERED  WAITED  TOOK  DETAIL
web-01  ok     T          T       1.0s

AFTER  EVENT       PEEL    DETAIL
+T     dispatched
+T     ack         web-01  delivered in T
+T     return      web-01  ok, took 1.0s
+T     ended               complete
`,
    "complete in 2.0s: 1 ok",
    0,
  ],
  [
    "2hPxSCut",
    `Slowest   db-01 1.0s

PEEL   STATE       DELIVERED  WAITED  TOOK  DETAIL
db-02  unfinished  T          -       -     has not answered and may still be executing
db-01  ok          T          T       1.0s

AFTER  EVENT       PEEL   DETAIL
+T     dispatched
+T     ack         db-01  delivered in T
+T     ack         db-02  delivered in T
+T     return      db-01  ok, took 1.0s
+T     cancel             cancelled by user
+T     ended              canceled
`,
    "canceled in 2.0s: 1 unfinished, 1 ok",
    5,
  ],
  [
    "2hPxSReclaim",
    `
PEEL    STATE       DELIVERED  WAITED  TOOK  DETAIL
web-01  unfinished  T          -       -     accepted the job, no return

AFTER  EVENT       PEEL    DETAIL
+T     dispatched
+T     ack         web-01  delivered in T
+T     ended               failed: reclaim limit exceeded: job reclaimed 4 times (max 3)
`,
    "failed in 1m: 1 unfinished (reclaim limit exceeded: job reclaimed 4 times (max 3))",
    3,
  ],
  [
    "2hPxSBusy",
    `
PEEL   STATE   DELIVERED  WAITED  TOOK  DETAIL
db-01  failed  T          T       0s    peel busy: execution queue full

AFTER  EVENT       PEEL   DETAIL
+T     dispatched
+T     ack         db-01  delivered in T
+T     return      db-01  failed, took 0s: peel busy: execution queue full
+T     ended              failed
`,
    "failed in 2.0s: 1 failed",
    2,
  ],
  [
    "2hPxSSched",
    `
PEEL    STATE  DELIVERED  WAITED  TOOK  DETAIL
web-01  ok     -          -       58s

AFTER  EVENT     PEEL    DETAIL
+T     schedule  web-01  ok, took 58s
`,
    "complete in 58s: 1 ok",
    0,
  ],
  [
    "rxn-0123456789abcdef0123456789abcdef",
    `
PEEL    STATE  DELIVERED  WAITED  TOOK  DETAIL
web-01  ok     T          T       0.3s

AFTER  EVENT       PEEL    DETAIL
+T     dispatched
+T     ack         web-01  delivered in T
+T     return      web-01  ok, took 0.3s
+T     ended               complete
`,
    "complete in 2.0s: 1 ok",
    0,
  ],
  [
    "2hPxSRest",
    `Slowest   db-01 30ms, db-02 30ms

PEEL   STATE  DELIVERED  WAITED  TOOK  DETAIL
db-01  late   T          T       30ms  returned after the job ended: ok
db-02  late   T          T       30ms  returned after the job ended: ok

AFTER  EVENT       PEEL   DETAIL
+T     dispatched
+T     ended              timeout
+T     ack         db-01  delivered in T
+T     return      db-01  late, ok, took 30ms
+T     ack         db-02  delivered in T
+T     return      db-02  late, ok, took 30ms
`,
    "timeout in 4ms: 2 late (the master stopped watching 59s before the deadline; 2 of 2 peels returned after that: 2 ok)",
    3,
  ],
  [
    "2hPxSEarly",
    `Slowest   web-02 5ms, web-01 2ms

PEEL    STATE  DELIVERED  WAITED  TOOK  DETAIL
web-01  ok     T          T       2ms  returned at +T, but the master missed it and marked the peel unreachable
web-02  ok     T          T       5ms

AFTER  EVENT       PEEL    DETAIL
+T     dispatched
+T     ack         web-01  delivered in T
+T     return      web-01  ok, took 2ms
+T     ack         web-02  delivered in T
+T     return      web-02  ok, took 5ms
+T     return      web-01  unreachable: the master missed its return
+T     ended               failed
`,
    "failed in 2.0s: 2 ok (the master missed the return of web-01)",
    3,
  ],
  [
    "2hPxSAlien",
    `
PEEL   STATE  DELIVERED  WAITED  TOOK  DETAIL
db-01  ok     T          T       1.0s

AFTER  EVENT       PEEL   DETAIL
+T     dispatched
+T     ack         db-01  delivered in T
+T     return      db-01  ok, took 1.0s
+T     ended              complete
`,
    "complete in 2.0s: 1 ok",
    0,
  ],
  [
    "2hPxSOrphan",
    `Slowest   db-01 3.0s, db-02 3.0s

PEEL   STATE   DELIVERED  WAITED  TOOK  DETAIL
db-01  failed  T          T       3.0s  execution canceled
db-02  failed  T          T       3.0s  cmd.run:long: context canceled

AFTER  EVENT       PEEL   DETAIL
+T     dispatched
+T     ack         db-01  delivered in T
+T     ack         db-02  delivered in T
+T     cancel             cancel signal
+T     return      db-01  failed, took 3.0s: execution canceled
+T     return      db-02  failed, took 3.0s: cmd.run:long: context canceled
+T     ended              failed
`,
    `failed in 2.0s: 2 failed (${ORPHAN})`,
    2,
  ],
  [
    "2hPxSUnwatched",
    `
PEEL   STATE  DELIVERED  WAITED  TOOK  DETAIL
db-01  ok     T          T       1.0s

AFTER  EVENT       PEEL   DETAIL
+T     dispatched
+T     ack         db-01  delivered in T
+T     return      db-01  ok, took 1.0s
`,
    undefined,
    124,
  ],
  [
    "2hPxSTwice",
    `
PEEL   STATE  DELIVERED  WAITED  TOOK  DETAIL
db-01  ok     T          T       1.0s

AFTER  EVENT       PEEL   DETAIL
+T     dispatched
+T     ack         db-01  delivered in T
+T     return      db-01  ok, took 1.0s
+T     ended              partial
`,
    `partial in 2.0s: 1 ok (${TWICE})`,
    3,
  ],
  [
    "2hPxSGone",
    `Slowest   db-01 1.0s

PEEL   STATE        DELIVERED  WAITED  TOOK  DETAIL
db-02  unreachable  -          -       -     no ack
db-03  unreachable  -          -       -     no ack
db-01  ok           T          T       1.0s

AFTER  EVENT       PEEL   DETAIL
+T     dispatched
+T     ack         db-01  delivered in T
+T     return      db-01  ok, took 1.0s
+T     return      db-02  unreachable: no ack
+T     return      db-03  unreachable: no ack
+T     ended              failed
`,
    "failed in 2.0s: 2 unreachable, 1 ok",
    3,
  ],
];

describe.each(STORIES)("%s", (jid, told, ending, code) => {
  const job = (...args: string[]) => zester(["job", ...args], { env: site.env });
  const lastLine = `Job ${jid} ${ending}\n`;

  test("trace", async () => {
    await site.beat();
    const { stdout, stderr, code } = await job("trace", jid);
    // How long db-01 has been at it is no more steady there.
    const text = steadyTrace(stdout).replace(/^(Slowest {2}db-01) (?!1\.0s$)\S+$/m, "$1 T");
    expect(text).toBe(steadyTrace(FACTS[jid] + told));
    expect([stderr, code]).toEqual(["", 0]);
  });

  test("wait", async () => {
    const far =
      jid === "2hPxSUnwatched" ? "1 of 1 peel done" : "0 of 2 peels done; 1 executing: db-01; 1 offline: db-02";
    const { stdout, stderr, code: got } = await job("wait", jid, ...(ending ? [] : ["--for", "300ms"]));
    expect([stdout, got]).toEqual([ending ? lastLine : "", code]);
    expect(stderr).toBe(
      ending
        ? ""
        : `error: timed out after 300ms: 1 job had not ended: ${jid} (${far}).\nWait longer with --for; \`zester job trace <jid>\` shows what a job waits for.\n`,
    );
  });

  test("watch", async () => {
    if (ending) {
      const { stdout, stderr, code: got } = await job("watch", jid);
      expect(stdout.slice(stdout.trimEnd().lastIndexOf("\n") + 1)).toBe(lastLine);
      expect([stderr, got]).toEqual(["", code]);
      return;
    }
    const watch = new Running(["job", "watch", jid], site.env);
    await Bun.sleep(500);
    watch.signal("SIGINT");
    expect(await watch.ended()).toBe(130);
    expect(watch.out).not.toMatch(/^Job \S+ (complete|failed|partial|timeout|canceled) /m);
    expect(watch.out).not.toContain("evil");
  });
});

test.each([
  ["wait 2hPxSFailed", "Next: zester job retry 2hPxSFailed --failed\r\n"],
  ["watch 2hPxSFailed", "Next: zester job retry 2hPxSFailed --failed\r\n"],
  ["wait 2hPxSTest", " ok\r\n"],
])("a terminal has the next command after a bad end: %s", async (command, last) => {
  const running = new Running(["job", ...command.split(" ")], site.env, { cols: 80, rows: 24 });
  if (command.startsWith("watch")) {
    await running.until("q quit");
    running.type("q");
  }
  await running.ended();
  expect(running.out.slice(-last.length)).toBe(last);
});
