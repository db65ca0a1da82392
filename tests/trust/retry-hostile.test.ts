// Records that any client may have written: a retry sends what masters take and what the operator was shown, or nothing.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { NatsConnection } from "nats";
import { faultOf } from "../support/dispatch-request.ts";
import { type Dispatches, fieldsOf, sentRecord, valueBetween, watchDispatches } from "../support/dispatches.ts";
import { createBuckets, encode, jobRecord, type Server, startServer, until, zester } from "../support/harness.ts";
import { expectError } from "../support/outcome.ts";

const LARGE = 12 << 20;
let server: Server;
let nc: NatsConnection;
let dispatches: Dispatches;
/** What was wrong with requests, as a master sees it. */
const faults: string[] = [];
beforeAll(async () => {
  server = await startServer(`max_payload: ${LARGE}`);
  nc = await server.connect();
  await createBuckets(nc);
  nc.subscribe("zester.dispatch", {
    callback: async (_, msg) => {
      const error = faultOf(msg.data);
      if (error !== undefined) faults.push(error);
      const { jid } = fieldsOf(Buffer.from(msg.data)) as { jid: string };
      if (error === undefined) await nc.jetstream().publish(`$KV.jobs.${jid}`, sentRecord(msg.data));
      msg.respond(encode(error === undefined ? { jid } : { error }));
    },
  });
  dispatches = await watchDispatches(nc);
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

const put = (fields: Record<string, unknown> | Uint8Array) =>
  nc
    .jetstream()
    .publish(
      "$KV.jobs.odd",
      fields instanceof Uint8Array ? fields : encode(jobRecord("odd", { status: "failed", ...fields })),
    );

const retry = (...flags: string[]) => zester(["job", "retry", "odd", ...flags], { env: { NATS_URL: server.url } });

/** The job can't be retried, whatever is agreed to, for this reason; nothing is sent. */
async function expectRefused(fields: Record<string, unknown> | Uint8Array, why: string, ...flags: string[]) {
  await put(fields);
  expectError(await retry("--yes", ...flags), `error: job odd ${why}`, "Nothing was sent.");
  expectError(await retry("--dry-run", ...flags), why);
  expect(await dispatches.take()).toEqual([]);
}

/** The job is retried; the request as it was sent. */
async function sent(fields: Record<string, unknown> | Uint8Array, ...flags: string[]) {
  await put(fields);
  const result = await retry("--yes", ...flags);
  const requests = await dispatches.take();
  expect([result.code, requests.length, faults.splice(0)]).toEqual([0, 1, []]);
  return { ...result, request: requests[0] as Buffer };
}

describe("targets", () => {
  test.each(["*", ">", "web.*", "web.eu", "a b", "", "a\nb", "a\u2028b", "x".repeat(256)])(
    "%j is no peel id: never sent, and the others can be",
    async (id) => {
      await expectRefused({ targets: ["web-01", id] }, "has the invalid target ");
      const { request } = await sent({ targets: ["web-01", id] }, "--peel", "web-01");
      expect(fieldsOf(request)).toMatchObject({ targets: ["web-01"], target_expr: "L@web-01" });
    },
  );

  test("none, no list, and what is no text are refused; one that stands twice is sent once", async () => {
    await expectRefused({ targets: null }, "has no list of targets");
    await expectRefused({ targets: "web-01" }, "has no list of targets");
    await expectRefused({ targets: ["web-01", 7] }, "has targets that are not text");
    await put({ targets: [] });
    expect((await retry("--yes")).stdout).toBe("Nothing to retry: the job has no peels.\n");
    const { request } = await sent({ targets: ["b", "a", "b"] });
    expect(fieldsOf(request).targets).toEqual(["b", "a"]);
  });

  test("a return or an event of a peel that is no target brings it nothing", async () => {
    const js = nc.jetstream();
    const record = encode({ jid: "odd", peel_id: "evil-01", success: false, error: "try me" });
    await js.publish("$KV.job-returns.odd.evil-01", record);
    await js.publish("zester.job.odd.return.evil-02", record);
    const { request, stderr } = await sent({ targets: ["web-01"] }, "--all");
    expect(fieldsOf(request).targets).toEqual(["web-01"]);
    expect(stderr).toContain(" on 1 of 1 peel\n");
    expect(stderr).not.toContain("evil");
    await (await nc.jetstreamManager()).streams.purge("KV_job-returns");
  });
});

describe("fields", () => {
  test("a function with control characters is shown escaped, and sent as it is stored", async () => {
    const fn = "state.\x1b[2Japply\u202e\n";
    const { stdout, stderr, request } = await sent({ function: fn });
    expect(stderr).toContain(": state.\\x1b[2Japply\\u202e\\n on 1 of 1 peel\n");
    expect(stdout + stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    expect(fieldsOf(request).function).toBe(fn);
  });

  test.each([
    [{ function: "" }, "has no function"],
    [{ function: 7 }, "has no function"],
    [{ function: "a\ufffd" }, "has a function that is not UTF-8"],
    [{ args: ["x"] }, "has arguments that are not a map"],
    [{ args: "x" }, "has arguments that are not a map"],
    [{ state_id: 5 }, "has a state_id that is not text"],
    [{ v: 2 }, "has a record of version 2, newer than this zester supports (1)"],
    [{ timeout: 0n }, "has no timeout"],
    [{ timeout: -5n }, "has an invalid timeout"],
    [{ timeout: "5m" }, "has an invalid timeout"],
  ])("%p is refused", (fields, why) => expectRefused(fields, why));

  test("arguments that nest deeper than any master's, and a field with a long name, are refused", async () => {
    let deep: unknown = null;
    for (let i = 0; i < 40; i++) deep = { a: deep };
    await expectRefused({ args: deep }, "has an unusual record");
    await expectRefused({ ["x".repeat(40)]: 1 }, "has an unusual record");
  });

  test("without arguments nil is sent; timeouts of any width are sent as 64 bits; what is not repeated is named", async () => {
    const { request } = await sent({ args: undefined, timeout: 5, state_id: null, v: null });
    const { args, timeout, state_id, v } = fieldsOf(request);
    expect([args, timeout, state_id, v]).toEqual([null, 5n, undefined, undefined]);
    const { stderr, request: next } = await sent({
      batch: 7,
      "\x1b[1m": 1,
      metadata: { source: "reactor", rule: "r" },
    });
    expect(stderr).toContain("warning: record fields that a retry does not copy: batch, \\x1b[1m.\n");
    expect(fieldsOf(next).metadata).toEqual({ retry_of: "odd" });
  });

  test("a record that can't be decoded", async () => {
    await put(Uint8Array.of(0xc1));
    expectError(await retry("--yes"), "error: job odd cannot be decoded");
    expect(await dispatches.take()).toEqual([]);
  });

  test("text of a master's record can't act on a terminal: user, status, errors", async () => {
    const evil = "x\x1b]0;pwned\x07\u202e";
    const record = encode({ jid: "odd", peel_id: "web-01", success: false, error: `${evil}${"y".repeat(5000)}` });
    await nc.jetstream().publish("$KV.job-returns.odd.web-01", record);
    const { stdout, stderr } = await sent({ user: evil, args: { name: evil } });
    await (await nc.jetstreamManager()).streams.purge("KV_job-returns");
    expect(stdout + stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    expect(Math.max(...stderr.split("\n").map((line) => line.length))).toBeLessThan(600);
  });
});

describe("size", () => {
  test("arguments of 10 MB are the same bytes where the server takes them; where not, nothing is sent", async () => {
    const args = { text: "z".repeat(10 << 20), n: 5n };
    const { request, stderr } = await sent({ args });
    expect(valueBetween(request, "args", "targets").equals(Buffer.from(encode(args)))).toBe(true);
    expect(stderr.length).toBeLessThan(2000);
    await server.reload("max_payload: 1048576");
    await until("the smaller limit", async () => {
      const probe = await server.connect();
      const { max_payload } = probe.info ?? {};
      await probe.close();
      return max_payload === 1 << 20;
    });
    for (const flag of ["--yes", "--dry-run"]) {
      const refused = await retry(flag);
      expectError(refused, "error: the new job has 10,486,", "accepts at most 1,048,576 bytes. Nothing was sent.");
    }
    expect(await dispatches.take()).toEqual([]);
    await server.reload(`max_payload: ${LARGE}`);
  });
});
