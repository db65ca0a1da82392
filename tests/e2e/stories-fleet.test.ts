// The recorded stories of real jobs as the commands tell them that look at many jobs: `history`, `errors`, `stats`.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { zester } from "../support/harness.ts";
import { type StorySite, serveStories } from "../support/stories.ts";

let site: StorySite;
beforeAll(async () => {
  site = await serveStories();
});
afterAll(() => site.stop());

const job = (...args: string[]) => zester(["job", ...args], { env: site.env });
const documents = async (...args: string[]) => JSON.parse((await job(...args, "--format", "json")).stdout);

/** What `history` says of a peel in one job. */
async function told(peel: string, jid: string): Promise<(string | undefined)[] | undefined> {
  const entries: Record<string, string>[] = await documents("history", peel);
  const found = entries.find((entry) => entry.jid === jid);
  return found && [found.state, found.note];
}

test.each([
  ["web-01", "2hPxSEarly", "ok", "returned, but the master missed it and marked the peel unreachable"],
  ["web-02", "2hPxSEarly", "ok", undefined],
  ["web-09", "2hPxSLate", "late", "returned after it was marked unreachable: ok"],
  ["db-01", "2hPxSRest", "late", "returned after the job ended: ok"],
  ["db-01", "2hPxSAlien", "ok", undefined],
  ["db-02", "2hPxSOrphan", "failed", "cmd.run:long: context canceled"],
  ["db-01", "2hPxSTwice", "ok", undefined],
  ["db-02", "2hPxSGone", "unreachable", "no ack"],
  ["db-02", "2hPxSCut", "unfinished", "has not answered and may still be executing"],
])("history: %s in %s is %s", async (peel, jid, state, note) => {
  expect(await told(peel, jid)).toEqual([state, note]);
});

test("history: a peel that was no target has none", async () => {
  const { stdout, stderr, code } = await job("history", "evil-01");
  expect([stdout, code]).toEqual(["", 1]);
  expect(stderr).toContain("evil-01");
});

test("errors: peels that were given up and returned all the same are none", async () => {
  const all = await documents("errors", "--since", "2026-01-01T00:00:00Z");
  const of = (state: string) => all.filter((row: { state: string }) => row.state === state);
  const [unreachable] = of("unreachable");
  expect(unreachable.where).toEqual(["db-02", "db-03"]);
  expect(JSON.stringify(all)).not.toContain("evil-01");
});

test("stats: the same, by peel; a peel that was no target is not there", async () => {
  const rows: Record<string, unknown>[] = await documents("stats", "--by", "peel");
  const of = (peel: string) => rows.find(({ peel_id }) => peel_id === peel);
  expect(of("web-09")).toMatchObject({ jobs: 1, failed: 0, last: "ok" });
  // Compile, where it failed, and Reclaim, which ended without it; not Early.
  expect(of("web-01")).toMatchObject({ jobs: 10, failed: 2 });
  expect(of("db-03")).toMatchObject({ jobs: 1, failed: 1, last: "unreachable" });
  expect(of("evil-01")).toBeUndefined();
});

test.each([
  ["2hPxSGone", "  unreachable   2 peels: db-[02-03]  no ack; "],
  ["2hPxSOrphan", "  failed        db-02  cmd.run:long: context canceled; "],
])("retry --dry-run of %s", async (jid, line) => {
  const { stdout, stderr, code } = await job("retry", jid, "--dry-run");
  expect(stdout).toContain(line);
  expect(stderr).toContain("to these 2 peels, nothing was sent.");
  expect(code).toBe(0);
});

test("diff: peels that were no targets are in none; what came late is compared", async () => {
  expect((await job("diff", "2hPxSTwice", "2hPxSAlien")).stdout).toBe(
    "No peel changed its state.\nsame output on 1 of 1 peel\n",
  );
  const { stdout, code } = await job("diff", "2hPxSGone", "2hPxSRest");
  expect(stdout).toContain("unreachable → late  db-02         returned after the job ended: ok\n");
  expect(stdout).toContain("\nonly in the first   db-03\n");
  expect(code).toBe(2);
});
