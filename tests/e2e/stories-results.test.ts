// The recorded stories whose results come in no order (OrderOne, OrderTwo), or not at all (Compile), through every command that
// groups, compares or counts what peels answered.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { zester } from "../support/harness.ts";
import { type StorySite, serveStories } from "../support/stories.ts";
import { steady } from "../support/story-facts.ts";

let site: StorySite;
beforeAll(async () => {
  site = await serveStories();
});
afterAll(() => site.stop());

const CREATED = "2026-01-15T09:30:00.123456789Z";
const SINCE = ["--since", "2026-01-01"];

const factsOf = (jid: string, head: string, state: string) => `${head}
Job       ${jid}
State     ${state}
Target    web*
User      ops
Owner     master-2hPwZ9
Created   ${CREATED} (AGO)
Duration  2.0s
`;

/** The output of web-05, and of the other five, which says no times of single results. */
const WEB05 = `web-05  ok  0.9s  5 results: 2 changed, 1 skipped
  file.managed:/etc/nginx/nginx.conf  changed  7ms
    mode: 0644
    path: /etc/nginx/nginx.conf
    diff:
      -worker_processes 2
      +worker_processes 8
  service.running:nginx  changed  94ms
    action: restarted
  file.managed:/etc/motd  unchanged  1ms
    path: /etc/motd
  pkg.installed:nginx  unchanged  0.7s
    version: 1.26.1
  cmd.run:reload  skipped  0s  onchanges_not_met
`;
const OTHERS = `web-[01-04,06]  5 peels  ok  median 0.9s  5 results: 2 changed, 1 skipped
  file.managed:/etc/nginx/nginx.conf  changed
    mode: 0644
    path: /etc/nginx/nginx.conf
    diff:
      -worker_processes 2
      +worker_processes 4
  service.running:nginx  changed
    action: restarted
  file.managed:/etc/motd  unchanged
    path: /etc/motd
  pkg.installed:nginx  unchanged
    version: 1.26.1
  cmd.run:reload  skipped  onchanges_not_met
`;
/** What `--changes` leaves of an output. */
const onlyChanges = (output: string) =>
  output
    .slice(0, output.indexOf("  file.managed:/etc/motd"))
    .replace("5 results: 2 changed, 1 skipped", "2 results: 2 changed");

const COMPILE = 'compile state: web.site: line 7: undefined variable "vhost"';

test.each<[args: string, stdout: string]>([
  [
    "show 2hPxSOrderOne --summary",
    `${factsOf("2hPxSOrderOne", "state.highstate on web* by ops, 6 peels", "complete")}Peels     6: 6 ok (6 changed)
Peels took median 0.9s, slowest web-06 0.9s

OUTCOME       PEELS  WHERE        WHAT
ok, changed       6  web-[01-06]  file.managed:/etc/nginx/nginx.conf  +1 -1, service.running:nginx
`,
  ],
  ["show 2hPxSOrderOne --output", `${WEB05}\n${OTHERS}`],
  ["show 2hPxSOrderTwo --output", `${WEB05}\n${OTHERS}`],
  ["show 2hPxSOrderOne --output --changes", `${onlyChanges(WEB05)}\n${onlyChanges(OTHERS)}`],
  ["show 2hPxSOrderOne --output --each --peel web-05", WEB05],
  [
    "show 2hPxSOrderOne --output --diff",
    `web-05  ok  0.9s  5 results: 2 changed, 1 skipped
--- web-[01-04,06]
+++ web-05
@@ -6,7 +6,7 @@
     path: /etc/nginx/nginx.conf
     diff:
       -worker_processes 2
-      +worker_processes 4
+      +worker_processes 8
   pkg.installed:nginx  unchanged
     version: 1.26.1
   service.running:nginx  changed

${OTHERS}`,
  ],
  ["diff 2hPxSOrderOne 2hPxSOrderTwo", "No peel changed its state.\nsame output on 6 of 6 peels\n"],
  [
    "history web-05",
    `WHEN                            JID            WHAT             STATE  CHANGED  TOOK  NOTE
${CREATED}  2hPxSOrderTwo  state.highstate  ok     2/5      0.9s
${CREATED}  2hPxSOrderOne  state.highstate  ok     2/5      0.9s
`,
  ],
  [
    "show 2hPxSCompile --summary",
    `${factsOf("2hPxSCompile", "state.apply web.site on web* by ops, 2 peels", "failed")}Peels     2: 2 failed
Peels took median 20ms, slowest web-01 20ms

OUTCOME       PEELS  WHERE        WHAT
failed            2  web-[01-02]  ${COMPILE}
`,
  ],
  ["show 2hPxSCompile --output", `web-[01-02]  2 peels  failed  median 20ms\n  error: ${COMPILE}\n`],
  ["show 2hPxSCompile --output --changes", `web-[01-02]  2 peels  failed  median 20ms\n  error: ${COMPILE}\n`],
  ["show 2hPxSCompile --output --diff", `web-[01-02]  2 peels  failed  median 20ms\n  error: ${COMPILE}\n`],
  ["diff 2hPxSCompile 2hPxSCompile", "No peel changed its state.\nsame output on 2 of 2 peels\n"],
  [
    "history web-02 --function state.apply",
    `WHEN                            JID           WHAT                  STATE   CHANGED  TOOK  NOTE
${CREATED}  2hPxSCompile  state.apply web.site  failed  -        20ms  ${COMPILE}
first failure AGO, no earlier ok
`,
  ],
])("%s", async (args, expected) => {
  const result = await zester(["job", ...args.split(" ")], { env: site.env });
  expect(steady(result.stdout).replace(/\S+ ago\b/g, "AGO")).toBe(expected);
  expect([result.stderr, result.code]).toEqual(["", 0]);
});

test("errors, for programs: an error without results counts once for all of its peels", async () => {
  const args = ["job", "errors", ...SINCE, "--function", "state.apply", "--format", "json"];
  const { stdout, code } = await zester(args, { env: site.env });
  const groups = JSON.parse(stdout) as { error: string | null }[];
  expect(groups.filter(({ error }) => error?.startsWith("compile state"))).toMatchObject([
    { error: COMPILE, peels: 2, where: ["web-01", "web-02"] },
  ]);
  expect(code).toBe(0);
});

test.each([
  ["state.highstate", "web-05", { jobs: 2, failed: 0 }],
  ["state.apply", "web-02", { jobs: 1, failed: 1 }],
])("stats by peel: %s on %s", async (fn, peel, counts) => {
  const args = ["job", "stats", ...SINCE, "--by", "peel", "--function", fn, "--format", "json"];
  const rows = JSON.parse((await zester(args, { env: site.env })).stdout) as { peel_id: string }[];
  expect(rows.find(({ peel_id }) => peel_id === peel)).toMatchObject(counts);
});
