// A bucket of jobs as a busy master leaves it, on a nats-server of its own.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { headers, type NatsConnection } from "nats";
import { createBuckets, type Server, startServer, Time } from "../support/harness.ts";
import { encode, Uint64 } from "../support/wire.ts";

/** What is known of a bucket once it is filled; kept beside the store, so that it can be used again. */
interface Facts {
  readonly jobs: number;
  readonly messages: number;
  readonly bytes: number;
  readonly seconds: number;
  /** RFC 3339: the newest `RECENT` jobs were created then or later, all others more than a minute before. */
  readonly since: string;
  /** A job that has ended and whose peels returned. */
  readonly ended: string;
  readonly running: readonly string[];
  /** The job with 10,000 peels; only where it was asked for. */
  readonly wide?: string;
}

export interface Bucket extends Facts {
  readonly server: Server;
}

/** Jobs that are written together: a busy master's messages interleave. */
const BATCH = 64;
/** The newest jobs: what `--since` asks for. */
export const RECENT = 1000;
/**
 * A pause before the newest jobs. The server's own times can't be made up, and a reader has to allow for clocks that
 * differ by a minute: without the pause such a window would be the whole bucket, which in a week's bucket it is not.
 */
const PAUSE_MS = 130_000;
/** Jobs with returns: the newest ones. */
const WITH_RETURNS = 10_000;
/** The peels of each job of a bucket in which every job that has ended has all its returns. */
const EACH_PEELS = 5;
const WIDE_PEELS = 10_000;
const RUNNING = 100;
/** Messages on the way before the server is asked how far it is. */
const WINDOW = 8192;

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const KSUID_EPOCH = 1_400_000_000;
const OWNER = "master-2hQ4tZ0bench";
const MS = 1_000_000n;
const TIMEOUT = 300_000n * MS;

/** Shaped like a KSUID: seconds, then noise. Within a second the order of ids says nothing. */
function newJid(): string {
  let seconds = Math.floor(Date.now() / 1000) - KSUID_EPOCH;
  let head = "";
  for (let i = 0; i < 6; i++, seconds = Math.floor(seconds / 62)) head = ALPHABET[seconds % 62] + head;
  let tail = "";
  for (let i = 0; i < 21; i++) tail += ALPHABET[Math.floor(Math.random() * 62)];
  return head + tail;
}

/** Publishes without waiting for each answer, and never runs far ahead of the server. */
class Writer {
  #sent = 0;
  #inWindow = 0;

  constructor(
    readonly nc: NatsConnection,
    readonly bucket: string,
  ) {}

  async put(key: string, value: Uint8Array, options = {}): Promise<void> {
    const subject = `$KV.${this.bucket}.${key}`;
    this.#sent++;
    if (++this.#inWindow < WINDOW) return this.nc.publish(subject, value, options);
    this.#inWindow = 0;
    // The answer to one message says how many the stream has: none was lost on the way.
    const ack = (await this.nc.request(subject, value, { timeout: 60_000, ...options })).json<{
      seq: number;
    }>();
    if (ack.seq !== this.#sent) throw new Error(`${this.bucket}: ${this.#sent} sent, ${ack.seq} stored`);
  }

  /** Waits until the stream has everything. */
  async settled(): Promise<{ messages: number; bytes: number }> {
    const jsm = await this.nc.jetstreamManager();
    for (;;) {
      const { state } = await jsm.streams.info(`KV_${this.bucket}`);
      if (state.last_seq === this.#sent) return state;
      if (state.last_seq > this.#sent) throw new Error(`${this.bucket}: more messages than were sent`);
      await Bun.sleep(50);
    }
  }
}

const FUNCTIONS = ["state.apply", "test.ping", "pkg.installed", "cmd.run"];
const USERS = ["root", "ops", "ci", "deploy"];
const GROUPS = ["web", "db", "cache"];
/** Out of twenty jobs that end: how many ended how. */
const ENDS = [...Array(16).fill("complete"), "failed", "failed", "partial", "canceled"];

interface Live {
  readonly jid: string;
  readonly record: Record<string, unknown>;
  readonly end: string | undefined;
}

/** The record of job number `i`, as it is when it appears. */
function newJob(i: number, end: string | undefined, peels = 1 + (i % 5), group = GROUPS[i % 3]): Live {
  const jid = newJid();
  const created = new Time(BigInt(Date.now()) * MS + BigInt(i % 1000));
  const digits = peels > 99 ? 5 : 2;
  const record = {
    jid,
    function: FUNCTIONS[i % FUNCTIONS.length],
    args: i % 2 ? null : { state: "nginx" },
    targets: Array.from({ length: peels }, (_, n) => `${group}-${String(n + 1).padStart(digits, "0")}`),
    timeout: TIMEOUT,
    status: "pending",
    created,
    updated: created,
    user: USERS[i % USERS.length],
    owner: OWNER,
    epoch: new Uint64(42n),
    deadline: new Time(created.ns + TIMEOUT),
    ...(i % 4 === 3 ? {} : { target_expr: `${group}*` }),
    v: 1,
  };
  return { jid, record, end };
}

function setStatus(job: Live, status: string): Uint8Array {
  job.record.status = status;
  job.record.updated = Time.now();
  return encode(job.record);
}

function finalRecord(job: Live): Uint8Array {
  const peels = (job.record.targets as string[]).length;
  const returned = job.end === "partial" || job.end === "canceled" ? peels - 1 : peels;
  job.record.return_count = returned;
  job.record.success_count = job.end === "failed" ? returned - 1 : returned;
  return setStatus(job, job.end as string);
}

const tombstone = headers();
tombstone.set("KV-Operation", "DEL");
const EMPTY = new Uint8Array();

/** The six messages of each job of a batch; four for those that stay running. */
async function writeBatch(jobs: Writer, batch: readonly Live[]): Promise<void> {
  for (const job of batch) await jobs.put(job.jid, encode(job.record));
  for (const job of batch) await jobs.put(job.jid, setStatus(job, "claimed"));
  for (const job of batch) await jobs.put(`active.${job.jid}`, encode({ owner: OWNER, updated: Time.now() }));
  for (const job of batch) await jobs.put(job.jid, setStatus(job, "running"));
  for (const job of batch) if (job.end) await jobs.put(job.jid, finalRecord(job));
  for (const job of batch) if (job.end) await jobs.put(`active.${job.jid}`, EMPTY, { headers: tombstone });
}

async function writeReturns(returns: Writer, job: Live): Promise<void> {
  for (const peel of job.record.targets as string[]) {
    const details = { stdout: "nginx.service restarted\n" };
    const results = [{ name: "nginx", changed: true, details, duration: 412_000_000n, diff: "" }];
    const record = {
      jid: job.jid,
      peel_id: peel,
      success: true,
      return_data: { results, success: true },
      duration: 1_200_000_000n,
      timestamp: Time.now(),
    };
    await returns.put(`${job.jid}.${peel}`, encode(record));
  }
}

/** Half of the running jobs are the newest ones, half are spread over the bucket: long ones, as there always are. */
function staysRunning(i: number, jobs: number): boolean {
  const half = Math.min(RUNNING / 2, Math.ceil(jobs / 20));
  const every = Math.floor((jobs - half) / half);
  return i >= jobs - half || (i % every === 0 && i / every < half);
}

/** What a bucket holds beside the usual. */
export interface Filling {
  /** A job with 10,000 peels and as many returns. */
  readonly wide?: boolean;
  /** Every job has five peels, and every one that has ended all its returns. */
  readonly returns?: boolean;
}

async function fill(nc: NatsConnection, count: number, filling: Filling): Promise<Facts> {
  const withWide = filling.wide === true;
  const each = filling.returns ? EACH_PEELS : undefined;
  await createBuckets(nc);
  const started = Date.now();
  const jobs = new Writer(nc, "jobs");
  const returns = new Writer(nc, "job-returns");
  const running: string[] = [];
  let since = new Date().toISOString();
  let ended = "";
  const wide = withWide ? newJob(0, "complete", WIDE_PEELS, "edge") : undefined;
  if (wide) {
    await writeBatch(jobs, [wide]);
    await writeReturns(returns, wide);
  }
  let paused = 0;
  for (let i = 0; i < count; ) {
    const old = count - RECENT;
    if (i === old && !each) {
      await Bun.sleep(PAUSE_MS);
      paused = PAUSE_MS;
      since = new Date().toISOString();
    }
    const batch: Live[] = [];
    const to = Math.min(i + BATCH, i < old ? old : count);
    for (; i < to; i++)
      batch.push(newJob(i, staysRunning(i, count) ? undefined : (ENDS[i % ENDS.length] as string), each));
    await writeBatch(jobs, batch);
    for (const job of batch) {
      if (!job.end) running.push(job.jid);
      else if (each || i > count - WITH_RETURNS) await writeReturns(returns, job);
      if (job.end && (job.record.targets as string[]).length === 3) ended = job.jid;
    }
  }
  const { messages, bytes } = await jobs.settled();
  await returns.settled();
  const seconds = Math.round((Date.now() - started - paused) / 1000);
  const total = withWide ? count + 1 : count;
  return {
    jobs: total,
    messages,
    bytes,
    seconds,
    since,
    ended,
    running,
    ...(wide ? { wide: wide.jid } : {}),
  };
}

/**
 * Starts a server whose bucket holds `count` jobs: the one that `folder` already has, or a new one.
 */
export async function openBucket(folder: string, count: number, filling: Filling = {}): Promise<Bucket> {
  const facts = join(folder, "facts.json");
  mkdirSync(folder, { recursive: true });
  const ready = existsSync(facts);
  if (!ready && existsSync(join(folder, "js")))
    throw new Error(`${folder} holds a bucket that was never finished: remove it`);
  const store = `jetstream { store_dir: ${JSON.stringify(join(folder, "js"))} }`;
  const server = await startServer(store, { jetstream: false });
  if (!ready) {
    console.error(`bench: filling a bucket with ${count.toLocaleString("en")} jobs`);
    const nc = await server.connect();
    writeFileSync(facts, JSON.stringify(await fill(nc, count, filling)));
    await nc.close();
  }
  return { server, ...JSON.parse(readFileSync(facts, "utf8")) };
}

/** Ends a server in good order, so that its store can be opened again. */
export async function closeBucket(bucket: Bucket): Promise<void> {
  bucket.server.process.kill("SIGTERM");
  await bucket.server.process.exited;
  await bucket.server.stop();
}
