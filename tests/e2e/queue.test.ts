// Which earlier job a peel has not returned. Each case is the jobs of one peel, oldest first.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { encode, jobRecord, tempDir, zester } from "../support/harness.ts";
import { serveBuckets } from "../support/serve.ts";
import { returnRecord } from "../support/wire.ts";

const { server, nc, jobs, stop } = await serveBuckets();
afterAll(stop);

type Event = "ack" | "unreachable" | "ran" | "rejected" | "end";
interface Queued {
  readonly name: string;
  readonly status: string;
  readonly events: readonly Event[];
  readonly fn?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Older than the newest messages; `listed`: in the index of active jobs. */
  readonly old?: "listed" | "not listed";
}

const job = (name: string, status: string, events: readonly Event[] = ["ack"], more: Partial<Queued> = {}): Queued => ({
  ...{ name, status, events },
  ...more,
});
const late = (name: string, more?: Partial<Queued>) => job(name, "timeout", ["ack", "end"], more);
const B = job("B", "running");
const metadata = { source: "schedule", schedule: "nightly" };

/** The state of the peel in B, and the job that it has not returned. */
const CASES: readonly (readonly [title: string, queue: readonly Queued[], state: string, behind?: string])[] = [
  ["an active job", [job("A", "running"), B], "queued", "A"],
  ["a job that ended", [late("A"), B], "queued", "A"],
  ["the oldest of several", [late("A"), late("C"), B], "queued", "A"],
  ["a canceled job without an answer", [job("A", "canceled", ["ack", "end"]), B], "queued", "A"],
  ["accepted after the peel was marked unreachable", [job("A", "failed", ["unreachable", "ack"]), B], "queued", "A"],
  ["returned late", [job("A", "timeout", ["ack", "end", "ran"]), B], "executing"],
  ["not accepted", [job("A", "timeout", ["end"]), B], "executing"],
  ["lost: a later one was executed", [late("A"), job("C", "failed", ["ack", "ran", "end"]), B], "executing"],
  ["lost: a later one is complete", [late("A"), job("C", "complete", []), B], "executing"],
  ["a rejected one proves nothing", [late("A"), job("C", "failed", ["ack", "rejected"]), B], "queued", "A"],
  [
    "nor does one that bypasses the queue",
    [late("A"), job("C", "complete", [], { fn: "test.ping" }), B],
    "queued",
    "A",
  ],
  ["nor the peel's own schedule", [late("A"), job("C", "complete", [], { metadata }), B], "queued", "A"],
  ["of a job that bypasses the queue", [late("A"), job("B", "running", ["ack"], { fn: "grains.items" })], "executing"],
  ["after its own end", [late("A"), late("B")], "unfinished", "A"],
  ["after its own cancel", [late("A"), job("B", "canceled", ["ack", "end"])], "unfinished"],
  ["lost itself: a later one is complete", [late("A"), late("B"), job("C", "complete", [])], "unfinished"],
  ["an old job in the index", [job("A", "running", ["ack"], { old: "listed" }), B], "queued", "A"],
  ["an old job that ended", [late("A", { old: "not listed" }), B], "executing"],
];

/** Of more than a few peels, all events of a job are read. */
const peelsOf = (place: number) => Array.from({ length: place % 2 === 0 ? 1 : 20 }, (_, i) => `p${place}-${i}`);
const jidOf = (place: number, name: string) => `j${place}-${name}`;

async function put(place: number, { name, status, events, fn = "cmd.run", metadata, old }: Queued): Promise<void> {
  const [jid, targets, owner] = [jidOf(place, name), peelsOf(place), metadata ? undefined : "m1"];
  const publish = (event: string, payload: unknown) => nc.publish(`zester.job.${jid}.${event}`, encode(payload));
  if (old === "listed") await jobs.put(`active.${jid}`, encode({ owner }));
  const record = { function: fn, targets: metadata ? targets.slice(0, 1) : targets, status, owner, metadata };
  await jobs.put(jid, encode(jobRecord(jid, record)));
  publish("dispatch", { jid, type: "dispatched", data: {} });
  for (const event of events)
    if (event === "end") publish("status", { jid, type: "completed", data: { status } });
    else
      for (const peel of targets) {
        const [unreachable, duration] = [event === "unreachable" || undefined, event === "ran" ? 5n : 0n];
        const outcome = { success: false, return_data: null, error: "no", unreachable, duration };
        if (event === "ack") publish(`ack.${peel}`, { jid, peel_id: peel });
        else nc.publish(`zester.job.${jid}.return.${peel}`, returnRecord(jid, peel, outcome));
      }
  await nc.flush();
}

let file: string;
beforeAll(async () => {
  for (const isOld of [true, false]) {
    for (const [place, [, queue]] of CASES.entries())
      for (const one of queue) if ((one.old !== undefined) === isOld) await put(place, one);
    for (let n = 0; isOld && n < 1_100; n++) nc.publish("$KV.jobs.filler", encode(jobRecord("filler")));
  }
  file = join(tempDir(), "export.jsonl");
  await zester(["job", "export", "--all", "--output", file], { env: { NATS_URL: server.url } });
});

test.each(CASES.map(([title], place) => [title, place] as const))("%s", async (_, place) => {
  const [, , state, behind] = CASES[place] as (typeof CASES)[number];
  const expected = peelsOf(place).map(() => [state, behind && jidOf(place, behind)]);
  const args = ["job", "trace", jidOf(place, "B"), "--format", "json"];
  for (const from of [[], ["--from", file]]) {
    const { stdout } = await zester([...args, ...from], { env: { NATS_URL: server.url } });
    const { peels } = JSON.parse(stdout);
    const told = peels.map((peel: Record<string, string>) => [peel.state, peel.behind]);
    expect([from, ...told]).toEqual([from, ...expected]);
  }
});
