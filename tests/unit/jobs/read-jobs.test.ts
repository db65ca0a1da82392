// What a read keeps of the messages that pass by.
import { expect, test } from "bun:test";
import { Collection } from "../../../lib/jobs/read-jobs.ts";
import { encode, jobRecord } from "../../support/harness.ts";

test("records are copies: the frame that brought them may be gone, whatever kind of array it is", () => {
  for (const kind of [Buffer, Uint8Array]) {
    const jobs = new Collection(() => true, true);
    const values = [10, 400_000, 20, 300_000, 30].map((size, i) =>
      encode(jobRecord(`j${i}`, { args: { text: "x".repeat(size) } })),
    );
    for (const [i, value] of values.entries()) {
      const frame = kind.from([...Buffer.from("head"), ...value, ...Buffer.from("tail")]);
      jobs.take(Buffer.from(`j${i}`), 0, frame.subarray(4, 4 + value.length));
      frame.fill(0);
    }
    const texts = Array.from(jobs.read(true).jobs, ({ record }) => record?.get("args") as Map<string, string>);
    expect(texts.map((args) => args.get("text")?.length)).toEqual([10, 400_000, 20, 300_000, 30]);
  }
});
