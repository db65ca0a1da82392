// Every command on terminals of several widths: no line is wider than the terminal, which would break it within a word.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { width } from "../../lib/text.ts";
import { encode, jobRecord, Running } from "../support/harness.ts";
import { some } from "../support/length.ts";
import { type StorySite, serveStories } from "../support/stories.ts";

const LONG = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1234 (unattended-upgr)";
const PEELS = Array.from({ length: 30 }, (_, i) => `web-${i * 7}-of-the-second-rack`);

let site: StorySite;
beforeAll(async () => {
  site = await serveStories();
  const { views } = site.nc.jetstream();
  const [jobs, returns] = [await views.kv("jobs"), await views.kv("job-returns")];
  const args = {
    name: "a-package-with-a-name",
    version: "1.2.3-4ubuntu5~22.04.1",
    fromrepo: "jammy-security",
    refresh: true,
  };
  const fields = { function: "pkg.installed", args, targets: PEELS, user: "operator", owner: "master-2hPwZ9" };
  const job = (jid: string, more: object) => jobs.put(jid, encode(jobRecord(jid, { ...fields, ...more })));
  await job("2hPxTBad", { status: "partial", return_count: 3, success_count: 0 });
  await job("2hPxTOpen", { status: "running", target_expr: "web-* and G@role:frontend and not L@web-000" });
  for (const peel of PEELS.slice(0, 3))
    await returns.put(
      `2hPxTBad.${peel}`,
      encode({ jid: "2hPxTBad", peel_id: peel, success: false, error: `${LONG} ${peel}`, duration: 1n }),
    );
});
afterAll(() => site.stop());

/** The command that asks a question. */
const ASKS = "retry 2hPxTBad";

const COMMANDS = [
  "list",
  "list --wide",
  "list --state bad --function no.such.function --user a-long-name-of-a-user --since 300d",
  "list --columns jid,args.name,created,updated,targets",
  "active",
  "active --wide",
  "show 2hPxTBad",
  "show 2hPxTBad --summary",
  "show 2hPxTBad --summary --each",
  "show 2hPxSForged --summary",
  "show 2hPxTBad --peel no-such-peel-of-a-name -q",
  "trace 2hPxTBad",
  "trace 2hPxTOpen",
  "trace 2hPxSForged",
  "trace 2hPxTNone",
  "wait 2hPxTBad",
  "wait 2hPxTOpen --for 10ms",
  "retry 2hPxTBad --dry-run",
  ASKS,
  "retry 2hPxTOpen",
  "kill 2hPxTOpen --dry-run",
  "kill --state running --dry-run",
  "errors --since 400d",
  "errors --since 400d --by job",
  "history web-0-of-the-second-rack",
  "stats",
  "stats --by peel",
  "diff 2hPxTBad 2hPxTOpen",
  "grep lock --since 400d",
  "list --no-such-flag-that-has-a-name",
];

/** What the record holds is written as it is: it can be copied. */
const isRecord = (line: string) => /^\s*[{}\]"]/.test(line);

test.each(COMMANDS)("%s", async (command) => {
  for (const cols of some([60, 80, 200], 2, 1)) {
    const terminal = new Running(["job", ...command.split(" ")], { NATS_URL: site.env.NATS_URL }, { cols, rows: 24 });
    if (command === ASKS) {
      await terminal.until("[y/N] ");
      terminal.type("n\n");
    }
    await terminal.ended();
    const lines = Bun.stripANSI(terminal.out).split(/[\r\n]+/);
    expect([cols, lines.filter((line) => width(line) > cols && !isRecord(line))]).toEqual([cols, []]);
  }
});

test.each([80, 100])("--wide in %d columns: what runs where, since when, and how far it is", async (cols) => {
  for (const command of ["list", "active"]) {
    const terminal = new Running(["job", command, "--wide"], { NATS_URL: site.env.NATS_URL }, { cols, rows: 24 });
    await terminal.ended();
    const [titles, ...lines] = Bun.stripANSI(terminal.out).split(/[\r\n]+/);
    expect(titles).toMatch(/^JID +WHAT +TARGET +STATE +CREATED +(DURATION +)?RETURNS +BAD/);
    expect(lines.find((line) => line.startsWith("2hPxTOpe"))).toMatch(
      / pkg\.\S* .* web-\S* .* running .* ago .* \d+\/30 /,
    );
  }
});
