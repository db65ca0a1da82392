// The newest part of the bucket gives the same answer as all of it: random histories of a stream, with late updates,
// clocks that differ, jobs without `created`, deleted and expired keys. The clock of a server cannot be set, so that the parts
// themselves are compared by the bench.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { readJobs } from "../../../lib/jobs/read-jobs.ts";
import { readRecent } from "../../../lib/jobs/recent.ts";
import { type Conditions, parseSelection } from "../../../lib/model/selection.ts";
import type { JobKeys, JobsState, Store } from "../../../lib/store.ts";
import { encode, jobRecord, Time } from "../../support/harness.ts";
import { draws } from "../../support/length.ts";

interface Message {
  readonly sequence: number;
  readonly storedNs: bigint;
  readonly key: string;
  readonly bytes: Uint8Array | undefined;
}

const SECOND = 1_000_000_000n;
const BASE = BigInt(Date.parse("2026-01-15T00:00:00Z")) * 1_000_000n;
const HISTORY = 3;

interface Birth {
  at: number;
  skew: number;
  created: boolean;
  status: string;
  updates: number[];
  deleted: boolean;
}

const birth: fc.Arbitrary<Birth> = fc.record({
  at: fc.integer({ min: 0, max: 5000 }),
  skew: fc.integer({ min: -60, max: 60 }),
  created: fc.boolean().map((no) => !no || Math.random() > 0.2),
  status: fc.constantFrom("running", "complete", "failed"),
  // Long after the birth, too: a late update makes an old job a recent change.
  updates: fc.array(fc.integer({ min: 1, max: 4000 }), { maxLength: 3 }),
  deleted: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});

/** The stream that such jobs leave: in the order of its server's clock, short histories, the oldest messages expired. */
function streamOf(births: readonly Birth[], expireBefore: number): Message[] {
  const changes = births.flatMap(({ at, skew, created, status, updates, deleted }, n) => {
    const stamp = (second: number) => new Time(BASE + BigInt(second + skew) * SECOND + BigInt(n));
    const key = `job-${n}`;
    const record = (second: number, state: string) =>
      encode(
        jobRecord(key, {
          status: state,
          created: created ? stamp(at) : undefined,
          updated: stamp(second),
          ...(!created && { created: null }),
        }),
      );
    const times = updates.map((later) => at + later).sort((a, b) => a - b);
    const puts = [{ second: at, key, bytes: record(at, "pending") as Uint8Array | undefined }];
    for (const second of times) puts.push({ second, key, bytes: record(second, status) });
    if (deleted) puts.push({ second: (times.at(-1) ?? at) + 1, key, bytes: undefined });
    return puts;
  });
  changes.sort((a, b) => a.second - b.second);
  const log = changes.map(({ second, key, bytes }, i) => ({
    sequence: i + 1,
    storedNs: BASE + BigInt(second) * SECOND,
    key,
    bytes,
  }));
  const left = log.filter((message) => message.storedNs >= BASE + BigInt(expireBefore) * SECOND);
  return left.filter((message, i) => left.slice(i + 1).filter((later) => later.key === message.key).length < HISTORY);
}

/** A store over such a stream; what it counts as read says whether the answer came from a part of it. */
function storeOf(stream: readonly Message[]): Store {
  const bytesOf = (key: string) => Buffer.from(key);
  return {
    isLive: true,
    nowNs: () => stream.at(-1)?.storedNs ?? 0n,
    async jobsState(): Promise<JobsState> {
      return {
        messages: stream.length,
        async changes(from, most, onChange) {
          const last = stream.at(-1)?.sequence ?? 0;
          const part = stream.filter((message) =>
            "newest" in from ? message.sequence >= last - from.newest : message.storedNs >= from.ns,
          );
          if (part.length > most) return false;
          for (const { key, bytes, storedNs } of part) onChange(bytesOf(key), 0, bytes, storedNs);
          return true;
        },
      };
    },
    async scanJobs(jobs: JobKeys) {
      const last = new Map(stream.map((message) => [message.key, message]));
      for (const message of stream)
        if (message.bytes && last.get(message.key) === message) jobs.take(bytesOf(message.key), 0, message.bytes);
    },
  } as unknown as Store;
}

test("a part of the stream gives the same answer as all of it", async () => {
  const now = new Date(Number(BASE / 1_000_000n) + 9_000_000);
  let parts = 0;
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(birth, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 0, max: 2000 }),
      fc.record(
        {
          limit: fc.integer({ min: 1, max: 8 }).map(String),
          since: fc.integer({ min: 1, max: 8500 }).map((s) => `${s}s`),
          state: fc.constantFrom(["failed"], ["running,pending"], ["running", "pending"], ["bad"]),
          sort: fc.constantFrom("updated", "jid"),
        },
        { requiredKeys: [] },
      ) as fc.Arbitrary<Conditions>,
      async (births, expireBefore, flags) => {
        const store = storeOf(streamOf(births, expireBefore));
        const selection = parseSelection(flags, now);
        const sizes = { changesPerJob: 1, leastChanges: 2, growth: 2, worth: 1 };
        const recent = await readRecent(store, selection, selection.matches, false, sizes);
        runs++;
        if (!recent) return;
        parts++;
        const all = await readJobs(store, selection.matches, false);
        const jids = (read: typeof all) =>
          Array.from(selection.arrange(read.jobs), ({ row }) => `${row.jid} ${row.status}`);
        expect(jids(recent)).toEqual(jids(all));
      },
    ),
    { numRuns: draws(800, 3000) },
  );
  // A test in which the parts were never used would prove nothing.
  expect(parts).toBeGreaterThan(runs / 4);
});

test("a clock that is far ahead: all jobs are read", async () => {
  const births = Array.from({ length: 40 }, (_, i) => ({
    at: i * 10,
    skew: i === 35 ? 600 : 0,
    created: true,
    status: "complete",
    updates: [],
    deleted: false,
  }));
  const store = storeOf(streamOf(births, 0));
  const selection = parseSelection({ limit: "3" }, new Date());
  const sizes = { changesPerJob: 1, leastChanges: 20, growth: 2, worth: 1 };
  expect(await readRecent(store, selection, selection.matches, false, sizes)).toBeUndefined();
});

test("a stream that is read in a second is read as a whole, and so is one from which jobs of the future are wanted", async () => {
  const births = Array.from({ length: 200 }, (_, i) => ({
    at: i * 10,
    skew: 0,
    created: true,
    status: "complete",
    updates: [],
    deleted: false,
  }));
  const store = storeOf(streamOf(births, 0));
  const sizes = { changesPerJob: 1, leastChanges: 20, growth: 2, worth: 1 };
  const read = (flags: Conditions, whole: number) => {
    const selection = parseSelection(flags, new Date());
    return readRecent(store, selection, selection.matches, false, { ...sizes, whole });
  };
  for (const flags of [{ limit: "3" }, { since: "2026-01-15T00:25:00Z" }]) {
    expect(await read(flags, 199)).toBeDefined();
    expect(await read(flags, 200)).toBeUndefined();
  }
  expect(await read({ since: "2026-01-15T00:33:11Z" }, 0)).toBeUndefined();
});
