import { expect, test } from "bun:test";
import { Transient, UserError } from "../../../lib/errors.ts";
import { persist, type Reopenable } from "../../../lib/jobs/follow.ts";
import type { LiveStore } from "../../../lib/store.ts";

/** What was told, and a session whose connections are counted. */
function place() {
  const told: string[] = [];
  const session = {
    store: {} as LiveStore,
    ending: false,
    opened: 0,
    async reopen() {
      this.opened++;
    },
  } satisfies Reopenable & { opened: number };
  const link = {
    lost: (why?: string) => void told.push(why === undefined ? "lost" : `lost: ${why}`),
    back: () => void told.push("back"),
  };
  return { told, session, link };
}

test("a server that lets us in and does not serve us: ever longer pauses, and its reason once", async () => {
  const { told, session, link } = place();
  const times: number[] = [];
  const result = await persist(session, link, async (_, working) => {
    times.push(Date.now());
    if (times.length <= 4) throw new Transient(`no leader, ${times.length}`);
    working();
    return "done";
  });
  const pauses = times.slice(1).map((time, i) => time - (times[i] as number));
  expect(result).toBe("done");
  expect(session.opened).toBe(4);
  for (const [i, least] of [100, 200, 400, 800].entries()) expect(pauses[i]).toBeGreaterThanOrEqual(least - 5);
  expect(told).toEqual(["lost", "lost: no leader, 2", "back"]);
});

test("back is told when it works, not when it is connected; the next loss is told anew", async () => {
  const { told, session, link } = place();
  let attempts = 0;
  await persist(session, link, async (_, working) => {
    attempts++;
    if (attempts === 2 || attempts === 4) working();
    told.push(`attempt ${attempts}`);
    if (attempts < 4) throw new Transient("silence");
  });
  expect(told).toEqual([
    "attempt 1",
    "lost",
    "back",
    "attempt 2",
    "lost",
    "attempt 3",
    "lost: silence",
    "back",
    "attempt 4",
  ]);
});

test("what is no matter of the connection ends it, and so does the end of the command", async () => {
  const { told, session, link } = place();
  const refused = new UserError("no such bucket");
  await expect(persist(session, link, () => Promise.reject(refused))).rejects.toBe(refused);
  const closed = new Transient("closed");
  await expect(persist({ ...session, ending: true }, link, () => Promise.reject(closed))).rejects.toBe(closed);
  expect(told).toEqual([]);
});

test("two that follow on one session: one that finds another connection there uses it", async () => {
  const { link } = place();
  const session = {
    store: {} as LiveStore,
    ending: false,
    opened: 0,
    async reopen() {
      this.opened++;
      this.store = {} as LiveStore;
    },
  };
  const follow = (failAfterMs: number) => {
    let attempts = 0;
    return persist(session, link, async (store) => {
      if (++attempts > 1) return store;
      await Bun.sleep(failAfterMs);
      throw new Transient("lost");
    });
  };
  expect(await Promise.all([follow(0), follow(150)])).toEqual([session.store, session.store]);
  expect(session.opened).toBe(1);
});
