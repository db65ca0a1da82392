// A server that answers, but not as JetStream does: by a client in its place, on a server without JetStream. What comes is
// drawn at random; the command ends in time, with words and without a word on stdout.

import { afterAll, expect, test } from "bun:test";
import fc from "fast-check";
import { headers, type Msg } from "nats";
import { UserError } from "../../lib/errors.ts";
import { Connection } from "../../lib/nats/connection.ts";
import { NatsStore } from "../../lib/nats/store.ts";
import { type Answer, created, json, startApi } from "../support/api.ts";
import { zester } from "../support/harness.ts";
import { draws } from "../support/length.ts";

const { server, nc, serve, stop: stopApi } = await startApi();
afterAll(stopApi);

const list = () => zester(["job", "list", "--master", server.url, "--timeout", "1s"]);

/** A message of the server's own: a status without content. */
function status(msg: Msg, code: number, text: string): void {
  // The library writes the line of a status only from its own fields.
  const line = headers(code, text);
  nc.publish(msg.reply as string, new Uint8Array(), { headers: line });
}

test.each([
  ["null", "null"],
  ["an empty object", "{}"],
  ["a page", "<html>"],
  ["a list", "[]"],
  ["text", '"x"'],
  ["nothing", ""],
  ["a count that is none", '{"state":{"messages":"many","last_seq":-1},"num_pending":1.5}'],
  ["an error that is none", '{"error":7}'],
  ["a description that is none", '{"error":{"code":{},"description":["x"]}}'],
  ["a code that cannot be made a text", '{"error":{"code":{"toString":1}}}'],
  [
    "counts, and values that cannot be made texts beside them",
    '{"state":{"messages":1,"last_seq":1},"num_pending":1,"created":{"toString":1},"delivered":{"stream_seq":{"valueOf":1,"toString":1}}}',
  ],
])("every answer is %s", async (_, text) => {
  const say: Answer = (msg) => void msg.respond(text);
  for (const answers of [{ "STREAM.INFO": say }, { "CONSUMER.CREATE": say }] as Record<string, Answer>[]) {
    const stop = await serve(answers);
    const { stdout, stderr, code } = await list();
    expect([stdout, code]).toEqual(["", 1]);
    expect(stderr).toStartWith("error: ");
    expect(stderr).not.toMatch(/defect of zester|undefined|\bat .*:\d+/);
    await stop();
  }
});

test("a billion records are announced, and none comes", async () => {
  const stop = await serve({
    "CONSUMER.CREATE": json(created(1e9)),
    "CONSUMER.MSG.NEXT": () => {},
  });
  const { stdout, stderr, code } = await list();
  expect([stdout, code]).toEqual(["", 1]);
  expect(stderr).toContain("within 1.0s");
  await stop();
});

test.each([
  [100, "Idle Heartbeat"],
  [408, "Requests Pending"],
  [404, "No Messages"],
  [409, "Batch Completed"],
  [409, "Message Size Exceeds MaxBytes"],
])("status %i %s for ever: the command ends", async (code, text) => {
  let told = 0;
  const stop = await serve({
    "CONSUMER.MSG.NEXT": (msg) => {
      const say = () => {
        if (++told > 20_000 || nc.isClosed()) return;
        status(msg, code, text);
        if (code === 100) setTimeout(say, 50);
      };
      say();
    },
  });
  const began = performance.now();
  const result = await list();
  expect([result.stdout, result.code]).toEqual(["", 1]);
  expect(performance.now() - began).toBeLessThan(12_000);
  await stop();
});

test("random answers: a UserError or an answer, never anything else", async () => {
  const value = fc.oneof(
    fc.json(),
    fc
      .record(
        {
          error: fc.oneof(fc.constant(null), fc.record({ code: fc.jsonValue(), description: fc.jsonValue() })),
          num_pending: fc.oneof(fc.jsonValue(), fc.integer({ min: 0, max: 3 })),
          created: fc.oneof(fc.jsonValue(), fc.constant("2026-01-15T00:00:00Z")),
          delivered: fc.jsonValue(),
          cluster: fc.jsonValue(),
          state: fc.oneof(fc.jsonValue(), fc.record({ messages: fc.nat(), last_seq: fc.nat() })),
          config: fc.jsonValue(),
        },
        { requiredKeys: [] },
      )
      .map((answer) => JSON.stringify(answer)),
    fc.string(),
  );
  await fc.assert(
    fc.asyncProperty(value, value, async (info, made) => {
      const stop = await serve({
        "STREAM.INFO": (msg) => void msg.respond(info),
        "CONSUMER.CREATE": (msg) => void msg.respond(made),
        "CONSUMER.MSG.NEXT": (msg) => status(msg, 404, "No Messages"),
      });
      const client = await server.connect({ reconnect: false });
      const store = new NatsStore(new Connection(client, server.url, 200));
      try {
        await store.scanJobs({ take: () => 0, dropAllBut() {} });
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
      }
      await client.close();
      await stop();
    }),
    { numRuns: Number(process.env.ZESTER_ANSWER_RUNS ?? draws(25, 60)) },
  );
});
