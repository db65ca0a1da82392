// A signal goes to what was named or selected, and nowhere else: not to a job that looks like it, and not to a wildcard.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Connection } from "../../lib/nats/connection.ts";
import { NatsStore } from "../../lib/nats/store.ts";
import { token, tokens } from "../../lib/nats/subject.ts";
import { Field } from "../support/field.ts";
import { Running, Time } from "../support/harness.ts";

let field: Field;
beforeAll(async () => {
  field = await Field.start();
});
afterAll(() => field.stop());
beforeEach(async () => {
  await (await field.nc.jetstreamManager()).streams.purge("KV_jobs");
  await field.signaled();
});

/** Answers yes to the question of a kill, after `meanwhile`, and to any other that it should not ask. */
async function killAfter(args: string[], meanwhile: () => Promise<unknown>) {
  const asking = new Running(["job", "kill", ...args], { NATS_URL: field.url, NO_COLOR: "1" }, { cols: 150, rows: 50 });
  await asking.until(/Cancel .*\? \[y\/N\] /);
  await meanwhile();
  asking.type("y\n");
  const again = setInterval(() => asking.type("y\n"), 300);
  const code = await asking.ended();
  clearInterval(again);
  return { code, out: asking.out.replaceAll("\r\n", "\n"), signaled: await field.signaled() };
}

describe("what was selected is exact", () => {
  test("a job that is purged before its turn is not taken for the beginning of another id", async () => {
    await field.put("20260115-00", { function: "pkg.clean" });
    await field.put("20260115-001", { function: "prod.migrate" });
    const { code, out, signaled } = await killAfter(["--function", "pkg.clean"], () => field.jobs.purge("20260115-00"));
    expect(signaled).toEqual([]);
    expect(out).toContain("error: job 20260115-00 no longer exists. No signal was sent.\n");
    expect(code).toBe(1);
  });

  test("a job that can't be decoded is left alone, and said to be there", async () => {
    await field.put("fine-1");
    await field.nc.jetstream().publish("$KV.jobs.broken-1", Uint8Array.of(0xc1));
    const { stderr, code } = await field.run("kill", "--state", "running", "--yes");
    expect(await field.signaled()).toEqual(["fine-1"]);
    expect(stderr).toStartWith("warning: 1 job cannot be decoded: broken-1: ");
    expect(code).toBe(0);
  });

  const created = (n: number) => Time.at(`2026-01-15T09:${String(n).padStart(2, "0")}:00Z`);
  /** What becomes of a job between the question and the signal; true: it is still the same one. */
  const FATES: Record<string, { same: boolean; happens: (jid: string, n: number) => Promise<unknown> }> = {
    stays: { same: true, happens: async () => {} },
    changes: {
      same: true,
      happens: (jid, n) => field.put(jid, { created: created(n), updated: Time.now() }),
    },
    deleted: { same: false, happens: (jid) => field.jobs.delete(jid) },
    purged: { same: false, happens: (jid) => field.jobs.purge(jid) },
    "another job": { same: false, happens: (jid) => field.put(jid, { created: Time.now() }) },
    "without a time": { same: false, happens: (jid) => field.put(jid, { created: null }) },
    ended: { same: false, happens: (jid, n) => field.put(jid, { created: created(n), status: "failed" }) },
  };
  test("random fates of selected jobs, beside jobs whose ids begin with theirs", async () => {
    const names = Object.keys(FATES);
    const fates = fc.array(fc.constantFrom(...names), { minLength: 5, maxLength: 20 });
    for (const [round, drawn] of fc.sample(fates, 5).entries()) {
      const jobs = drawn.map((name, n) => ({
        jid: `r${round}-job-${n}x`,
        n,
        fate: FATES[name],
      }));
      for (const { jid, n } of jobs) {
        await field.put(jid, { created: created(n), function: `round.${round}` });
        await field.put(`${jid}0`, { function: "prod.migrate" });
      }
      const { code, out, signaled } = await killAfter(["--function", `round.${round}`], async () => {
        for (const { jid, n, fate } of jobs) await fate?.happens(jid, n);
      });
      const same = jobs.filter(({ fate }) => fate?.same).map(({ jid }) => jid);
      expect(signaled).toEqual(same.toSorted());
      for (const { jid, fate } of jobs) expect(out.includes(`sent for job ${jid}\n`)).toBe(fate?.same === true);
      expect(out.match(/^error: job .* No signal was sent\.$/gm)?.length ?? 0).toBe(jobs.length - same.length);
      expect(code).toBe(same.length === jobs.length ? 0 : 1);
    }
  });
});

describe("what was typed in full is exact", () => {
  test("a job that was deleted, with --yes, beside one whose id begins with its", async () => {
    await field.put("20260115-00");
    await field.put("20260115-001", { function: "prod.migrate" });
    await field.jobs.delete("20260115-00");
    const deleted = await field.run("kill", "20260115-00", "--yes");
    expect([deleted.stdout, deleted.code]).toEqual(["", 1]);
    expect(deleted.stderr).toStartWith('error: no job "20260115-00".');
    expect(await field.signaled()).toEqual([]);
    // Shortened, it still is: nothing was ever stored there.
    expect((await field.run("kill", "20260115", "--yes")).code).toBe(0);
    expect(await field.signaled()).toEqual(["20260115-001"]);
  });

  test.each(["2hPx4TmWqWnE0bRzKc7VdYsGuQh", "rxn-0123456789abcdef0123456789abcdef"])(
    "%s can't be short for anything",
    async (jid) => {
      await field.put(`${jid}x`);
      expect((await field.run("kill", jid, "--yes")).stderr).toStartWith(`error: no job "${jid}".`);
      expect(await field.signaled()).toEqual([]);
    },
  );

  test("a shortened id whose job goes away after the question", async () => {
    await field.put("short-10");
    await field.put("short-100", { status: "complete" });
    // Both are ids in full: nothing is asked, and the one that has ended is an error beside the other.
    expect((await field.run("kill", "short-10", "short-100")).code).toBe(1);
    expect(await field.signaled()).toEqual(["short-10"]);
    await field.jobs.purge("short-100");
    await field.jobs.purge("short-10");
    await field.put("short-10");
    const { signaled, out } = await killAfter(["short-1"], async () => {
      await field.jobs.purge("short-10");
      await field.put("short-11");
    });
    expect(signaled).toEqual([]);
    expect(out).toContain("job short-10 no longer exists");
  });

  test("a job that was not agreed to keeps no job that was named in full from its signal", async () => {
    await field.put("plain-1");
    await field.put("short-10");
    await field.put("small-10");
    const args = ["plain-1", "short-1", "small-1", "plain-1"];
    const { stdout, stderr, code } = await field.run("kill", ...args);
    expect(await field.signaled()).toEqual(["plain-1"]);
    expect(stdout).toBe("Cancel signal sent for job plain-1\n");
    expect(stderr).toEndWith(
      "\nerror: refusing to cancel job short-10 without confirmation. No signal was sent.\nerror: refusing to cancel job small-10 without confirmation. No signal was sent.\n",
    );
    expect(code).toBe(1);
    const asking = new Running(["job", "kill", ...args], { NATS_URL: field.url }, { cols: 80, rows: 24 });
    await asking.until("[y/N] ");
    asking.type("n\n");
    expect(await asking.ended()).toBe(1);
    expect(await field.signaled()).toEqual(["plain-1"]);
    expect(Bun.stripANSI(asking.out).replaceAll("\r\n", "\n")).toContain(
      "\nCancel signal sent for job plain-1\nerror: job short-10: not confirmed. No signal was sent.\nerror: job small-10: not confirmed. No signal was sent.\n",
    );
    // The same job in both forms is one job, and named.
    expect((await field.run("kill", "short-1", "short-10")).code).toBe(0);
    expect(await field.signaled()).toEqual(["short-10"]);
  });
});

describe("a status that zester does not know", () => {
  const ODD: [string, unknown, string][] = [
    ["Complete", "Complete", "Complete"],
    ["a number", 3, ""],
    ["empty", "", ""],
    ["none", undefined, ""],
  ];
  test.each(ODD)("%s: asked about, also when the job was named in full", async (_, status, shown) => {
    await field.put("odd-1", { status });
    await field.put("fine-1");
    const refused = await field.run("kill", "odd-1");
    expect(await field.signaled()).toEqual([]);
    expect([refused.stdout, refused.code]).toEqual(["", 1]);
    expect(refused.stderr).toContain("\nodd-1 ");
    expect(refused.stderr).toContain(
      `warning: job odd-1: state "${shown}" is unknown: cannot tell whether the job has ended.\nerror: refusing to cancel 1 job without confirmation.`,
    );
    expect((await field.run("kill", "odd-1", "--yes")).code).toBe(0);
    expect(await field.signaled()).toEqual(["odd-1"]);
    const selected = await field.run("kill", "--function", "*", "--yes");
    expect(selected.stderr).toContain(`warning: job odd-1: state "${shown}" is unknown: `);
    expect(await field.signaled()).toEqual(["fine-1", "odd-1"]);
    const asked = await killAfter(["odd-1", "fine-1"], async () => {});
    expect(asked.signaled).toEqual(["fine-1", "odd-1"]);
  });
});

describe("one literal token", () => {
  test("a job whose key is no token gets no signal, and the others get theirs", async () => {
    const keys = ["*", ">", "a*b", "a>b", "good-1", "good-2"];
    for (const key of keys) await field.put(key).catch(() => {}); // newer servers may refuse some
    const { stdout, stderr, code } = await field.run("kill", "--state", "running", "--yes");
    expect(await field.signaled()).toEqual(["good-1", "good-2"]);
    expect(stdout).toBe("Cancel signal sent for job good-1\nCancel signal sent for job good-2\n");
    expect(stderr).toContain('error: invalid key "a*b": ');
    expect(code).toBe(1);
    const json = await field.run("kill", "--state", "running", "--yes", "--format", "json");
    for (const { jid, signal, reason } of JSON.parse(json.stdout))
      expect([jid, signal, reason !== undefined]).toEqual(
        jid.startsWith("good") ? [jid, "sent", false] : [jid, "not sent", true],
      );
  });

  const odd = fc.constantFrom("*", ">", ".", " ", "\t", "\r\n", "\0", "\u00a0", "\ufffd", "\ud800", "*x");
  const bad = fc.tuple(fc.string(), odd, fc.string()).map((parts) => parts.join(""));

  // Servers split subjects at ASCII white space and dots alone.
  const fine = fc.constantFrom(..."aZ09-_$%", '"', "\\", "\u3000", "\u202e", "\u200b", "\u00ad", "\ue000", "é", "😀");

  test("random texts: unchanged, or refused", () => {
    const literal = fc.string({ unit: fine, minLength: 1, maxLength: 60 });
    fc.assert(fc.property(literal, (text) => expect(token(text)).toBe(text)));
    for (const text of ["", "x".repeat(256), ...fc.sample(bad, 500)]) expect(() => token(text)).toThrow();
  });

  test("no method of the store asks or sends anything for a text that is no token", async () => {
    const asked: string[] = [];
    const fake = Object.assign(Object.create(Connection.prototype), {
      api: "$JS.API",
      request: async (subject: string) => void asked.push(subject),
      deliver: async (subject: string) => void asked.push(subject),
    });
    const store = new NatsStore(fake);
    const follow = { caughtUp: () => {}, stop: new AbortController().signal };
    for (const text of ["*", ">", "x.*", "x y", "", ...fc.sample(bad, 50)]) {
      const works: [string, () => Promise<unknown>][] = [
        ["job", () => store.job(text)],
        ["returns", () => store.returns.of(text, () => 0)],
        ["followJobs", () => store.followJobs([text], () => {}, follow)],
        ["followReturns", () => store.returns.follow(text, () => {}, follow)],
        [
          "events",
          () =>
            store.events(
              text,
              () => {},
              () => {},
            ),
        ],
        ["cancel", () => store.cancel(text)],
      ];
      // The key of a heartbeat may have several tokens.
      if (!text.includes(".")) works.push(["heartbeat", () => store.heartbeat("masters", text)]);
      for (const [name, work] of works)
        expect([
          name,
          text,
          await work().then(
            () => "done",
            (error) => /invalid key/.test(error.message),
          ),
        ]).toEqual([name, text, true]);
    }
    expect(await store.jobWasDeleted("*")).toBe(false);
    expect(asked).toEqual([]);
    expect(tokens("m.eu")).toBe("m.eu");
    for (const key of ["m.*", "m..eu", ">", "m eu"]) expect(() => tokens(key)).toThrow();
  });
});
