// Trouble that a cluster gives in rare moments.
import { afterAll, expect, test } from "bun:test";
import { created, json, startApi } from "../support/api.ts";
import { encode, jobRecord, zester } from "../support/harness.ts";

const { server, nc, serve, stop: stopApi } = await startApi();
afterAll(stopApi);

test("a consumer that the node asked has not heard of yet: asked again", async () => {
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
  const stop = await serve({
    "CONSUMER.CREATE": (msg) => {
      started = heard();
      json(created())(msg);
    },
  });
  const found = await zester(["job", "list", "--count", "--master", server.url]);
  expect(found).toEqual({ stdout: "1\n", stderr: "", code: 0 });
  await started;
  await stop();
});
