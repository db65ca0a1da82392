// What is said of a signal is what became of it: taken, refused, not known, or taken while nothing listens.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { unquote } from "../../lib/nats/subject.ts";
import { safe } from "../../lib/text.ts";
import { Field } from "../support/field.ts";
import { encode, Running, until, zester } from "../support/harness.ts";
import { startFaultyLink, startProxy } from "../support/proxy.ts";
import { startRelay } from "../support/relay.ts";

const user = (name: string, permissions: string) =>
  `{ user: ${name}, password: s3cret, permissions { ${permissions} } }`;
const CONFIG = `authorization { users: [
  { user: root, password: root }
  ${user("reader", 'publish: { deny: "zester.job.*.cancel" }')}
  ${user("blind", 'publish: { deny: "$JS.API.DIRECT.GET.>" }')}
  ${user("deaf", 'subscribe: { deny: "_INBOX.>" }')}
  ${user("untidy", 'publish: { deny: "$JS.API.CONSUMER.DELETE.>" }')}
] }`;

let field: Field;
const as = (name: string, url = field.server.url) => url.replace("//", `//${name}:s3cret@`);
beforeAll(async () => {
  field = await Field.start({ config: CONFIG });
  field.url = field.server.url.replace("//", "//root:root@");
});
afterAll(() => field.stop());

const kill = async (url: string, ...args: string[]) => {
  const result = await zester(["job", "kill", ...args], { env: { NATS_URL: url } });
  return { ...result, signaled: await field.signaled() };
};

describe("a refusal is seen, however the server quotes the subject", () => {
  // Each is one token; Go's %q escapes all but the last two.
  const odd = ['"', "\\", "\u3000", "\u202e", "\u200b", "\u00ad", "\ue000", "\u{e0001}", "'", "\\u3000", "é", "😀"];
  const part = fc.string({ unit: fc.constantFrom(...odd, "a", "7"), minLength: 0, maxLength: 8 });

  test("ids of characters that are escaped", async () => {
    const ids = [...odd.map((c) => `id${c}x`), ...fc.sample(part, 12).map((text, i) => `id${i}${text}`)];
    const results = await Promise.all(ids.map((id) => kill(as("reader"), id, "--force")));
    for (const [i, { stdout, stderr, code, signaled }] of results.entries()) {
      // The subject is named as it is, apart from what acts on a terminal.
      const subject = `zester.job.${safe(ids[i] as string)}.cancel`;
      expect(stderr).toStartWith(`error: no permission to publish on ${subject}.\n`);
      expect([stdout, code, signaled]).toEqual(["", 1, []]);
    }
    const json = await kill(as("reader"), ...ids, "--force", "--format", "json");
    const told = JSON.parse(json.stdout);
    expect(told.map(({ jid }: { jid: string }) => jid)).toEqual([...new Set(ids)]);
    for (const { signal, reason } of told)
      expect([signal, reason.startsWith("no permission to publish on zester.job.")]).toEqual(["not sent", true]);
    expect([json.code, json.signaled]).toEqual([1, []]);
  });

  test("a read of such an id that is refused is told at once", async () => {
    const began = performance.now();
    const args = ["job", "show", '"\\\u3000', "--timeout", "10s"];
    const { stderr } = await zester(args, { env: { NATS_URL: as("blind") } });
    expect(stderr).toStartWith('error: no permission to publish on $JS.API.DIRECT.GET.KV_jobs.$KV.jobs."\\\u3000.\n');
    expect(performance.now() - began).toBeLessThan(3000);
  });

  test("and the same ids get their signals where that is allowed", async () => {
    const ids = odd.map((c) => `id${c}x`);
    const { code, signaled } = await kill(field.url, ...ids, "--force");
    expect([code, signaled]).toEqual([0, ids.toSorted()]);
  });

  test.each([
    ["without a subject", "Permissions Violation"],
    ["of something that was not asked for", 'Permissions Violation for Publish to "elsewhere"'],
    ["in words of tomorrow", "Permissions Violation: no"],
  ])("a refusal %s, between the signal and the answer, is a refusal of it", async (_, words) => {
    const relay = await startRelay(field.server.port, (text) => text.replace(/Permissions Violation[^'\r]*/, words));
    const { stdout, stderr, code, signaled } = await kill(as("reader", relay.url), "j1", "--force");
    relay.stop();
    expect([stdout, code, signaled]).toEqual(["", 1, []]);
    expect(stderr).toMatch(
      /^error: (no permission to publish on|permission denied \(the server did not name the subject\))/,
    );
  });

  test("but the refusal of another request on the way is not", async () => {
    // Without direct access each look-up takes a consumer, whose deletion is refused while the signal is on its way.
    const jsm = await field.nc.jetstreamManager();
    await jsm.streams.update("KV_jobs", { allow_direct: false });
    await field.put("slow-1");
    await field.put("slow-2");
    const { stdout, code, signaled } = await kill(as("untidy"), "slow-1", "slow-2");
    await jsm.streams.update("KV_jobs", { allow_direct: true });
    expect(signaled).toEqual(["slow-1", "slow-2"]);
    expect([stdout, code]).toEqual(["Cancel signal sent for job slow-1\nCancel signal sent for job slow-2\n", 0]);
    for (const jid of signaled) await field.jobs.purge(jid);
  });

  test("the quotes of Go, undone", () => {
    for (const [given, plain] of [
      ["plain", "plain"],
      ['a\\"b', 'a"b'],
      ["a\\\\u3000", "a\\u3000"],
      ["\\u3000\\u202e\\U000e0001", "\u3000\u202e\u{e0001}"],
      ["\\a\\b\\f\\n\\r\\t\\v\\x7f", "\x07\b\f\n\r\t\v\x7f"],
      ["\\Uffffffff\\", "\\Uffffffff\\"],
    ] as const)
      expect(unquote(given)).toBe(plain);
  });
});

describe("an answer that is lost", () => {
  test.each(["deaf", "cut"] as const)("%s: not known, and where to look", async (fault) => {
    await field.put("j1");
    const proxy = await startProxy(field.server.port, "zester.job.j1.cancel", fault);
    const url = proxy.url.replace("//", "//root:root@");
    const { stdout, stderr, code, signaled } = await kill(url, "j1", "--timeout", "300ms");
    proxy.stop();
    expect([stdout, code, signaled]).toEqual(["", 1, fault === "deaf" ? ["j1"] : []]);
    expect(stderr).toMatch(
      /^error: cannot tell whether the cancel signal for job j1 was sent: .*\nCheck with `zester job trace j1`\.\n$/,
    );
  });

  test("of several, for programs", async () => {
    for (const jid of ["j1", "j2", "j3"]) await field.put(jid);
    const proxy = await startProxy(field.server.port, "zester.job.j2.cancel", "deaf");
    const url = proxy.url.replace("//", "//root:root@");
    const { stdout, stderr, code, signaled } = await kill(
      url,
      ...["j1", "j2", "j3", "--timeout", "300ms", "--format", "json"],
    );
    proxy.stop();
    expect(JSON.parse(stdout)).toMatchObject([
      { jid: "j1", signal: "sent" },
      { jid: "j2", signal: "unknown", reason: expect.stringContaining("no answer to a ping within 0.3s") },
      { jid: "j3", signal: "not sent", reason: expect.stringContaining("no answer to a request on") },
    ]);
    expect([code, signaled]).toEqual([1, ["j1", "j2"]]);
    expect(stderr).not.toContain("warning");
  });
});

describe("--wait", () => {
  /** The peel of a job aborts, and its master ends the job. */
  async function cancel(jid: string): Promise<void> {
    const returned = { jid, peel_id: "web-01", success: false, error: "execution canceled" };
    await field.nc.jetstream().publish(`zester.job.${jid}.return.web-01`, encode(returned));
    await field.put(jid, { status: "canceled" });
  }

  test("several jobs over a lost connection: one other connection, and the end of each", async () => {
    const jids = ["w1", "w2", "w3", "w4"];
    for (const jid of jids) await field.put(jid);
    const link = await startFaultyLink(field.server.port);
    const url = link.url.replace("//", "//root:root@");
    const killing = new Running(["job", "kill", ...jids, "--wait"], { NATS_URL: url });
    await killing.until("Cancel signal sent for job w4");
    await Bun.sleep(100);
    link.cut();
    await killing.until("connected again");
    for (const jid of jids) await cancel(jid);
    expect(await killing.ended()).toBe(0);
    link.stop();
    expect(await field.signaled()).toEqual(jids);
    for (const jid of jids) expect(killing.out).toContain(`Job ${jid} canceled; 1 of 1 peel stopped\n`);
    expect(killing.err.match(/connected again/g)).toHaveLength(1);
  });

  test.each(["text", "json"])(
    "a job that is lost from sight keeps no other from being told, also as %s",
    async (format) => {
      const [gone, other] = [`gone-${format}`, `other-${format}`];
      for (const jid of [gone, other]) await field.put(jid);
      const killing = new Running(["job", "kill", gone, other, "--wait", "--format", format], { NATS_URL: field.url });
      await until("the signals", async () => field.signals.length === 2);
      expect(await field.signaled()).toEqual([gone, other]);
      await Bun.sleep(200);
      await field.jobs.delete(gone);
      await Bun.sleep(50);
      await cancel(other);
      expect(await killing.ended()).toBe(1);
      expect(killing.err).toStartWith(`error: job ${gone} no longer exists.\n`);
      if (format === "text") expect(killing.out).toEndWith(`\nJob ${other} canceled; 1 of 1 peel stopped\n`);
      else
        expect(JSON.parse(killing.out)).toEqual([
          { jid: gone, signal: "sent" },
          {
            jid: other,
            signal: "sent",
            ended: "canceled",
            returned: 0,
            peels: 1,
            stopped: 1,
            finished: 0,
            unanswered: [],
            unreached: [],
          },
        ]);
    },
  );
});

describe("who hears it", () => {
  test("a subscription for answers that is refused keeps no signal", async () => {
    await field.put("j1");
    for (const flags of [[], ["--force"]]) {
      const { stdout, stderr, code, signaled } = await kill(as("deaf"), "j1", ...flags);
      expect([stdout, code, signaled]).toEqual(["Cancel signal sent for job j1\n", 0, ["j1"]]);
      expect(stderr).toContain("warning: cannot tell whether anything listens on zester.job.j1.cancel");
      expect(stderr).not.toContain("error");
    }
  });

  test("nothing listens, and no stream: exit 1, and so for programs; a stream alone is enough", async () => {
    const empty = await Field.start({ listen: false, events: false });
    await empty.put("j1");
    await empty.put("j2");
    const words = "nothing listens on zester.job.j1.cancel and no stream stores it: no master or peel got the signal.";
    const one = await empty.run("kill", "j1", "--wait");
    expect([one.stdout, one.code]).toEqual(["", 1]);
    expect(one.stderr).toStartWith(`error: ${words}\n`);
    const json = await empty.run("kill", "j1", "--format", "json");
    expect(JSON.parse(json.stdout)).toEqual([{ jid: "j1", signal: "sent, no listener", reason: words }]);
    expect(json.code).toBe(1);
    empty.nc.subscribe("zester.job.j2.cancel", { callback: () => {} });
    await empty.nc.flush();
    const both = await empty.run("kill", "j1", "j2");
    expect([both.stdout, both.stderr, both.code]).toEqual(["Cancel signal sent for job j2\n", `error: ${words}\n`, 1]);
    const jsm = await empty.nc.jetstreamManager();
    await jsm.streams.add({ name: "job-events", subjects: ["zester.job.>"] });
    expect((await empty.run("kill", "j1")).code).toBe(0);
    expect((await jsm.streams.info("job-events")).state.messages).toBe(1);
    await empty.stop();
  });
});
