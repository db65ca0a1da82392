// Jobs that end while they are read: one that had ended is never without a return that was there.
import { afterAll, expect, test } from "bun:test";
import { encode, jobRecord, Time } from "../support/harness.ts";
import { draws, times } from "../support/length.ts";
import { serveBuckets } from "../support/serve.ts";

const PEELS = ["a", "b", "c"];
/** Programs that make jobs at the same time. */
const WRITERS = 2;
const ROUNDS = draws(8, 60);

const { nc, run, fresh, stop } = await serveBuckets();
afterAll(stop);

/** One job as its master writes it: running, the events, the returns, and then the record that has ended. */
async function runJob(jid: string): Promise<void> {
  const record = (status: string, returned = 0) =>
    encode({
      ...jobRecord(jid, { function: "test.ping", status, targets: PEELS, created: Time.now() }),
      ...(returned > 0 && { return_count: returned, success_count: returned }),
    });
  nc.publish(`$KV.jobs.${jid}`, record("running"));
  nc.publish(`zester.job.${jid}.dispatch`, encode({ jid, type: "dispatched" }));
  await nc.flush();
  for (const peel of PEELS) {
    const payload = encode({
      jid,
      peel_id: peel,
      success: true,
      duration: 1n,
      timestamp: Time.now(),
      return_data: null,
    });
    nc.publish(`zester.job.${jid}.ack.${peel}`, encode({ jid, peel_id: peel }));
    nc.publish(`zester.job.${jid}.return.${peel}`, payload);
    nc.publish(`$KV.job-returns.${jid}.${peel}`, payload);
  }
  nc.publish(`$KV.jobs.${jid}`, record("complete", PEELS.length));
  const end = { jid, type: "completed", data: { status: "complete", returns: PEELS.length } };
  nc.publish(`zester.job.${jid}.status`, encode(end));
  await nc.flush();
}

/** Jobs that come and end until that is called. @returns what ends that, and the newest ones that have ended */
function writers() {
  let over = false;
  const ended: string[] = [];
  const write = async (writer: number) => {
    for (let n = 0; !over; n++) {
      const jid = `job-${writer}-${String(n).padStart(5, "0")}`;
      await runJob(jid);
      ended.push(jid);
      await Bun.sleep(3 + Math.random() * 10);
    }
  };
  const writing = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  return {
    ended,
    async stop() {
      over = true;
      await writing;
    },
  };
}

const json = async (...args: string[]) => {
  const { stdout, stderr, code } = await run("job", ...args, "--format", "json");
  expect([stderr, code]).toEqual(["", 0]);
  return JSON.parse(stdout);
};

test(
  "history, stats, errors and diff while jobs come and end",
  async () => {
    await fresh();
    const { ended, stop } = writers();
    const wrong: unknown[] = [];
    await Bun.sleep(300);
    for (let round = 0; round < ROUNDS; round++) {
      const before = ended.length;
      const entries: { jid: string; state: string; function?: string; status?: string }[] = await json("history", "a");
      wrong.push(...entries.filter(({ state, function: fn }) => state !== "ok" || fn === undefined));
      const seen = new Set(entries.map(({ jid }) => jid));
      wrong.push(...ended.slice(0, before).filter((jid) => !seen.has(jid)));
      const rows: Record<string, unknown>[] = await json("stats", "--by", "peel");
      wrong.push(...rows.filter((row) => row.missing !== 0 || row.failed !== 0));
      wrong.push(...(await json("errors", "--since", "1h")));
      const [x, y] = ended.slice(-2) as [string, string];
      wrong.push(...(await json("diff", x, y)).filter((peel: { change: string }) => peel.change !== "same"));
    }
    await stop();
    expect(wrong).toEqual([]);
  },
  times(60_000, 600_000),
);
