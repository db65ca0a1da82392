// An answer of the JetStream API that real servers give only in rare moments, given here by a client in its place: on a server
// without JetStream a subscription takes the requests.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { NatsConnection } from "nats";
import { encode, jobRecord, type Server, startServer, zester } from "../support/harness.ts";

let server: Server;
let nc: NatsConnection;
beforeAll(async () => {
  server = await startServer("", { jetstream: false });
  nc = await server.connect();
});
afterAll(async () => {
  await nc.close();
  await server.kill();
});

/** Answers requests on a subject until the test ends. */
async function answer(subject: string, make: () => object): Promise<() => void> {
  const subscription = nc.subscribe(subject, { callback: (_, msg) => msg.respond(JSON.stringify(make())) });
  await nc.flush();
  return () => subscription.unsubscribe();
}

const created = () => ({ num_pending: 1, created: new Date().toISOString() });

test("a consumer that the node asked has not heard of yet: asked again", async () => {
  const gone = await answer("$JS.API.CONSUMER.DELETE.>", () => ({ success: true }));
  const told = await answer("$JS.API.STREAM.INFO.>", () => ({ state: { messages: 1, last_seq: 1 } }));
  let started: Promise<void> | undefined;
  // Nothing listens for the pull until 200 ms after the consumer was made: the server answers with status 503.
  const heard = async () => {
    await Bun.sleep(200);
    nc.subscribe("$JS.API.CONSUMER.MSG.NEXT.>", {
      max: 1,
      callback: (_, msg) =>
        // Servers keep replies that begin with $JS.ACK to themselves.
        nc.publish(msg.reply as string, encode(jobRecord("job-1")), {
          reply: `TOLD.ACK.KV_jobs.c.1.1.1.${Date.now()}000000.0`,
        }),
    });
    await nc.flush();
  };
  const done = await answer("$JS.API.CONSUMER.CREATE.>", () => {
    started = heard();
    return created();
  });
  const found = await zester(["job", "list", "--count", "--master", server.url]);
  expect(found).toEqual({ stdout: "1\n", stderr: "", code: 0 });
  await started;
  done();
  told();
  gone();
});
