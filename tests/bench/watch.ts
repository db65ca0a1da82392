// What `zester job watch` costs while nothing happens, and how soon it shows a change.
import { readFileSync } from "node:fs";
import { decode } from "@msgpack/msgpack";
import { encode, Time, ZESTER } from "../support/harness.ts";
import type { Bucket } from "./bucket.ts";
import { median } from "./measure.ts";

export interface WatchFigures {
  /** Percent of one core over ten seconds. */
  readonly cpu: number;
  /** From the put of a changed record until its line is there: the median of several. */
  readonly ms: number;
  readonly peakMb: number;
}

const TICK_MS = 10;
const IDLE_MS = 10_000;
const CHANGES = 5;
const SETTLE_TRIES = 120;
const LINE_TIMEOUT_MS = 5000;

/** CPU time so far in ms. */
function cpuTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

const peak = (pid: number) =>
  (Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024) / 1e6;

/** Puts the record of a running job again, changed only in `updated`, and waits until `seen` has its line. */
async function change(bucket: Bucket, jid: string, seen: () => string): Promise<number> {
  const nc = await bucket.server.connect();
  const kv = await nc.jetstream().views.kv("jobs", { bindOnly: true });
  const entry = await kv.get(jid);
  const record = decode(entry?.value ?? new Uint8Array([0x80]), { useBigInt64: true }) as Record<string, unknown>;
  for (const name of ["created", "deadline"])
    record[name] = new Time(BigInt((record[name] as Date).getTime()) * 1_000_000n);
  const before = seen().length;
  const started = performance.now();
  await kv.put(jid, encode({ ...record, updated: Time.now() }));
  while (!seen().slice(before).includes(jid)) {
    if (performance.now() - started > LINE_TIMEOUT_MS) throw new Error("watch showed no line of a change");
    await Bun.sleep(1);
  }
  const ms = performance.now() - started;
  await nc.close();
  return ms;
}

/** Undefined when there is no such command: it ends at once. */
export async function measureWatch(bucket: Bucket): Promise<WatchFigures | undefined> {
  const child = Bun.spawn([ZESTER, "job", "watch", "--format", "jsonl"], {
    env: { NATS_URL: bucket.server.url },
    stdout: "pipe",
    stderr: "ignore",
  });
  let text = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    // Only the newest part is looked at; the first picture may be as large as the bucket.
    for await (const chunk of child.stdout) text = (text + decoder.decode(chunk, { stream: true })).slice(-1e6);
  })();
  try {
    for (let tries = 0, before = -1; tries < SETTLE_TRIES; tries++) {
      await Bun.sleep(1000);
      if (child.exitCode !== null) return undefined;
      const now = cpuTime(child.pid);
      if (tries >= 5 && now - before <= TICK_MS) break;
      before = now;
    }
    text = "";
    const before = cpuTime(child.pid);
    await Bun.sleep(IDLE_MS);
    const cpu = ((cpuTime(child.pid) - before) / IDLE_MS) * 100;
    const times: number[] = [];
    for (const jid of bucket.running.slice(-CHANGES)) times.push(await change(bucket, jid, () => text));
    return { cpu, ms: median(times), peakMb: peak(child.pid) };
  } finally {
    child.kill("SIGKILL");
    await child.exited;
    await reading;
  }
}
