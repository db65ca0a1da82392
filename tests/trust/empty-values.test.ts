// A value of no bytes is a record that can't be decoded; only a message whose headers say so marks its key as gone.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { headers, type NatsConnection } from "nats";
import { createBuckets, encode, jobRecord, Running, startServer, zester } from "../support/harness.ts";
import { draws } from "../support/length.ts";

const MARKS = [
  ["KV-Operation", "DEL"],
  ["KV-Operation", "PURGE"],
  ["Nats-Marker-Reason", "MaxAge"],
  ["Nats-Marker-Reason", "Remove"],
] as const;
const OTHER = [
  ["KV-Operation", "PUT"],
  ["Trace-Id", "4711"],
] as const;

interface Change {
  readonly key: string;
  readonly empty: boolean;
  readonly header: readonly [string, string] | undefined;
}

const change: fc.Arbitrary<Change> = fc.record({
  key: fc.constantFrom("a", "b", "c", "d", "e"),
  empty: fc.boolean(),
  header: fc.option(fc.constantFrom(...MARKS, ...OTHER), { nil: undefined }),
});

async function put(nc: NatsConnection, { key, empty, header }: Change): Promise<void> {
  const h = headers();
  if (header) h.set(...header);
  const bytes = empty ? new Uint8Array(0) : encode(jobRecord(key));
  await nc.jetstream().publish(`$KV.jobs.${key}`, bytes, header && { headers: h });
}

test("random values, empty or not, with and without headers: every record is a row, nothing else is", async () => {
  const server = await startServer();
  const nc = await server.connect();
  const { jobs } = await createBuckets(nc);
  const list = (...args: string[]) =>
    zester(["job", "list", ...args, "--format", "json"], { env: { NATS_URL: server.url } });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
      const expected = new Map<string, string>();
      for (const one of changes) {
        await put(nc, one);
        if (MARKS.includes(one.header as (typeof MARKS)[number])) expected.delete(one.key);
        else expected.set(one.key, one.empty ? "it is empty" : "complete");
      }
      const { stdout, code } = await list();
      const seen = (JSON.parse(stdout) as Record<string, string>[]).map(
        ({ jid, status, unreadable }) => [jid, unreadable ?? status] as [string, string],
      );
      expect(new Map(seen)).toEqual(expected);
      expect([seen.length, code]).toEqual([expected.size, 0]);
      for (const key of ["a", "b", "c", "d", "e"]) await jobs.purge(key);
    }),
    { numRuns: draws(15, 60) },
  );
  await nc.close();
  await server.stop();
});

test("an empty value in every view: a row and a warning, a reason, a return that cannot be read", async () => {
  const server = await startServer();
  const nc = await server.connect();
  const { jobs, returns } = await createBuckets(nc);
  const run = (...args: string[]) => zester(args, { env: { NATS_URL: server.url } });
  await jobs.put("empty", new Uint8Array(0));
  await jobs.put("j1", encode(jobRecord("j1")));
  await returns.put("j1.web-01", new Uint8Array(0));
  const { stdout, stderr, code } = await run("job", "list");
  expect(stdout).toContain("\nempty                 -             -         unreadable\n");
  expect([stderr, code]).toEqual(["warning: 1 job cannot be decoded: empty: it is empty\n", 0]);
  expect((await run("job", "list", "--count", "--state", "unreadable")).stdout).toBe("1\n");
  expect((await run("job", "show", "empty")).stderr).toStartWith(
    "error: job empty cannot be decoded: it is empty (0 bytes).\n",
  );
  expect((await run("job", "wait", "empty")).code).toBe(1);
  expect((await run("job", "show", "j1")).stdout).toContain(
    "web-01    -        -         cannot be decoded: it is empty\n",
  );
  const watch = new Running(["job", "watch"], { NATS_URL: server.url });
  await watch.until("1 job cannot be decoded: empty: it is empty");
  watch.signal("SIGTERM");
  await watch.ended();
  await nc.close();
  await server.stop();
});
