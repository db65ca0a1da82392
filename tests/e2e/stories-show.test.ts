// The recorded stories of real jobs as `show --summary` and `show --output` tell them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { zester } from "../support/harness.ts";
import { type StorySite, serveStories } from "../support/stories.ts";
import { FACTS, steady } from "../support/story-facts.ts";

let site: StorySite;
beforeAll(async () => {
  site = await serveStories();
});
afterAll(() => site.stop());

/** What `--summary` says beside the facts that `trace` has as well. */
interface Summary {
  /** The peels by state, with those that changed something. */
  readonly counts: string;
  /** Empty when no peel took any time. */
  readonly took: string;
  readonly outcomes: string;
}

/** The whole summary: the facts, with its own counts and what the peels took. */
function summaryOf(jid: keyof typeof FACTS, { counts, took, outcomes }: Summary): string {
  const facts = FACTS[jid].replace(
    /^(Peels {5}[^:]+: ).*$/m,
    (_, head) => `${head}${counts}${took && `\nPeels took ${took}`}`,
  );
  return `${facts}\n${outcomes}`;
}

/** The summary, and the whole output. */
const STORIES: readonly [jid: keyof typeof FACTS, summary: Summary, output: string][] = [
  [
    "2hPxSFailed",
    {
      counts: "1 failed, 1 ok (1 changed)",
      took: "median 1.0s, slowest web-02 2.0s",
      outcomes: `OUTCOME       PEELS  WHERE   WHAT
failed            1  web-02  could not get lock
ok, changed       1  web-01  openssl
`,
    },
    `web-02  failed  2.0s  1 result: 1 failed
  openssl  failed  1.0s
    error: could not get lock
    stderr: E: lock

web-01  ok  1.0s
  openssl  changed  40ms
    stdout: openssl 3.0.15
`,
  ],
  [
    "2hPxSForged",
    {
      counts: "1 offline, 1 executing",
      took: "slowest db-01 T so far",
      outcomes: `OUTCOME       PEELS  WHERE  WHAT
offline           1  db-02
executing         1  db-01
`,
    },
    `db-02  offline

db-01  executing
`,
  ],
  [
    "2hPxSLate",
    {
      counts: "1 late (1 changed), 1 ok (1 changed)",
      took: "median 1.0s, slowest web-09 1.0s",
      outcomes: `OUTCOME        PEELS  WHERE   WHAT
late, changed      1  web-09  returned after it was marked unreachable: ok; nginx
ok, changed        1  web-01  nginx
`,
    },
    `web-09  late, ok  1.0s
  nginx  changed  40ms
    stdout: restarted late

web-01  ok  1.0s
  nginx  changed  40ms
    stdout: restarted
`,
  ],
  [
    "2hPxSTest",
    {
      counts: "1 ok (1 would change)",
      took: "web-01 1.0s",
      outcomes: `OUTCOME           PEELS  WHERE   WHAT
ok, would change      1  web-01  file.managed:/etc/nginx/nginx.conf  +1 -1
`,
    },
    `Dry run: nothing was changed

web-01  ok  1.0s  3 results: 1 would change, 1 skipped
  file.managed:/etc/nginx/nginx.conf  would change  3ms
    path: /etc/nginx/nginx.conf
    diff:
      -worker_processes 2
      +worker_processes 4
  service.running:nginx  unchanged  1ms
  cmd.run:reload  skipped  0s  onchanges: nothing changed
`,
  ],
  [
    "2hPxSCut",
    {
      counts: "1 unfinished, 1 ok (1 changed)",
      took: "median 1.0s, slowest db-01 1.0s",
      outcomes: `OUTCOME       PEELS  WHERE  WHAT
unfinished        1  db-02  has not answered and may still be executing
ok, changed       1  db-01  sleep
`,
    },
    `db-02  unfinished

db-01  ok  1.0s
  sleep  changed  40ms
`,
  ],
  [
    "2hPxSReclaim",
    {
      counts: "1 unfinished",
      took: "",
      outcomes: `OUTCOME       PEELS  WHERE   WHAT
unfinished        1  web-01  accepted the job, no return
`,
    },
    `web-01  unfinished
`,
  ],
  [
    "2hPxSBusy",
    {
      counts: "1 failed",
      took: "db-01 0s",
      outcomes: `OUTCOME       PEELS  WHERE  WHAT
failed            1  db-01  peel busy: execution queue full
`,
    },
    `db-01  failed  0s
  error: peel busy: execution queue full
`,
  ],
  [
    "2hPxSSched",
    {
      counts: "1 ok",
      took: "web-01 58s",
      outcomes: `OUTCOME       PEELS  WHERE   WHAT
ok                1  web-01
`,
    },
    `web-01  ok  58s
  motd  unchanged  0s
`,
  ],
  [
    "rxn-0123456789abcdef0123456789abcdef",
    {
      counts: "1 ok (1 changed)",
      took: "web-01 0.3s",
      outcomes: `OUTCOME       PEELS  WHERE   WHAT
ok, changed       1  web-01  nginx
`,
    },
    `web-01  ok  0.3s
  nginx  changed  40ms
`,
  ],
  [
    "2hPxSRest",
    {
      counts: "2 late (2 changed)",
      took: "median 30ms, slowest db-01 30ms",
      outcomes: `OUTCOME        PEELS  WHERE       WHAT
late, changed      2  db-[01-02]  returned after the job ended: ok; uptime
`,
    },
    `db-[01-02]  2 peels  late, ok  median 30ms
  uptime  changed
    stdout: up 12 days
`,
  ],
  [
    "2hPxSEarly",
    {
      counts: "2 ok (2 changed)",
      took: "median 2ms, slowest web-02 5ms",
      outcomes: `OUTCOME       PEELS  WHERE   WHAT
ok, changed       1  web-01  returned at +T, but the master missed it and marked the peel unreachable; test.version
ok, changed       1  web-02  test.version
`,
    },
    `web-[01-02]  2 peels  ok  median 2ms
  test.version  changed
    stdout: 0.7.1
`,
  ],
  [
    "2hPxSAlien",
    {
      counts: "1 ok (1 changed)",
      took: "db-01 1.0s",
      outcomes: `OUTCOME       PEELS  WHERE  WHAT
ok, changed       1  db-01  true
`,
    },
    `db-01  ok  1.0s
  true  changed  40ms
`,
  ],
  [
    "2hPxSOrphan",
    {
      counts: "2 failed",
      took: "median 3.0s, slowest db-01 3.0s",
      outcomes: `OUTCOME       PEELS  WHERE  WHAT
failed            1  db-01  execution canceled
failed            1  db-02  cmd.run:long: context canceled
`,
    },
    `db-01  failed  3.0s  2 results: 1 failed, 1 skipped
  error: execution canceled
  cmd.run:long  failed  3.0s
    error: signal: killed
  cmd.run:next  skipped  0s

db-02  failed  3.0s  1 result: 1 failed
  cmd.run:long  failed  3.0s
    error: context canceled
`,
  ],
  [
    "2hPxSUnwatched",
    {
      counts: "1 ok (1 changed)",
      took: "db-01 1.0s",
      outcomes: `OUTCOME       PEELS  WHERE  WHAT
ok, changed       1  db-01  true
`,
    },
    `db-01  ok  1.0s
  true  changed  40ms
`,
  ],
  [
    "2hPxSTwice",
    {
      counts: "1 ok (1 changed)",
      took: "db-01 1.0s",
      outcomes: `OUTCOME       PEELS  WHERE  WHAT
ok, changed       1  db-01  true
`,
    },
    `db-01  ok  1.0s
  true  changed  40ms
`,
  ],
  [
    "2hPxSGone",
    {
      counts: "2 unreachable, 1 ok (1 changed)",
      took: "median 1.0s, slowest db-01 1.0s",
      outcomes: `OUTCOME       PEELS  WHERE       WHAT
unreachable       2  db-[02-03]  no ack
ok, changed       1  db-01       true
`,
    },
    `db-[02-03]  2 peels  unreachable
  error: no ack

db-01  ok  1.0s
  true  changed  40ms
`,
  ],
];

describe.each(STORIES)("%s", (jid, summary, output) => {
  test("show --summary", async () => {
    await site.beat();
    const { stdout, stderr, code } = await zester(["job", "show", jid, "--summary"], { env: site.env });
    expect(steady(stdout)).toBe(summaryOf(jid, summary));
    expect([stderr, code]).toEqual(["", 0]);
  });

  test("show --output", async () => {
    const { stdout, stderr, code } = await zester(["job", "show", jid, "--output"], { env: site.env });
    expect(stdout).toBe(output);
    expect([stderr, code]).toEqual(["", 0]);
  });
});

test("show: a return of a peel that is no target is in the bucket, and says so", async () => {
  const { stdout } = await zester(["job", "show", "2hPxSAlien"], { env: site.env });
  expect(stdout).toEndWith(`
Returns:
PEEL      SUCCESS  DURATION  ERROR
db-01     true     1.0s
evil-01   true     1.0s      not a target
`);
  const json = await zester(["job", "show", "2hPxSAlien", "--format", "json"], { env: site.env });
  expect(JSON.parse(json.stdout).returns.map(({ target }: { target?: boolean }) => target)).toEqual([undefined, false]);
});
