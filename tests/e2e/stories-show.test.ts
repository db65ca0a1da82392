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

/** The table below the facts, and the whole output. */
const STORIES: readonly [jid: keyof typeof FACTS, peels: string, output: string][] = [
  [
    "2hPxSFailed",
    `
PEEL      STATE   TOOK  DETAIL
web-02    failed  2.0s  could not get lock
web-01    ok      1.0s
`,
    `web-01  ok  1.0s
  openssl  changed  40ms
    stdout: openssl 3.0.15

web-02  failed  2.0s  1 result: 1 failed
  openssl  failed  1.0s
    error: could not get lock
    stderr: E: lock
`,
  ],
  [
    "2hPxSForged",
    `
PEEL      STATE      TOOK  DETAIL
db-02     offline    -
db-01     executing  T so far
`,
    `db-01  executing

db-02  offline
`,
  ],
  [
    "2hPxSLate",
    `
PEEL      STATE  TOOK  DETAIL
web-09    late   1.0s  returned after it was given up: ok
web-01    ok     1.0s
`,
    `web-01  ok  1.0s
  nginx  changed  40ms
    stdout: restarted

web-09  late, ok  1.0s
  nginx  changed  40ms
    stdout: restarted late
`,
  ],
  [
    "2hPxSTest",
    "\nPEEL      STATE  TOOK  DETAIL\nweb-01    ok     1.0s\n",
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
    `
PEEL      STATE       TOOK  DETAIL
db-02     unfinished  -
db-01     ok          1.0s
`,
    `db-01  ok  1.0s
  sleep  changed  40ms

db-02  unfinished
`,
  ],
  [
    "2hPxSReclaim",
    "\nPEEL      STATE       TOOK  DETAIL\nweb-01    unfinished  -\n",
    `web-01  unfinished
`,
  ],
  [
    "2hPxSBusy",
    `
PEEL      STATE   TOOK  DETAIL
db-01     failed  0s    peel busy: execution queue full
`,
    `db-01  failed  0s
  error: peel busy: execution queue full
`,
  ],
  [
    "2hPxSSched",
    "\nPEEL      STATE  TOOK  DETAIL\nweb-01    ok     58s\n",
    `web-01  ok  58s
  motd  unchanged  0s
`,
  ],
  [
    "rxn-0123456789abcdef0123456789abcdef",
    "\nPEEL      STATE  TOOK  DETAIL\nweb-01    ok     0.3s\n",
    `web-01  ok  0.3s
  nginx  changed  40ms
`,
  ],
];

describe.each(STORIES)("%s", (jid, peels, output) => {
  test("show --summary", async () => {
    await site.beat();
    const { stdout, stderr, code } = await zester(["job", "show", jid, "--summary"], { env: site.env });
    expect(steady(stdout)).toBe(FACTS[jid] + peels);
    expect([stderr, code]).toEqual(["", 0]);
  });

  test("show --output", async () => {
    const { stdout, stderr, code } = await zester(["job", "show", jid, "--output"], { env: site.env });
    expect(stdout).toBe(output);
    expect([stderr, code]).toEqual(["", 0]);
  });
});
