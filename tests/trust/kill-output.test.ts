// Whatever becomes of the output, the signals are sent, and the exit code tells what happened.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { decodeRecord } from "../../lib/codec/decode.ts";
import { sendSignal } from "../../lib/jobs/kill.ts";
import { jobRow } from "../../lib/model/job.ts";
import type { LiveStore } from "../../lib/store.ts";
import { Field } from "../support/field.ts";
import { encode, jobRecord, Running } from "../support/harness.ts";
import { startFaultyLink } from "../support/proxy.ts";

let field: Field;
const JOBS = Array.from({ length: 20 }, (_, i) => `job-${String(i).padStart(2, "0")}`);

beforeAll(async () => {
  field = await Field.start();
});
afterAll(() => field.stop());
beforeEach(async () => {
  field.onSignal = () => {};
  for (const jid of JOBS) await field.put(jid);
  await field.signaled();
});

/** The fleet ends every job that gets a signal. */
const ending = (status: string) => {
  field.onSignal = (jid) => field.jobs.put(jid, encode(jobRecord(jid, { status })));
};

const KILL = `"$Z" job kill --state running --yes`;
const SENT = "cancel signals sent for 20 of 20 jobs, but the report failed: ";

describe("every signal is sent, and a report that can't be written is exit 1 and said", () => {
  test.each([
    ["| true", "", "the reader of the output went away"],
    ["| true", "--format json", "the reader of the output went away"],
    ["| true", "--format yaml", "the reader of the output went away"],
    ["| true", "--wait", "the reader of the output went away"],
    ["| true", "--wait --format json", "the reader of the output went away"],
    ["> /dev/full", "", "cannot write the output: ENOSPC"],
    ["> /dev/full", "--format json", "cannot write the output: ENOSPC"],
    ["> /dev/full", "--wait", "cannot write the output: ENOSPC"],
  ])("%s %s", async (where, flags, why) => {
    ending("canceled");
    const to = where.startsWith(">") ? where : "";
    const script = `{ sleep 0.05; ${KILL} ${flags} ${to}; echo "code $?" >"$OUT"; } ${to ? "" : where}`;
    const { stderr, file } = await field.shell(script);
    expect(await field.signaled()).toEqual(JOBS);
    expect(file).toBe("code 1\n");
    expect(stderr).toContain(`error: ${SENT}${why}.\n`);
    expect(stderr).not.toContain("defect");
  });

  test.each(["head -1", "grep -q sent"])("| %s", async (reader) => {
    await field.shell(`${KILL} | ${reader}`);
    expect(await field.signaled()).toEqual(JOBS);
  });

  test.each(["2>&1 >/dev/null | true", "2>/dev/full", "2>&-", ">&- 2>&-"])("stderr: %s", async (where) => {
    const [redirections, reader] = where.split("|");
    const script = `{ sleep 0.05; ${KILL} ${redirections}; echo "code $?" >"$OUT"; } ${reader ? `|${reader}` : ""}`;
    const { file } = await field.shell(script);
    expect(await field.signaled()).toEqual(JOBS);
    expect(file).toBe("code 0\n");
  });
});

test("Ctrl-C while signals are sent: how many were, on stderr", async () => {
  const killing = new Running(["job", "kill", "--state", "running", "--yes", "--wait", "--format", "json"], {
    NATS_URL: field.url,
  });
  const end = Date.now() + 10_000;
  while (field.signals.length < JOBS.length && Date.now() < end) await Bun.sleep(5);
  // The answer to the last signal has come by then, also on a busy machine.
  await Bun.sleep(500);
  killing.signal("SIGINT");
  expect(await killing.ended()).toBe(130);
  expect(killing.out).toBe("");
  expect(killing.err).toContain("error: interrupted: cancel signals sent for 20 of 20 jobs; the jobs may still run.\n");
});

test("Ctrl-C between two signals: no other one leaves, and what is said is what arrived", async () => {
  const link = await startFaultyLink(field.server.port);
  const killing = new Running(["job", "kill", "--state", "running", "--yes"], { NATS_URL: link.url });
  link.delay(15);
  const end = Date.now() + 10_000;
  while (field.signals.length < 4 && Date.now() < end) await Bun.sleep(2);
  killing.signal("SIGINT");
  expect(await killing.ended()).toBe(130);
  await Bun.sleep(100);
  link.stop();
  const signaled = await field.signaled();
  const told = /sent for (\d+) of 20 jobs; cannot tell whether one was sent for job (\S+)\./.exec(killing.err) ?? [];
  const sent = JOBS.slice(0, Number(told[1]));
  expect([sent, [...sent, told[2] as string]]).toContainEqual(signaled);
  expect(signaled.length).toBeLessThan(JOBS.length);
});

test("no signal leaves once the command is over", async () => {
  let canceled = 0;
  const store = { job: async () => encode(jobRecord("j")), cancel: async () => void canceled++ };
  const row = jobRow("j", decodeRecord(encode(jobRecord("j", { status: "running" }))));
  const session = { store: store as unknown as LiveStore, ending: true };
  const sending = sendSignal(session, { jid: "j", row: undefined, ask: false });
  expect(await Promise.race([sending, Bun.sleep(50)])).toBeUndefined();
  // One that is over by the time of the second look gets none either.
  const late = await sendSignal({ ...session, ending: false }, { jid: "j", row, ask: false });
  expect([late.signal, canceled]).toEqual(["not sent", 0]);
});

describe("the exit code of a command that waits outlives its reader", () => {
  /** The exit code of a command whose reader has gone before it writes. */
  const codeOf = async (args: string) => {
    const { file, stderr } = await field.shell(`{ sleep 0.05; "$Z" job ${args}; echo "code $?" >"$OUT"; } | true`);
    return [file.trim(), stderr];
  };

  test.each([
    ["complete", 0],
    ["failed", 2],
    ["timeout", 3],
    ["canceled", 5],
  ])("wait and watch, %s: %i", async (status, code) => {
    await field.put("ended", { status, targets: [] });
    expect(await codeOf("wait ended")).toEqual([`code ${code}`, ""]);
    expect(await codeOf("wait ended --format json")).toEqual([`code ${code}`, ""]);
    expect(await codeOf("watch ended")).toEqual([`code ${code}`, ""]);
    expect(await codeOf("watch ended --format jsonl")).toEqual([`code ${code}`, ""]);
  });

  test("kill --wait: 6 when a job ended otherwise, and still what was sent", async () => {
    ending("complete");
    const [code, stderr] = await codeOf("kill job-00 job-01 --wait");
    expect(code).toBe("code 6");
    expect(stderr).toContain("cancel signals sent for 2 of 2 jobs, but the report failed");
    expect(await field.signaled()).toEqual(["job-00", "job-01"]);
  });

  test("kill --wait: 124", async () => {
    const [code] = await codeOf("kill job-00 --wait --timeout 300ms");
    expect(code).toBe("code 124");
  });

  test("wait on a full disk is an error, list without a reader is none", async () => {
    await field.put("ended", { status: "failed" });
    const { code, stderr } = await field.shell(`"$Z" job wait ended >/dev/full`);
    expect(code).toBe(1);
    expect(stderr).toStartWith("error: cannot write the output: ENOSPC");
    expect(await codeOf("list")).toEqual(["code 0", ""]);
    await field.jobs.delete("ended");
  });
});
