// A few of the hostile values of tests/support/fuzz.ts, in every run, and the worst of them through the executable.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { corpus, examine, hostile } from "../support/fuzz.ts";
import { createBuckets, encode, jobRecord, startServer, zester } from "../support/harness.ts";
import { draws, some } from "../support/length.ts";

test.each(corpus())("%s", (_, bytes) => examine(bytes));

test("hostile values: both decoders agree, all renderers write clean text", () => {
  let runs = 0;
  fc.assert(
    fc.property(hostile, (bytes) => examine(bytes, ++runs % 50 === 0)),
    { numRuns: draws(500, 4000) },
  );
});

test("the executable on a bucket full of them: no crash, no raw control character, good rows intact", async () => {
  const server = await startServer("max_payload: 16MB");
  const nc = await server.connect();
  const { jobs, returns } = await createBuckets(nc);
  const values = corpus();
  for (const [i, [, bytes]] of values.entries()) {
    await jobs.put(`bad-${i}`, bytes);
    await returns.put(`good.peel-${i}`, bytes);
  }
  await jobs.put("good", encode(jobRecord("good", { args: { epoch: 18446744073709551615n } })));
  const env = { NATS_URL: server.url };
  for (const args of [
    ["list"],
    ["list", "--wide"],
    ["list", "--format", "json"],
    ["list", "--format", "jsonl"],
    ["list", "--format", "yaml"],
    ["list", "--format", "csv"],
    ["active"],
    ["show", "good"],
    ["show", "good", "--summary"],
    ["show", "good", "--output"],
    ["trace", "good"],
    ...some([...values.keys()], 120).map((i) => ["show", `bad-${i}`]),
  ]) {
    const { stdout, stderr, code } = await zester(["job", ...args], { env });
    expect(stdout + stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
    expect(stderr).not.toMatch(/unexpected failure|\n\s+at /);
    if (args[0] === "list") expect([code, stdout]).toEqual([0, expect.stringContaining("good")]);
  }
  await nc.close();
  await server.stop();
}, 180_000);
