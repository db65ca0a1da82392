// A server that is restarted while a command follows jobs.
import { expect, test } from "bun:test";
import { consumersLeft, createBuckets, encode, jobRecord, Running, startServer, until } from "../support/harness.ts";
import { KEYS, Pictured } from "../support/pictured.ts";

/** A server of its own whose job is put by hand, so that it can be restarted at will. */
async function restartable() {
  const own = await startServer();
  let connection = await own.connect();
  const { jobs } = await createBuckets(connection);
  const put = (status: string, extra = {}) =>
    jobs.put("j1", encode(jobRecord("j1", { status, targets: ["a"], ...extra })));
  await put("running");
  await connection.close();
  return {
    own,
    start: (args: string[]) => new Running(["job", ...args], { NATS_URL: own.url }),
    /** Waits until the command follows: it then has a consumer. */
    async following() {
      const nc = await own.connect();
      await until("a consumer", async () => (await consumersLeft(nc)) > 0);
      await nc.close();
    },
    /** Restarts the server; while it is away nothing can be seen. */
    async restart() {
      await own.kill();
      await Bun.sleep(300);
      await own.revive();
    },
    async end(status: string) {
      connection = await own.connect();
      const bucket = await connection.jetstream().views.kv("jobs");
      await bucket.put("j1", encode(jobRecord("j1", { status, targets: ["a"] })));
    },
    async stop() {
      const left = await consumersLeft(connection);
      await connection.close();
      await own.stop();
      return left;
    },
  };
}

test.each([
  [["wait", "j1"], 3, "Job j1 timeout"],
  [["watch", "j1"], 3, "Job j1 timeout"],
  [["trace", "j1", "--follow"], 3, "State     timeout"],
  [["kill", "j1", "--wait"], 6, "Job j1 ended before the signal took effect: timeout"],
] as [string[], number, string][])("%j says so, connects again, and sees the end", async (args, code, words) => {
  const fixture = await restartable();
  const running = fixture.start(args);
  await fixture.following();
  await fixture.restart();
  await running.until("connected again");
  expect(running.err).toMatch(/^lost nats:\/\/\S+; reconnecting\nconnected again\n$/m);
  await fixture.end("timeout");
  expect(await running.ended()).toBe(code);
  expect(running.out).toContain(words);
  expect(await fixture.stop()).toBe(0);
});

test("watch: what happened meanwhile is told once, and nothing twice", async () => {
  const fixture = await restartable();
  const running = fixture.start(["watch"]);
  await running.until(" running ");
  await fixture.restart();
  await running.until("connected again");
  await Bun.sleep(200);
  expect(running.out.trimEnd().split("\n")).toHaveLength(1);
  await fixture.end("failed");
  await running.until(" failed ");
  running.signal("SIGINT");
  expect(await running.ended()).toBe(130);
  expect(running.out.trimEnd().split("\n")).toHaveLength(2);
  expect(await fixture.stop()).toBe(0);
});

test("the picture with a job that is open: both come back on one connection, and q has the code of the end", async () => {
  const fixture = await restartable();
  const picture = new Pictured(["job", "watch", "--no-color"], { NATS_URL: fixture.own.url }, { cols: 90, rows: 24 });
  await picture.shows(/> j1 /);
  picture.type(KEYS.enter);
  await picture.shows(/> missing +1 +- +a/);
  await fixture.own.kill();
  await picture.shows(/^.*\nlost nats:\S+; reconnecting, no updates since [\d:]+\n/);
  picture.type("x");
  await picture.shows(
    /error: nats:\S+: [\s\S]+ No\s+signal\s+was\s+sent\.\nGo back and press x again\.\n[\s\S]*\npress any key to go back$/,
  );
  picture.type(" ");
  await fixture.own.revive();
  await picture.shows(/^.*\nerror on cancel\nj1 /);
  await fixture.end("timeout");
  await picture.shows(/0\/1 {2}timeout/);
  picture.type("q");
  expect(await picture.ended()).toBe(3);
  expect(await fixture.stop()).toBe(0);
});

test("several URLs: it moves on to the next one", async () => {
  const fixture = await restartable();
  const running = new Running(["job", "wait", "j1", "--master", `nats://127.0.0.1:1,${fixture.own.url}`], {});
  await fixture.following();
  await fixture.restart();
  await running.until("connected again");
  await fixture.end("complete");
  expect(await running.ended()).toBe(0);
  await fixture.stop();
});
