// zester job report: what the page says of jobs, on a server and in a file; records that look like markup; secrets; its size.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { encode, jobRecord, Running, tempDir, zester } from "../support/harness.ts";
import { HOSTILE, putHostile } from "../support/hostile-job.ts";
import { expectError } from "../support/outcome.ts";
import { withoutNext } from "../support/reading.ts";
import { type StorySite, serveStories } from "../support/stories.ts";
import stories from "../support/wire-stories.json" with { type: "json" };

const JIDS = new Set(
  stories.flatMap(({ bucket, key }) => (bucket === "jobs" && !key?.includes(".") ? [key ?? ""] : [])),
);

let site: StorySite;
beforeAll(async () => {
  site = await serveStories();
  await site.beat();
  await putHostile(site.nc);
});
afterAll(() => site.stop());

const report = (...args: string[]) => zester(["job", "report", ...args], { env: site.env });
/** The text of a page without its tags. */
const words = (html: string) =>
  html
    .replace(/<(style|title|desc)[^>]*>.*?<\/\1>/gs, "")
    .replace(/<[^>]+>/g, " ")
    .replace(/&#x27;/g, "'")
    .replace(/&quot;/g, '"')
    .replace(/\s+/g, " ");

test("a job that failed: what, by whom, where, when, how it ended, and what to do next", async () => {
  const { stdout, stderr, code } = await report("2hPxSFailed");
  expect([stderr, code]).toEqual(["", 0]);
  const text = words(stdout);
  expect(text).toContain("pkg.installed openssl failed after 2.0s. 2 peels: 1 failed, 1 ok");
  for (const fact of [
    "Job 2hPxSFailed",
    "Target web*",
    "User ops",
    "Created 2026-01-15T09:30:00.123Z",
    "Duration 2.0s",
  ])
    expect(text).toContain(` ${fact} `);
  expect(text).toMatch(/ failed 1 web-02 .* ok , changed 1 web-01 /);
  expect(text).toContain("zester job retry 2hPxSFailed --failed run it again on 1 peel; asks first");
  expect(text).toContain("zester job show 2hPxSFailed --output --all --bad");
  expect(text).toMatch(/ \+\S+ ack web-01 delivered in \S+ /);
});

test("a retry of peels that may have run the job says so", async () => {
  const { stdout } = await report("2hPxSGone");
  expect(words(stdout)).toContain(
    "zester job retry 2hPxSGone --bad run it again on 2 peels, 2 of which may have run it; asks first",
  );
});

/** The stories in which the job does not end: what a page says of them counts from now. */
const RUNNING = ["2hPxSForged", "2hPxSUnwatched"];

test("each story: a page in both formats, and the same from a file", async () => {
  const file = join(tempDir(), "all.jsonl");
  await zester(["job", "export", "--all", "--output", file], { env: site.env });
  const made = (text: string) => text.replace(/ at \S+Z\.(<\/p>)?/, " at NOW.");
  const ended = [...JIDS.difference(new Set(RUNNING)), "hostile"];
  for (const format of ["html", "markdown"]) {
    const as = ["--format", format];
    const [live, stored, running] = await Promise.all([
      report(...ended, ...as),
      report(...ended, ...as, "--from", file),
      report(...RUNNING, ...as, "--from", file),
    ]);
    expect([live.code, stored.code, running.code]).toEqual([0, 0, 0]);
    for (const jid of ended) expect(live.stdout).toContain(jid);
    expect(withoutNext(made(stored.stdout))).toBe(withoutNext(made(live.stdout)));
    expect(words(running.stdout)).toMatch(/Elapsed \S+|\*\*Elapsed\*\* /);
  }
});

test("two jobs of a function: a table of both, and what differs", async () => {
  const text = words((await report("2hPxSOrderOne", "2hPxSOrderTwo")).stdout);
  expect(text).toMatch(/2 jobs .* Jobs .* 2hPxSOrderOne .* Comparison From 2hPxSOrderOne to 2hPxSOrderTwo \./);
  expect(text).toContain("Same output on 6 of 6 peels.");
  const other = words((await report("2hPxSOrderOne", "2hPxSFailed", "2hPxSFaile")).stdout);
  expect(other).toContain("2 jobs 1 complete , 1 failed");
  expect(other).not.toContain("Comparison");
});

test("text of records is no markup, and stays what it says", async () => {
  const { stdout } = await report("hostile");
  const tags = new Set(Array.from(stdout.matchAll(/<\/?([a-z0-9]+)/gi), (found) => found[1]));
  for (const tag of ["script", "img", "iframe", "a2", "base", "form"]) expect(tags).not.toContain(tag);
  expect(stdout).not.toMatch(/<[^>]*\son\w+=/i);
  expect(stdout).not.toMatch(/<[^>]*\sstyle=/i);
  expect(stdout).not.toMatch(/(href|src)="(?!#)/i);
  expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/);
  for (const text of HOSTILE) expect(stdout.includes(text) && /[<"]/.test(text)).toBe(false);
  expect(stdout).toContain("&lt;script&gt;");
  const { stdout: markdown } = await report("hostile", "--format", "markdown");
  const outside = markdown.replace(/^(`{3,})\w+\n[\s\S]*?^\1$/gm, "").replace(/(`+)(?!`)[^\n]*?[^`]\1(?!`)/g, "CODE");
  expect(outside).not.toMatch(/<script|@everyone|\]\(javascript|<img/);
  expect(markdown).toContain("<script>");
});

test("the policy allows the one style by its hash, and nothing else", async () => {
  const { stdout } = await report("2hPxSLate");
  const style = /<style>(.*?)<\/style>/s.exec(stdout)?.[1] ?? "";
  const hash = new Bun.CryptoHasher("sha256").update(style).digest("base64");
  expect(stdout).toContain(
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">`,
  );
  expect(stdout).not.toContain("<script");
  expect(style).not.toMatch(/url\(|@import/);
});

test("secrets are redacted wherever the page shows them, unless --no-redact", async () => {
  const js = site.nc.jetstream();
  const record = {
    targets: ["web-01"],
    args: { password: "hunter2" },
    metadata: { ticket: "OPS-1", api_token: "hunter2" },
  };
  await (await js.views.kv("jobs")).put("secret", encode(jobRecord("secret", record)));
  const results = [
    {
      name: "cmd.run",
      changed: true,
      diff: "+DB_PASSWORD=hunter2",
      details: { stdout: "TOKEN=hunter2", secret: "hunter2" },
    },
  ];
  const returned = {
    jid: "secret",
    peel_id: "web-01",
    success: false,
    error: "login --password hunter2",
    duration: 5n,
  };
  const all = { ...returned, return_data: { peel_id: "web-01", jid: "secret", success: false, results } };
  await js.publish("zester.job.secret.dispatch", encode({ type: "dispatched", data: record }));
  await js.publish("zester.job.secret.return.web-01", encode(all));
  const data = { status: "failed", reason: "api_key: hunter2" };
  await js.publish("zester.job.secret.status", encode({ type: "completed", data }));
  for (const format of ["html", "markdown"]) {
    const { stdout } = await report("secret", "--format", format);
    expect(stdout).not.toContain("hunter2");
    expect(stdout).toContain("ticket=OPS-1 api_token=[redacted]");
    expect(stdout).toContain("Values that look like secrets are redacted.");
    const open = await report("secret", "--format", format, "--no-redact");
    expect(open.stdout.split("hunter2").length).toBeGreaterThan(6);
    expect(open.stdout).toContain("Secrets are not redacted.");
  }
});

test("400 peels with an output each of their own: under 2 MB, and the command that has all", async () => {
  const peels = Array.from({ length: 400 }, (_, i) => `web-${String(i).padStart(3, "0")}`);
  const js = site.nc.jetstream();
  await (await js.views.kv("jobs")).put("wide", encode(jobRecord("wide", { targets: peels })));
  const list = peels.map((peel, i) => {
    const stdout = `${peel} <&"'>\n${"<&> 12345\n".repeat(1500)}`;
    const results = [{ name: "cmd.run", changed: true, details: { stdout } }];
    const success = i % 2 > 0;
    // Each error is one of its own, of what takes most bytes in HTML.
    const error = success
      ? undefined
      : `${peel.replace(/\d/g, (n) => "abcdefghij"[Number(n)] as string)} ${"'".repeat(3000)}`;
    return {
      jid: "wide",
      peel_id: peel,
      success,
      error,
      return_data: { peel_id: peel, jid: "wide", success, results },
    };
  });
  const returns = await js.views.kv("job-returns");
  for (const one of list) await returns.put(`wide.${one.peel_id}`, encode(one));
  const { stdout } = await report("wide");
  expect(Buffer.byteLength(stdout)).toBeLessThan(2_000_000);
  expect(Buffer.byteLength(stdout)).toBeGreaterThan(300_000);
  expect(words(stdout)).toMatch(/ more lines: zester job show wide --output --all --peel 'web-000' shows all/);
  expect(words(stdout)).toMatch(/ 101 more outcomes: zester job show wide --summary shows all/);
  expect(words(stdout)).toMatch(/250 more peels: web-\[\S+\] : zester job show wide --output --all shows all/);
});

test("--output writes a file for its owner alone, and replaces none without --force", async () => {
  const path = join(tempDir(), "job.html");
  expect(await report("2hPxSLate", "--output", path)).toMatchObject({ stdout: "", code: 0 });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const made = (text: string) => text.replace(/ at \S+Z\./, "");
  expect(made(readFileSync(path, "utf8"))).toBe(made((await report("2hPxSLate")).stdout));
  expectError(await report("2hPxSLate", "--output", path), `${path} already exists.`);
  expect((await report("2hPxSLate", "--output", path, "--force")).code).toBe(0);
  const markdown = join(tempDir(), "job.md");
  await report("2hPxSLate", "--output", markdown);
  expect(readFileSync(markdown, "utf8")).toStartWith("# ");
  await report("2hPxSLate", "--output", markdown, "--force", "--format", "html");
  expect(readFileSync(markdown, "utf8")).toStartWith("<!DOCTYPE html>");
  const args = ["job", "report", "2hPxSLate", "--output", path, "--force"];
  const seen = new Running(args, site.env, { cols: 200, rows: 24 });
  expect(await seen.ended()).toBe(0);
  const size = statSync(path).size.toLocaleString("en");
  expect(seen.out.replace(/\x1b\[[\d;]*m/g, "")).toBe(`note: wrote ${path} (${size} bytes).\r\n`);
  const none = join(tempDir(), "none.html");
  expectError(await report("2hPxSLate", "nothing", "--output", none), "nothing");
  expect(existsSync(none)).toBe(false);
});

test("HTML is not written to a terminal; Markdown is", async () => {
  const start = (...more: string[]) =>
    new Running(["job", "report", "2hPxSLate", ...more], site.env, { cols: 80, rows: 24 });
  const refused = start();
  expect(await refused.ended()).toBe(1);
  expect(refused.out).toContain("refusing to write HTML to a terminal");
  const shown = start("--format", "markdown");
  expect(await shown.ended()).toBe(0);
  expect(shown.out).toContain("## Summary");
});
