// The examples of the reference page, byte for byte, on real data.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { decode } from "@msgpack/msgpack";
import { type Server, startServer, zester } from "../support/harness.ts";
import { listedJob, putReferenceData } from "../support/seed.ts";

let server: Server;
const run = (...args: string[]) => zester(args, { env: { NATS_URL: server.url } });

beforeAll(async () => {
  server = await startServer();
  const nc = await server.connect();
  await putReferenceData(nc);
  await nc.close();
});
afterAll(() => server.stop());

test("job list", async () => {
  const nc = await server.connect();
  const jobs = await nc.jetstream().views.kv("jobs");
  // `show` has a job without target expression and times; the page's list has both for the same JID.
  const before = (await jobs.get("20260115-001"))?.value as Uint8Array;
  await jobs.put("20260115-001", listedJob());
  expect(await run("job", "list")).toEqual({
    stdout: `JID                   FUNCTION      TARGET    STATE
20260115-001          state.apply   web*      complete
20260115-002          state.apply   db*       running
20260115-003          state.apply   cache*    failed
`,
    stderr: "",
    code: 0,
  });
  await jobs.put("20260115-001", before);
  await nc.close();
});

// The page leaves out the empty line before `Returns:`; the specification of the output has it.
test("job show", async () => {
  expect(await run("job", "show", "20260115-001")).toEqual({
    stdout: `{
  "jid": "2hPx1FNsSgJMqVn5bLSTXeBQMpO",
  "function": "state.apply",
  "args": {
    "state": "nginx.restart"
  },
  "targets": ["web-01", "web-02", "web-03"],
  "timeout": 300000000000,
  "status": "complete",
  "owner": "master-2hQ..."
}

Returns:
PEEL      SUCCESS  DURATION
web-01    true     1.2s
web-02    true     0.8s
web-03    true     1.1s
`,
    stderr: "",
    code: 0,
  });
});

test("job active", async () => {
  expect(await run("job", "active")).toEqual({
    stdout: `JID                   FUNCTION      TARGETS                STATUS
20260115-002          state.apply   [db-01 db-02 db-03]    running
`,
    stderr: "",
    code: 0,
  });
});

test("job kill", async () => {
  const nc = await server.connect();
  const sub = nc.subscribe("zester.job.*.cancel", { max: 1 });
  await nc.flush();
  expect(await run("job", "kill", "20260115-002")).toEqual({
    stdout: "Cancel signal sent for job 20260115-002\n",
    stderr: "",
    code: 0,
  });
  for await (const msg of sub) {
    expect(msg.subject).toBe("zester.job.20260115-002.cancel");
    expect(decode(msg.data)).toEqual({ action: "cancel" });
  }
  await nc.close();
});

test("nothing there", async () => {
  const empty = await startServer();
  const nc = await empty.connect();
  await nc.jetstream().views.kv("jobs");
  const env = { NATS_URL: empty.url };
  expect(await zester(["job", "list"], { env })).toEqual({ stdout: "No jobs found.\n", stderr: "", code: 0 });
  expect(await zester(["job", "active"], { env })).toEqual({
    stdout: "No active jobs.\n",
    stderr: "",
    code: 0,
  });
  expect((await zester(["job", "list", "--format", "json"], { env })).stdout).toBe("[]\n");
  expect((await zester(["job", "active", "--format", "yaml"], { env })).stdout).toBe("[]\n");
  await nc.close();
  await empty.stop();
});
