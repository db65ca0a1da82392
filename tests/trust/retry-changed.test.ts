// What was shown of a retry is what is sent: what changes between the question and the answer is shown, and asked about again.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Dispatches, fieldsOf, sentRecord, watchDispatches } from "../support/dispatches.ts";
import { Field } from "../support/field.ts";
import { encode, Running, Time, zester } from "../support/harness.ts";
import { startGate } from "../support/relay.ts";

let field: Field;
let dispatches: Dispatches;
beforeAll(async () => {
  field = await Field.start();
  field.nc.subscribe("zester.dispatch", {
    callback: async (_, msg) => {
      const { jid } = fieldsOf(Buffer.from(msg.data)) as { jid: string };
      await field.nc.jetstream().publish(`$KV.jobs.${jid}`, sentRecord(msg.data));
      msg.respond(encode({ jid }));
    },
  });
  dispatches = await watchDispatches(field.nc);
});
afterAll(() => field.stop());
beforeEach(async () => {
  const jsm = await field.nc.jetstreamManager();
  for (const name of ["KV_jobs", "KV_job-returns", "job-events"]) await jsm.streams.purge(name);
  await dispatches.take();
});

const CREATED = Time.at("2026-01-15T09:00:00Z");
const JOB = { function: "state.apply", status: "partial", targets: ["web-01", "web-02", "web-03"], created: CREATED };
const put = (fields: object = {}, jid = "old") => field.put(jid, { ...JOB, ...fields });
const returns = (peel: string, fields: object = {}) => {
  const record = encode({ jid: "old", peel_id: peel, success: true, return_data: null, duration: 5n, ...fields });
  return field.nc.jetstream().publish(`$KV.job-returns.old.${peel}`, record);
};
const otherRetry = () => put({ status: "complete", metadata: { retry_of: "old" } }, "other-1");

const targets = async () => (await dispatches.take()).map((request) => fieldsOf(request).targets);
const QUESTION = /Dispatch a new job to .*\? \[y\/N\] /g;

/** Answers each question of a retry with the next answer, after what happens before that. */
async function retryWith(answers: readonly (readonly [answer: string, meanwhile?: () => Promise<unknown>])[]) {
  const asking = new Running(["job", "retry", "old"], { NATS_URL: field.url, NO_COLOR: "1" }, { cols: 150, rows: 50 });
  for (const [i, [answer, meanwhile]] of answers.entries()) {
    await asking.until(new RegExp(`(${QUESTION.source}[^]*){${i + 1}}`));
    await meanwhile?.();
    asking.type(`${answer}\n`);
  }
  const code = await asking.ended();
  const out = asking.out.replaceAll("\r\n", "\n");
  return { code, out, questions: out.match(QUESTION) ?? [], sent: await targets() };
}

describe("a person is asked", () => {
  test("nothing changed: once", async () => {
    await put();
    const { code, questions, sent } = await retryWith([["y"]]);
    expect([code, questions.length, sent]).toEqual([0, 1, [["web-01", "web-02", "web-03"]]]);
  });

  test("a peel returned: what is true now is shown, and it is asked again", async () => {
    await put();
    const { code, out, questions, sent } = await retryWith([["y", () => returns("web-02")], ["y"]]);
    expect(questions).toEqual([
      "Dispatch a new job to these 3 peels? [y/N] ",
      "Dispatch a new job to these 2 peels? [y/N] ",
    ]);
    expect(out).toMatch(
      /warning: job old has changed since it was shown; now:\nretry of old \(.*\): state\.apply on 2 of 3 peels\n/,
    );
    expect([code, sent]).toEqual([0, [["web-01", "web-03"]]]);
  });

  test("a peel failed otherwise than was shown, and then nothing changes: no is no", async () => {
    await put();
    await returns("web-01", { success: false, error: "no lock" });
    const other = () => returns("web-01", { success: false, error: "disk full" });
    const { code, out, questions, sent } = await retryWith([["y", other], ["n"]]);
    expect([code, questions.length, sent]).toEqual([1, 2, []]);
    expect(out).toContain("disk full");
    expect(out).toEndWith("Nothing dispatched.\n");
  });

  test("the last peel returned: nothing is left to retry", async () => {
    await put({ targets: ["web-01"] });
    const { code, out, sent } = await retryWith([["y", () => returns("web-01")]]);
    expect([code, sent]).toEqual([0, []]);
    expect(out).toEndWith("\nNothing to retry: the only peel returned ok.\n");
  });

  test("another operator was faster: that is said before it is asked again", async () => {
    await put();
    const { out, questions, sent } = await retryWith([["y", otherRetry], ["n"]]);
    expect([questions.length, sent]).toEqual([2, []]);
    expect(out).toMatch(
      /warning: job old was retried already: other-1 \(complete\)\.\n(warning: .*\n)*Dispatch a new job/,
    );
  });

  test("other arguments, and another job in its place", async () => {
    await put({ args: { state: "nginx" } });
    const another = async () => {
      await put({ args: { state: "postgres" } });
    };
    const { out, questions, sent } = await retryWith([
      ["y", another],
      ["y", () => put({ created: Time.now() })],
      ["n"],
    ]);
    expect([questions.length, sent]).toEqual([3, []]);
    expect(out.match(/job old is another job since it was shown/g)).toHaveLength(2);
    expect(out).toContain("state.apply postgres on 3 of 3 peels");
  });

  test.each([
    ["runs", () => put({ status: "running" }), "job old has not ended: running. Nothing was sent."],
    ["is purged", () => field.jobs.purge("old"), "job old no longer exists. Nothing was sent."],
  ] as const)("the job %s: refused, also beside one whose id begins with its", async (_, happens, words) => {
    await put();
    await put({ function: "prod.migrate" }, "old-1");
    const { code, out, sent } = await retryWith([["y", happens]]);
    expect([code, sent]).toEqual([1, []]);
    expect(out).toContain(`error: ${words}\n`);
  });

  test("random returns between random answers: what is sent is what was shown last", async () => {
    const peels = Array.from({ length: 8 }, (_, i) => `p${i}`);
    const rounds = fc.array(fc.subarray(peels), { minLength: 1, maxLength: 4 });
    for (const drawn of fc.sample(rounds, 4)) {
      const jsm = await field.nc.jetstreamManager();
      await jsm.streams.purge("KV_job-returns");
      await put({ targets: peels });
      const back = new Set<string>();
      const answers: [string, () => Promise<unknown>][] = [];
      for (const some of drawn) {
        const before = back.size;
        for (const peel of some) back.add(peel);
        answers.push(["y", () => Promise.all(some.map((peel) => returns(peel)))]);
        if (back.size === before || back.size === peels.length) break;
        if (some === drawn.at(-1)) answers.push(["y", async () => {}]);
      }
      const { sent, questions } = await retryWith(answers);
      expect(questions).toHaveLength(answers.length);
      const left = peels.filter((peel) => !back.has(peel));
      expect(sent).toEqual(left.length > 0 ? [left] : []);
    }
  });
});

describe("with --yes", () => {
  /** A retry in which something happens after the plan was shown, before the job is looked at again. */
  async function retryYes(meanwhile: () => Promise<unknown>, ...flags: string[]) {
    let looks = 0;
    const gate = await startGate(field.server.port, async (chunk) => {
      if (chunk.includes("DIRECT.GET.KV_jobs.$KV.jobs.old ") && ++looks === 2) await meanwhile();
      return true;
    });
    const result = await zester(["job", "retry", "old", "--yes", ...flags], { env: { NATS_URL: gate.url } });
    gate.stop();
    expect(looks).toBe(2);
    return { ...result, sent: await targets() };
  }

  test("fewer peels need it: sent to those alone, which are shown", async () => {
    await put();
    const { stderr, code, sent } = await retryYes(() => returns("web-02"));
    expect([code, sent]).toEqual([0, [["web-01", "web-03"]]]);
    expect(stderr).toContain("warning: job old has changed since it was shown; now:\nretry of old (partial ");
  });

  test("peels that were not shown get nothing; when none is left, nothing is sent", async () => {
    await put();
    await returns("web-02");
    const other = () => Promise.all([returns("web-01"), returns("web-02", { success: false, error: "undone" })]);
    expect((await retryYes(other)).sent).toEqual([["web-03"]]);
    await put({ targets: ["web-03"] });
    const { stdout, code, sent } = await retryYes(() => returns("web-03"));
    expect([stdout, code, sent]).toEqual(["Nothing to retry: the only peel returned ok.\n", 0, []]);
  });

  test.each([
    ["another job", () => put({ created: Time.now() }), "job old is another job since it was shown. Nothing was sent."],
    ["other arguments", () => put({ args: { a: 1 } }), "job old is another job since it was shown. Nothing was sent."],
    ["running", () => put({ status: "running" }), "job old has not ended: running. Nothing was sent."],
    ["purged", () => field.jobs.purge("old"), "job old no longer exists. Nothing was sent."],
  ] as const)("%s: refused", async (_, happens, words) => {
    await put();
    const { stdout, stderr, code, sent } = await retryYes(happens);
    expect([stdout, code, sent]).toEqual(["", 1, []]);
    expect(stderr).toContain(`error: ${words}\n`);
  });

  test("retried by another operator: sent all the same, and that is said", async () => {
    await put();
    const { stderr, sent } = await retryYes(otherRetry);
    expect(sent).toHaveLength(1);
    expect(stderr).toContain("warning: job old was retried already: other-1 (complete).\n");
  });
});
