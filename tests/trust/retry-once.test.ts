// One retry is one job, whatever happens between the request and its answer: never two executions, never "dispatched" for a
// job that no master has, and never a word too few.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { NatsConnection, Subscription } from "nats";
import { fieldsOf, watchDispatches } from "../support/dispatches.ts";
import { Fleet } from "../support/fleet.ts";
import {
  createBuckets,
  encode,
  jobRecord,
  Running,
  type Server,
  startServer,
  until,
  zester,
} from "../support/harness.ts";
import { DISPATCH_SUBJECT, type Stage } from "../support/master.ts";
import { startFaultyLink, startProxy } from "../support/proxy.ts";
import { startGate } from "../support/relay.ts";
import { decode, isPut } from "../support/wire.ts";

/** A fleet whose waits are a fiftieth of the usual ones. */
const SCALE = 0.02;
/** How long an answer is waited for that is lost: long enough for each connection before it on a busy machine. */
const WAIT = "2s";

/** The JIDs of a job's retries that the bucket has, and how often each of their peels ran one of them. */
async function executions(nc: NatsConnection, of: string): Promise<{ jids: string[]; runs: number }> {
  const jobs = await nc.jetstream().views.kv("jobs");
  const jsm = await nc.jetstreamManager();
  const subjectsOf = async (stream: string, filter: string) =>
    Object.entries((await jsm.streams.info(stream, { subjects_filter: filter })).state.subjects ?? {});
  const jids: string[] = [];
  for (const [subject] of await subjectsOf("KV_jobs", "$KV.jobs.*")) {
    const key = subject.slice("$KV.jobs.".length);
    const entry = await jobs.get(key);
    const { metadata } = (isPut(entry) ? decode(entry.value) : {}) as { metadata?: { retry_of?: string } };
    if (metadata?.retry_of === of) jids.push(key);
  }
  const returns = (await subjectsOf("job-events", "zester.job.*.return.*")).filter(([subject]) =>
    jids.includes(subject.split(".")[2] ?? ""),
  );
  return { jids, runs: returns.reduce((sum, [, n]) => sum + n, 0) };
}

const putFailed = async (nc: NatsConnection, jid: string, fields: object = {}) => {
  const jobs = await nc.jetstream().views.kv("jobs");
  await jobs.put(jid, encode(jobRecord(jid, { function: "state.apply", status: "failed", ...fields })));
};

const jidIn = (text: string) => /[Jj]ob (\w{27})/.exec(text)?.[1] ?? "";

describe("with masters that live and die", () => {
  let server: Server;
  let nc: NatsConnection;
  let fleet: Fleet;
  let lone: Bun.Subprocess | undefined;
  beforeEach(async () => {
    server = await startServer();
    nc = await server.connect();
    fleet = await Fleet.start(nc, { scale: SCALE });
    await putFailed(nc, "old");
    await fleet.peel("web-01").ready();
  });
  const end = async () => {
    lone?.kill("SIGKILL");
    await fleet.stop();
    await nc.close();
    await server.stop();
  };
  const retry = (...args: string[]) =>
    zester(["job", "retry", "old", "--yes", "--timeout", "700ms", ...args], { env: { NATS_URL: server.url } });

  /** A master in a process of its own that dies by SIGKILL at a stage of its first dispatch. */
  async function startLone(stage: Stage): Promise<void> {
    const script = `${import.meta.dir}/../support/lone-master.ts`;
    const child = Bun.spawn([process.execPath, script, server.url, stage], { stdout: "pipe", stderr: "inherit" });
    lone = child;
    await child.stdout.getReader().read();
  }

  test.each(["received", "claimed", "launched"] as const)(
    "kill -9 of the only master when the request was %s; another one comes later",
    async (stage) => {
      await fleet.stopMaster();
      await startLone(stage);
      const { stdout, stderr, code } = await retry();
      const jid = jidIn(stdout + stderr);
      if (stage === "received") {
        // No master has it, and none listens any more.
        expect([stdout, code]).toEqual(["", 1]);
        expect(stderr).toContain(`The bucket "jobs" does not have job ${jid}. The same request is sent once more.`);
        expect(stderr).toContain(`error: cannot tell whether job ${jid} was dispatched: `);
        expect(stderr).toContain("no master listens on zester.dispatch");
        expect(stderr).toContain(`before you retry again.\n`);
      } else {
        // What stays claimed was not sent to any peel.
        const words =
          stage === "claimed" ? "accepted by master-lone, not sent yet" : "dispatched to 1 peel by master-lone";
        expect([stdout, code]).toEqual([`Job ${jid} ${words}\n`, 0]);
        expect(stderr).toMatch(/warning: .* no answer to a request on zester\.dispatch within 0\.7s\. But the bucket/);
      }
      await fleet.startMaster();
      if (stage === "received") {
        expect(await executions(nc, "old")).toEqual({ jids: [], runs: 0 });
        await retry();
      }
      await until("its end", async () => (await executions(nc, "old")).runs === 1);
      const { jids } = await executions(nc, "old");
      expect(jids).toHaveLength(1);
      // What the peel returned while no master lived is in the events alone; its job goes on until its deadline.
      await fleet.until(jids[0] as string, stage === "launched" ? "running" : "complete");
      expect((await executions(nc, "old")).runs).toBe(1);
      await end();
    },
  );

  test("--wait: what the only master claimed and never sent is waited for until another one has sent it", async () => {
    await fleet.stopMaster();
    await startLone("claimed");
    const waiting = new Running(["job", "retry", "old", "--yes", "--wait", "--timeout", "700ms"], {
      NATS_URL: server.url,
    });
    await waiting.until(" accepted by master-lone, not sent yet\n");
    await fleet.startMaster();
    expect(await waiting.ended()).toBe(0);
    expect(waiting.out).toMatch(/^Job (\w{27}) accepted by master-lone, not sent yet\nJob \1 complete in \S+: 1 ok\n$/);
    await end();
  });

  test("kill -9 of one of two masters: the other one gets the same request, and there is one job", async () => {
    const spy = await watchDispatches(nc);
    await startLone("received");
    // Which of the two the server asks is its choice: as many retries as it takes.
    let sent: Buffer[] = [];
    for (let n = 1; sent.length < 2; n++) {
      await putFailed(nc, "old");
      const { stdout, code } = await retry();
      expect([stdout, code]).toEqual([`Job ${jidIn(stdout)} dispatched to 1 peel by master-demo01\n`, 0]);
      sent = await spy.take();
      const { jids } = await executions(nc, "old");
      expect(jids).toHaveLength(n);
    }
    expect(sent).toHaveLength(2);
    expect(sent[1]).toEqual(sent[0] as Buffer);
    const jid = fieldsOf(sent[0] as Buffer).jid as string;
    await fleet.until(jid, "complete");
    await end();
  });

  test("a master that is slow to answer: the same bytes once more, and one execution", async () => {
    await fleet.stopMaster();
    const spy = await watchDispatches(nc);
    // It holds what comes until it is let go, as a process that is stopped would.
    const held: Uint8Array[] = [];
    const sub = nc.subscribe(DISPATCH_SUBJECT, { callback: (_, msg) => void held.push(msg.data.slice()) });
    await nc.flush();
    const { stdout, stderr, code } = await retry();
    sub.unsubscribe();
    expect([stdout, code]).toEqual(["", 1]);
    expect(stderr).toContain("error: cannot tell whether job ");
    const sent = await spy.take();
    expect(sent).toHaveLength(2);
    expect(sent[1]).toEqual(sent[0] as Buffer);
    // Now a master gets both.
    await fleet.startMaster();
    const answers = await Promise.all(held.map((data) => nc.request(DISPATCH_SUBJECT, data)));
    const jid = jidIn(stderr);
    expect(answers.map(({ data }) => decode(data))).toEqual([{ jid }, { jid }]);
    await fleet.until(jid, "complete");
    expect(await executions(nc, "old")).toEqual({ jids: [jid], runs: 1 });
    await end();
  });

  test("two operators at one moment: two jobs, each sent once; a third is told of both", async () => {
    await fleet.startMaster();
    const spy = await watchDispatches(nc);
    const results = await Promise.all([retry(), retry()]);
    for (const { stdout, code } of results) {
      expect(stdout).toMatch(/^Job \w{27} dispatched to 1 peel by master-demo0[12]\n$/);
      expect(code).toBe(0);
    }
    const jids = results.map(({ stdout }) => jidIn(stdout)).sort();
    expect((await spy.take()).map((data) => fieldsOf(data).jid).sort()).toEqual(jids);
    expect(new Set(jids).size).toBe(2);
    for (const jid of jids) await fleet.until(jid, "complete");
    expect((await executions(nc, "old")).runs).toBe(2);
    const third = (await retry()).stderr;
    for (const jid of jids) expect(third).toContain(`${jid} (complete)`);
    await end();
  });

  test.each(["deaf", "cut", "stall"] as const)(
    "an answer that is lost on the way: the connection goes %s",
    async (fault) => {
      const proxy = await startProxy(server.port, "PUB zester.dispatch", fault);
      const spy = await watchDispatches(nc);
      const { stdout, stderr, code } = await zester(["job", "retry", "old", "--yes", "--timeout", WAIT], {
        env: { NATS_URL: proxy.url },
      });
      proxy.stop();
      const jid = jidIn(stdout + stderr);
      const sent = await spy.take();
      if (fault === "deaf") {
        // The master has it: the bucket says so, on another connection.
        expect([stdout, code]).toEqual([`Job ${jid} dispatched to 1 peel by master-demo01\n`, 0]);
        expect(stderr).toContain('But the bucket "jobs" has job');
        expect(sent).toHaveLength(1);
        await fleet.until(jid, "complete");
        expect(await executions(nc, "old")).toEqual({ jids: [jid], runs: 1 });
      } else {
        // Nothing arrives, and each attempt is lost: that is said.
        expect([stdout, code]).toEqual(["", 1]);
        expect(stderr).toContain(`error: cannot tell whether job ${jid} was dispatched: `);
        expect(sent).toEqual([]);
        expect(await executions(nc, "old")).toEqual({ jids: [], runs: 0 });
      }
      await end();
    },
  );

  test("the connection is lost once, before the request: it arrives the second time", async () => {
    let lost = false;
    const gate = await startGate(server.port, (chunk) => {
      if (lost || !chunk.includes("PUB zester.dispatch")) return true;
      lost = true;
      return false;
    });
    const spy = await watchDispatches(nc);
    const { stdout, stderr, code } = await zester(["job", "retry", "old", "--yes", "--timeout", WAIT], {
      env: { NATS_URL: gate.url },
    });
    gate.stop();
    expect([stdout, code]).toEqual([`Job ${jidIn(stdout)} dispatched to 1 peel by master-demo01\n`, 0]);
    expect(stderr).toContain("The same request is sent once more.");
    expect(await spy.take()).toHaveLength(1);
    await fleet.until(jidIn(stdout), "complete");
    expect((await executions(nc, "old")).runs).toBe(1);
    await end();
  });

  test("the server goes away after the request and comes back: the bucket tells", async () => {
    const link = await startFaultyLink(server.port);
    await fleet.stopMaster();
    const sub = nc.subscribe(DISPATCH_SUBJECT, {
      callback: async (_, msg) => {
        const { jid } = fieldsOf(Buffer.from(msg.data)) as { jid: string };
        await fleet.jobs.put(jid, encode(jobRecord(jid, { status: "claimed", owner: "m7" })));
        link.cut();
      },
    });
    await nc.flush();
    const { stdout, code } = await zester(["job", "retry", "old", "--yes"], { env: { NATS_URL: link.url } });
    expect([stdout, code]).toEqual([`Job ${jidIn(stdout)} accepted by m7, not sent yet\n`, 0]);
    sub.unsubscribe();
    link.stop();
    await end();
  });

  test("the connection is lost while a person thinks about it: another one, and one job", async () => {
    const link = await startFaultyLink(server.port);
    const asking = new Running(["job", "retry", "old"], { NATS_URL: link.url }, { cols: 100, rows: 24 });
    await asking.until("Dispatch a new job to this peel? [y/N] ");
    link.cut();
    asking.type("y\n");
    expect(await asking.ended()).toBe(0);
    link.stop();
    expect(asking.out).toContain("dispatched to 1 peel by master-demo01");
    await until("its end", async () => (await executions(nc, "old")).runs > 0);
    expect(await executions(nc, "old")).toMatchObject({ jids: [expect.any(String)], runs: 1 });
    await end();
  });

  test("Ctrl-C before the answer: whether it was dispatched is not known; while it waits, that it was", async () => {
    await fleet.stopMaster();
    const sub = nc.subscribe(DISPATCH_SUBJECT, { callback: () => void asking.signal("SIGINT") });
    await nc.flush();
    const asking = new Running(["job", "retry", "old", "--yes"], { NATS_URL: server.url });
    expect(await asking.ended()).toBe(130);
    expect(asking.out).toBe("");
    expect(asking.err).toMatch(
      /error: interrupted: cannot tell whether job (\w{27}) was dispatched\. Check with `zester job show \1`/,
    );
    sub.unsubscribe();
    fleet.habits.set("web-01", { does: "hang" });
    await fleet.startMaster();
    const waiting = new Running(["job", "retry", "old", "--yes", "--wait"], { NATS_URL: server.url });
    await waiting.until("dispatched to 1 peel");
    waiting.signal("SIGINT");
    expect(await waiting.ended()).toBe(130);
    expect(waiting.err).toMatch(/error: interrupted: job \w{27} was dispatched; it may still run\./);
    await end();
  });
});

describe("what answers", () => {
  let server: Server;
  let nc: NatsConnection;
  beforeAll(async () => {
    server = await startServer();
    nc = await server.connect();
    await createBuckets(nc);
    await putFailed(nc, "old");
  });
  afterAll(async () => {
    await nc.close();
    await server.stop();
  });

  /** A retry while each request is answered in that way, and how many requests there were. */
  async function answered(respond?: (jid: string) => unknown, ...flags: string[]) {
    let requests = 0;
    let sub: Subscription | undefined;
    if (respond)
      sub = nc.subscribe(DISPATCH_SUBJECT, {
        callback: async (_, msg) => {
          requests++;
          const answer = await respond(fieldsOf(Buffer.from(msg.data)).jid as string);
          msg.respond(answer instanceof Uint8Array ? answer : encode(answer));
        },
      });
    await nc.flush();
    const result = await zester(["job", "retry", "old", "--yes", "--timeout", "500ms", ...flags], {
      env: { NATS_URL: server.url },
    });
    sub?.unsubscribe();
    return { ...result, requests };
  }

  test("no master: said, and nothing is dispatched", async () => {
    const { stdout, stderr, code } = await answered();
    expect([stdout, code]).toEqual(["", 1]);
    expect(stderr).toContain(
      "error: no master listens on zester.dispatch. Nothing was dispatched.\n`zester config check`",
    );
    expect(await executions(nc, "old").catch(() => undefined)).toMatchObject({ jids: [] });
  });

  test("a master's refusal, in its own words and made safe; it is asked once", async () => {
    const { stdout, stderr, code, requests } = await answered(() => ({ error: "conflict:\x1b[2J another intent" }));
    expect([stdout, code, requests]).toEqual(["", 1, 1]);
    expect(stderr).toContain(
      "error: a master refused the job: conflict:\\x1b[2J another intent. Nothing was dispatched.\n",
    );
  });

  test("a refusal though the bucket has the job: accepted, with what was said", async () => {
    const { stdout, stderr, code } = await answered(async (jid) => {
      await putFailed(nc, jid, { status: "claimed", owner: "m9" });
      return { error: "too late" };
    });
    expect([stdout, code]).toEqual([`Job ${jidIn(stdout)} accepted by m9, not sent yet\n`, 0]);
    expect(stderr).toContain('warning: a master answered: too late. But the bucket "jobs" has job ');
    expect(stderr).toContain(": claimed.\n");
  });

  test.each([
    ["another job's id", () => ({ jid: "other" })],
    ["a stream's acknowledgment", () => Buffer.from('{"stream":"all","seq":1}')],
    ["nothing", () => new Uint8Array()],
    ["noise", () => Uint8Array.of(0xc1, 0)],
    ["a list", () => [1]],
  ] as const)("%s is no answer: asked again, looked up, and not known", async (_, respond) => {
    const { stdout, stderr, code, requests } = await answered(respond as () => unknown);
    expect([stdout, code, requests]).toEqual(["", 1, 2]);
    expect(stderr).toContain("error: cannot tell whether job ");
    expect(stderr).toContain('the answer is not from a master. The bucket "jobs" does not have job ');
  });

  test("an answer before the record is written: the master is named all the same", async () => {
    const { stdout, stderr, code } = await answered((jid) => {
      setTimeout(() => void putFailed(nc, jid, { status: "claimed", owner: "m8" }), 200);
      return { jid };
    });
    expect([stdout, code]).toEqual([`Job ${jidIn(stdout)} accepted by m8, not sent yet\n`, 0]);
    expect(stderr).not.toContain("has not written");
  });

  test.each(["dispatch", "ack.web-01"])("a record that stays claimed, and the event %s: dispatched", async (kind) => {
    const { stdout } = await answered(async (jid) => {
      await putFailed(nc, jid, { status: "claimed", owner: "m6" });
      nc.publish(`zester.job.${jid}.${kind}`, encode({ jid, peel_id: "web-01" }));
      return { jid };
    });
    expect(stdout).toBe(`Job ${jidIn(stdout)} dispatched to 1 peel by m6\n`);
  });

  test("accepted, for programs: null, and that it was not sent yet", async () => {
    const { stdout, stderr, code } = await answered((jid) => ({ jid }), "--format", "json");
    expect(JSON.parse(stdout)).toMatchObject({ dispatched: null, reason: "accepted by a master, not sent yet" });
    expect([stderr.includes("has not written its record yet"), code]).toEqual([true, 0]);
  });

  /** A retry with --wait whose record a master writes so long after its answer; `then` is what the job is after that. */
  async function recordedAfter(ms: number, ...flags: string[]) {
    let timer: Timer | undefined;
    const sub = nc.subscribe(DISPATCH_SUBJECT, {
      callback: (_, msg) => {
        const { jid } = fieldsOf(Buffer.from(msg.data)) as { jid: string };
        timer = setTimeout(() => void putFailed(nc, jid, { status: "complete", owner: "m5" }), ms);
        msg.respond(encode({ jid }));
      },
    });
    await nc.flush();
    const waiting = new Running(["job", "retry", "old", "--yes", "--wait", ...flags], { NATS_URL: server.url });
    const stop = () => {
      sub.unsubscribe();
      clearTimeout(timer);
    };
    return { waiting, stop };
  }

  test("--wait waits for a record that comes long after the answer", async () => {
    const { waiting, stop } = await recordedAfter(2500);
    expect(await waiting.ended()).toBe(0);
    stop();
    expect(waiting.out).toMatch(
      /^Job (\w{27}) accepted by a master, not sent yet\nJob \1 complete in \S+: 1 missing\n$/,
    );
    const json = await recordedAfter(2500, "--format", "json");
    expect(await json.waiting.ended()).toBe(0);
    json.stop();
    expect(JSON.parse(json.waiting.out)).toMatchObject({ dispatched: true, status: "complete", missing: 1 });
    expect(JSON.parse(json.waiting.out)).not.toHaveProperty("reason");
  });

  test("--wait gives up on the record within --for; interrupted at any moment, the job is named", async () => {
    const { waiting, stop } = await recordedAfter(60_000, "--for", "1500ms");
    expect(await waiting.ended()).toBe(124);
    expect(waiting.err).toContain(`error: timed out after 1500ms: 1 job had not ended: ${jidIn(waiting.out)}.\n`);
    stop();
    const spy = await watchDispatches(nc);
    for (const ms of fc.sample(fc.nat(2500), 6)) {
      const { waiting, stop } = await recordedAfter(1200);
      const asked = await until("the request", async () => (await spy.take())[0]);
      await Bun.sleep(ms);
      waiting.signal("SIGINT");
      const code = await waiting.ended();
      stop();
      const jid = fieldsOf(asked).jid as string;
      if (code !== 130) expect(waiting.out).toContain(`Job ${jid} complete`);
      else expect(waiting.err).toMatch(new RegExp(`error: interrupted: (cannot tell whether )?job ${jid} was `));
    }
    spy.stop();
  });
});
