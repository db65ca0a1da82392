// The recorded stories of real jobs for programs: the JSON of `trace` and `wait`.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { zester } from "../support/harness.ts";
import { lastRecord, type StorySite, serveStories } from "../support/stories.ts";

let site: StorySite;
beforeAll(async () => {
  site = await serveStories();
});
afterAll(() => site.stop());

type Fields = Record<string, unknown>;
interface Golden {
  readonly events: readonly Fields[];
  readonly peels: readonly Fields[];
  readonly ignored?: readonly Fields[];
  /** What `wait` gives: the states of peels that any is in, and the rest; undefined for a job that has not ended. */
  readonly ending: Fields | undefined;
}

/** A time that depends on when and how fast the stories were loaded; it is in the JSON, and not negative. */
const T = "T";
const UNSTEADY = new Set(["time", "after", "delivered", "waited", "so_far"]);
const steady = (fields: readonly Fields[]) =>
  fields.map((one) =>
    Object.fromEntries(
      Object.entries(one).map(([name, value]) => {
        if (!UNSTEADY.has(name)) return [name, value];
        const fine = name === "time" ? Date.now() - Date.parse(String(value)) < 600_000 : Number(value) >= 0;
        return [name, fine ? T : value];
      }),
    ),
  );

const at = { time: T, after: T };
const dispatch = { ...at, event: "dispatch" };
const ack = (peel_id: string) => ({ ...at, event: "ack", peel_id, delivered: T });
const returned = (peel_id: string, took: number, rest: Fields = { success: true }) => ({
  ...at,
  event: "return",
  peel_id,
  took,
  ...rest,
});
const ended = (status: string, rest: Fields = {}) => ({ ...at, event: "status", status, ...rest });
const peel = (peel_id: string, state: string, success: boolean, took: number, rest: Fields = {}) => ({
  ...{ peel_id, state, success, delivered: T, waited: T, took },
  ...rest,
});
const SECOND = 1_000_000_000;
const LOCK = "could not get lock";
const FULL = "peel busy: execution queue full";
const UNREACHABLE = "no ack; offline at dispatch";
const LIMIT = "reclaim limit exceeded: job reclaimed 4 times (max 3)";

const STORIES: Record<string, Golden> = {
  "2hPxSFailed": {
    events: [
      dispatch,
      ack("web-01"),
      ack("web-02"),
      returned("web-01", SECOND),
      returned("web-02", 2 * SECOND, { success: false, error: LOCK }),
      ended("failed"),
    ],
    peels: [peel("web-02", "failed", false, 2 * SECOND, { error: LOCK }), peel("web-01", "ok", true, SECOND)],
    ending: { status: "failed", failed: 1, ok: 1 },
  },
  "2hPxSForged": {
    events: [dispatch, ack("db-01")],
    peels: [
      { peel_id: "db-02", state: "offline" },
      { peel_id: "db-01", state: "executing", delivered: T, so_far: T },
    ],
    ignored: [
      { time: T, event: "ack", peel_id: "evil-01", why: "no target" },
      { time: T, event: "return", peel_id: "evil-01", why: "no target" },
      { time: T, event: "return", peel_id: "db-01", why: "sent as another peel", sent_as: "db-02" },
    ],
    ending: undefined,
  },
  "2hPxSLate": {
    events: [
      dispatch,
      ack("web-01"),
      returned("web-01", SECOND),
      { ...at, event: "return", peel_id: "web-09", success: false, unreachable: true, error: UNREACHABLE },
      ended("failed"),
      ack("web-09"),
      returned("web-09", SECOND, { success: true, late: true }),
    ],
    peels: [peel("web-09", "late", true, SECOND), peel("web-01", "ok", true, SECOND)],
    ending: { status: "failed", late: 1, ok: 1 },
  },
  "2hPxSTest": {
    events: [dispatch, ack("web-01"), returned("web-01", SECOND), ended("complete")],
    peels: [peel("web-01", "ok", true, SECOND)],
    ending: { status: "complete", ok: 1 },
  },
  "2hPxSCut": {
    events: [
      dispatch,
      ack("db-01"),
      ack("db-02"),
      returned("db-01", SECOND),
      { ...at, event: "cancel", canceled_by: "cancelled by user" },
      ended("canceled"),
    ],
    peels: [{ peel_id: "db-02", state: "unfinished", delivered: T }, peel("db-01", "ok", true, SECOND)],
    ending: { status: "canceled", unfinished: 1, ok: 1 },
  },
  "2hPxSReclaim": {
    events: [dispatch, ack("web-01"), ended("failed", { reason: LIMIT })],
    peels: [{ peel_id: "web-01", state: "unfinished", delivered: T }],
    ending: { status: "failed", reason: LIMIT, unfinished: 1 },
  },
  "2hPxSBusy": {
    events: [dispatch, ack("db-01"), returned("db-01", 0, { success: false, error: FULL }), ended("failed")],
    peels: [peel("db-01", "failed", false, 0, { error: FULL })],
    ending: { status: "failed", failed: 1 },
  },
  "2hPxSSched": {
    events: [{ ...at, event: "schedule", peel_id: "web-01", took: 58 * SECOND, success: true }],
    peels: [{ peel_id: "web-01", state: "ok", success: true, took: 58 * SECOND }],
    ending: { status: "complete", ok: 1 },
  },
  "rxn-0123456789abcdef0123456789abcdef": {
    events: [dispatch, ack("web-01"), returned("web-01", 0.3 * SECOND), ended("complete")],
    peels: [peel("web-01", "ok", true, 0.3 * SECOND)],
    ending: { status: "complete", ok: 1 },
  },
};

const job = (...args: string[]) => zester(["job", ...args, "--format", "json"], { env: site.env });

describe.each(Object.entries(STORIES))("%s", (jid, { events, peels, ignored = [], ending }) => {
  test("trace", async () => {
    await site.beat();
    const { stdout, stderr, code } = await job("trace", jid);
    const told = JSON.parse(stdout);
    expect([stderr, code]).toEqual(["", 0]);
    expect(told.job).toEqual(lastRecord(jid));
    expect(steady(told.events)).toEqual([...events]);
    expect(steady(told.peels)).toEqual([...peels]);
    expect(steady(told.ignored)).toEqual([...ignored]);
    // Its deadline was in January; of the others none goes on.
    if (ending) expect(told).not.toHaveProperty("stuck");
    else expect(told.stuck).toMatch(/^\d+d overdue$/);
  });

  test("wait", async () => {
    const { stdout, code } = await job("wait", jid, ...(ending ? [] : ["--for", "300ms"]));
    if (!ending) {
      expect([JSON.parse(stdout), code]).toEqual([[{ jid, status: "running" }], 124]);
      return;
    }
    const [{ jid: named, ...told }] = JSON.parse(stdout);
    const present = Object.entries(told).filter(([, value]) => value !== 0);
    expect([named, Object.fromEntries(present)]).toEqual([jid, ending]);
    const states = "failed unreadable unreachable late offline silent unfinished missing queued executing ok".split(
      " ",
    );
    expect(Object.keys(told).filter((name) => name !== "status" && name !== "reason")).toEqual(states);
  });
});
