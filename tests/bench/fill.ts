// Fills the buckets as a busy master leaves them: per job six messages, interleaved in batches of 64 jobs.
import type { NatsConnection } from "nats";
import { createBuckets, encode, Time } from "../harness.ts";

/** Messages that may be on the way to the server without its acknowledgement. */
const WINDOW = 8192;
const BATCH = 64;
const FUNCTIONS = ["state.apply", "pkg.installed", "cmd.run", "test.ping", "file.managed", "service.restart"];
const EXPRESSIONS = ["web*", "db*", "cache*", "G@os:ubuntu and web*", undefined];
const ENDS = ["complete", "complete", "complete", "complete", "complete", "complete", "failed", "partial"];
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** The same jobs each time: a small generator with a fixed seed (Numerical Recipes' constants). */
function generator(): (below: number) => number {
  let state = 42;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Publishes and counts the server's acknowledgements, so that nothing is lost and little is in the way. */
class Publisher {
  #sent = 0;
  #acked = 0;
  #wake: (() => void) | undefined;
  readonly #inbox: string;

  constructor(readonly nc: NatsConnection) {
    this.#inbox = `_INBOX.fill.${Date.now()}`;
    nc.subscribe(this.#inbox, {
      callback: (_, msg) => {
        if (msg.headers?.code || msg.string().includes('"error"'))
          throw new Error(`not stored: ${msg.string()}`);
        this.#acked++;
        if (this.#sent - this.#acked < WINDOW / 2) this.#wake?.();
      },
    });
  }

  async put(bucket: string, key: string, bytes: Uint8Array): Promise<void> {
    this.#sent++;
    this.nc.publish(`$KV.${bucket}.${key}`, bytes, { reply: this.#inbox });
    if (this.#sent - this.#acked >= WINDOW) await this.#until(() => this.#sent - this.#acked < WINDOW / 2);
  }

  async delete(bucket: string, key: string, headers: import("nats").MsgHdrs): Promise<void> {
    this.#sent++;
    this.nc.publish(`$KV.${bucket}.${key}`, new Uint8Array(), { reply: this.#inbox, headers });
  }

  async done(): Promise<void> {
    await this.#until(() => this.#acked === this.#sent);
  }

  async #until(there: () => boolean): Promise<void> {
    while (!there()) {
      await new Promise<void>((wake) => {
        this.#wake = wake;
        setTimeout(wake, 20);
      });
    }
  }
}

interface BenchJob {
  readonly jid: string;
  readonly fields: Record<string, unknown>;
  readonly end: string | undefined;
}

function makeJob(n: number, random: (below: number) => number, stays: boolean): BenchJob {
  let head = "";
  for (let i = 0, rest = n + 1_000_000_000; i < 8; i++, rest = Math.floor(rest / 62))
    head = ALPHABET[rest % 62] + head;
  let tail = "";
  for (let i = 0; i < 19; i++) tail += ALPHABET[random(62)];
  const jid = head + tail;
  const kind = random(EXPRESSIONS.length);
  const first = random(400);
  const targets = Array.from(
    { length: 1 + random(4) },
    (_, i) => `${["web", "db", "cache", "app"][kind % 4]}-${first + i}`,
  );
  const created = Time.now();
  const fields = {
    jid,
    function: FUNCTIONS[random(FUNCTIONS.length)],
    args: { name: `package-${random(100)}` },
    targets,
    timeout: 300_000_000_000n,
    status: "claimed",
    created,
    updated: created,
    user: random(3) === 0 ? "root" : "ops",
    owner: `master-${random(3)}`,
    epoch: BigInt(n),
    deadline: new Time(created.ns + 300_000_000_000n),
    ...(EXPRESSIONS[kind] && { target_expr: EXPRESSIONS[kind] }),
    return_count: 0,
    success_count: 0,
    v: 1,
  };
  return { jid, fields, end: stays ? undefined : ENDS[random(ENDS.length)] };
}

/**
 * @param jobs how many jobs
 * @param options.active how many of the last ones stay running
 * @param options.pauseMs between the last 1,000 jobs and all before, so that a window of time can be told from the rest
 * @returns the creation time of the first of the last 1,000, in ms since 1970
 */
export async function fill(
  nc: NatsConnection,
  jobs: number,
  { active = 100, pauseMs = 0 }: { active?: number; pauseMs?: number } = {},
): Promise<number> {
  await createBuckets(nc);
  const { headers } = await import("nats");
  const marker = headers();
  marker.set("KV-Operation", "DEL");
  const random = generator();
  const publisher = new Publisher(nc);
  const recent = Math.max(0, jobs - 1000);
  let recentMs = Date.now();
  for (let from = 0; from < jobs; from += BATCH) {
    if (from <= recent && recent < from + BATCH && recent > 0) {
      await publisher.done();
      if (pauseMs > 0) await Bun.sleep(pauseMs);
      recentMs = Date.now();
    }
    const batch = Array.from({ length: Math.min(BATCH, jobs - from) }, (_, i) =>
      makeJob(from + i, random, from + i >= jobs - active),
    );
    const write = async (status: (job: BenchJob) => string | undefined, counts = false) => {
      for (const job of batch) {
        const state = status(job);
        if (state === undefined) continue;
        const total = (job.fields.targets as string[]).length;
        const counted = counts && {
          return_count: total,
          success_count: state === "complete" ? total : total - 1,
        };
        await publisher.put(
          "jobs",
          job.jid,
          encode({ ...job.fields, status: state, updated: Time.now(), ...counted }),
        );
      }
    };
    await write(() => "pending");
    await write(() => "claimed");
    for (const job of batch)
      await publisher.put(
        "jobs",
        `active.${job.jid}`,
        encode({ owner: job.fields.owner, updated: Time.now() }),
      );
    await write(() => "running");
    await write((job) => job.end, true);
    for (const job of batch)
      if (job.end !== undefined) await publisher.delete("jobs", `active.${job.jid}`, marker);
  }
  await publisher.done();
  return recentMs;
}

/** One job with `peels` peels that have all returned. */
export async function fillReturns(nc: NatsConnection, jid: string, peels: number): Promise<void> {
  const publisher = new Publisher(nc);
  const targets = Array.from({ length: peels }, (_, i) => `peel-${i}`);
  const job = makeJob(0, generator(), false);
  await publisher.put(
    "jobs",
    jid,
    encode({ ...job.fields, jid, targets, status: "complete", return_count: peels, success_count: peels }),
  );
  for (const peel_id of targets) {
    const results = [
      { name: "nginx", changed: true, details: { stdout: "nginx is running\n" }, duration: 1_200_000_000n },
    ];
    const record = {
      jid,
      peel_id,
      success: true,
      return_data: { results, success: true },
      duration: 1_200_000_000n,
      timestamp: Time.now(),
    };
    await publisher.put("job-returns", `${jid}.${peel_id}`, encode(record));
  }
  await publisher.done();
}
