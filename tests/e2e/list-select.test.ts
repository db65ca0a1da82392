// Selections against an oracle: the executable on a random bucket, and a second implementation over the same records.

import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { parse as parseYaml } from "yaml";
import { createBuckets, encode, jobRecord, type Server, startServer, Time, zester } from "../support/harness.ts";
import { draws } from "../support/length.ts";

interface Plain {
  jid: string;
  function: string | undefined;
  status: string;
  created: number | undefined;
  updated: number | undefined;
  /** Put by hand as JSON, or by a master. */
  json: boolean;
  user: string | undefined;
  owner: string | undefined;
  target_expr: string | undefined;
  targets: string[] | null;
}

const BASE = Date.parse("2026-01-15T00:00:00Z");
const STATES = ["pending", "claimed", "running", "complete", "failed", "partial", "timeout", "canceled"];
const BAD = ["failed", "partial", "timeout", "canceled"];

const arbitrary: fc.Arbitrary<Plain> = fc.record({
  jid: fc.stringMatching(/^[a-z0-9]{6,12}$/),
  function: fc.constantFrom("pkg.installed", "pkg.removed", "state.apply", "test.ping", undefined),
  json: fc.boolean(),
  status: fc.constantFrom(...STATES),
  created: fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined }),
  updated: fc.option(fc.integer({ min: 51, max: 99 }), { nil: undefined }),
  user: fc.option(fc.constantFrom("root", "ops"), { nil: undefined }),
  owner: fc.option(fc.constantFrom("master-1", "master-2"), { nil: undefined }),
  target_expr: fc.option(fc.constantFrom("web*", "db*"), { nil: undefined }),
  targets: fc.option(fc.uniqueArray(fc.constantFrom("web-01", "db-01", "db_eu_example"), { minLength: 1 }), {
    nil: null,
  }),
});

const minute = (n: number) => new Date(BASE + n * 60_000).toISOString();
let jobs: Plain[];
let server: Server;

beforeAll(async () => {
  server = await startServer();
  const nc = await server.connect();
  const { jobs: kv } = await createBuckets(nc);
  jobs = fc.sample(
    fc.uniqueArray(arbitrary, { selector: (job) => job.jid, minLength: 60, maxLength: 80 }),
    1,
  )[0] as Plain[];
  for (const job of jobs) {
    const { created, updated, user, owner, target_expr, json, ...rest } = job;
    const time = (n: number | undefined) =>
      json ? (n === undefined ? "0001-01-01T00:00:00Z" : minute(n)) : n === undefined ? Time.zero : Time.at(minute(n));
    const record = {
      ...jobRecord(job.jid, { ...rest, created: time(created), updated: time(updated) }),
      ...(user && { user }),
      ...(owner && { owner }),
      ...(target_expr && { target_expr }),
    } as Record<string, unknown>;
    if (job.function === undefined) delete record.function;
    if (updated === undefined && json) delete record.updated;
    const plain = () => Buffer.from(JSON.stringify({ ...record, timeout: 300_000_000_000 }));
    await kv.put(job.jid, encode({ ...jobRecord(job.jid), status: "pending" }));
    await kv.put(job.jid, json ? plain() : encode(record));
    await kv.put(`active.${job.jid}`, encode({ owner: "m" }));
  }
  await kv.put("gone", encode(jobRecord("gone")));
  await kv.delete("gone");
  await nc.close();
});
afterAll(() => server.stop());

const list = (...args: string[]) => zester(["job", "list", ...args], { env: { NATS_URL: server.url, TZ: "UTC" } });

/** The oracle: written from the specification, over plain objects. */
interface Wish {
  states: string[] | undefined;
  fn: (keyof typeof FUNCTIONS)[] | undefined;
  target: ("db*" | "db.eu.*" | "db_eu_*" | "web-*")[] | undefined;
  user: string[] | undefined;
  owner: ("*-1" | "*-2")[] | undefined;
  /** The values of a list as one flag, with commas. */
  commas: boolean;
  since: number | undefined;
  until: number | undefined;
  limit: number | undefined;
  sort: "created" | "updated" | "duration" | "jid" | "state" | undefined;
  reverse: boolean;
}
const FUNCTIONS = {
  "pkg.*": ["pkg.installed", "pkg.removed"],
  "*.apply": ["state.apply"],
  "test.pin[g,h]": ["test.ping"],
};
const targetHit = (job: Plain, target: string) =>
  target === "db*"
    ? job.target_expr === "db*" || (job.targets ?? []).some((id) => id.startsWith("db"))
    : (job.targets ?? []).includes(target === "web-*" ? "web-01" : "db_eu_example");
/** Minutes; a job that has not ended takes until now, which is long after all of them. Unknown ones come first. */
function duration({ status, created, updated }: Plain): number {
  if (created === undefined) return -1;
  if (["pending", "claimed", "running"].includes(status)) return 1e9 - created;
  return updated === undefined ? -1 : updated - created;
}

function oracle(wish: Wish): string[] {
  const hits = jobs.filter(
    (job) =>
      (!wish.states ||
        wish.states.some((state) => state === job.status || (state === "bad" && BAD.includes(job.status)))) &&
      (!wish.fn || wish.fn.some((pattern) => FUNCTIONS[pattern].includes(job.function ?? ""))) &&
      (!wish.target || wish.target.some((target) => targetHit(job, target))) &&
      (!wish.user || wish.user.some((user) => job.user === user)) &&
      (!wish.owner || wish.owner.some((pattern) => job.owner === `master-${pattern.at(-1)}`)) &&
      (wish.since === undefined || (job.created !== undefined && job.created >= wish.since)) &&
      (wish.until === undefined || (job.created !== undefined && job.created < wish.until)),
  );
  const text = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  const byAge = (a: Plain, b: Plain) => (a.created ?? -1) - (b.created ?? -1) || text(a.jid, b.jid);
  let rows = hits.sort(byAge);
  if (wish.limit) rows = rows.slice(-wish.limit);
  if (wish.sort === "updated") rows.sort((a, b) => (a.updated ?? -1) - (b.updated ?? -1) || byAge(a, b));
  if (wish.sort === "duration") rows.sort((a, b) => duration(a) - duration(b) || byAge(a, b));
  if (wish.sort === "jid") rows.sort((a, b) => text(a.jid, b.jid));
  if (wish.sort === "state") rows.sort((a, b) => text(a.status, b.status) || byAge(a, b));
  if (wish.reverse) rows.reverse();
  return rows.map((job) => job.jid);
}

const optional = <T>(...values: T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
const wishes: fc.Arbitrary<Wish> = fc.record({
  states: optional(["bad"], ["running", "complete"], ["failed"], ["bad", "pending"]),
  fn: optional<Wish["fn"]>(["pkg.*"], ["*.apply"], ["*.apply", "test.pin[g,h]"]),
  target: optional<Wish["target"]>(["db*"], ["db.eu.*"], ["db_eu_*"], ["db_eu_*", "web-*"]),
  user: optional(["root"], ["root", "ops"], ["nosuch", "ops"]),
  owner: optional<Wish["owner"]>(["*-1"], ["*-1", "*-2"]),
  commas: fc.boolean(),
  since: fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined }),
  until: fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined }),
  limit: optional(1, 5, 20),
  sort: optional("created", "updated", "duration", "jid", "state"),
  reverse: fc.boolean(),
});

function flagsOf(wish: Wish): string[] {
  const flag = (name: string, value: unknown) => (value === undefined ? [] : [`--${name}`, String(value)]);
  const flags = (name: string, values: readonly string[] = []) => values.flatMap((value) => flag(name, value));
  const list = (name: string, values: readonly string[] | undefined) =>
    wish.commas ? flag(name, values?.join(",")) : flags(name, values);
  return [
    ...list("state", wish.states),
    ...list("function", wish.fn),
    ...flags("target", wish.target),
    ...flags("user", wish.user),
    ...list("owner", wish.owner),
    ...flag("since", wish.since === undefined ? undefined : minute(wish.since)),
    ...flag("until", wish.until === undefined ? undefined : minute(wish.until)),
    ...flag("limit", wish.limit),
    ...flag("sort", wish.sort),
    ...(wish.reverse ? ["--reverse"] : []),
  ];
}

/** --since later than --until is an error. */
const isSpan = ({ since, until }: Wish) => since === undefined || until === undefined || since <= until;

test("every selection, order and form agrees with the oracle", async () => {
  await fc.assert(
    fc.asyncProperty(
      wishes.filter(isSpan),
      fc.constantFrom("quiet", "count", "json", "yaml", "jsonl", "csv", "table", "wide", "columns"),
      async (wish, form) => {
        const expected = oracle(wish);
        const flags = flagsOf(wish);
        if (form === "quiet")
          expect((await list(...flags, "-q")).stdout).toBe(expected.map((jid) => `${jid}\n`).join(""));
        if (form === "count") expect((await list(...flags, "--count")).stdout).toBe(`${expected.length}\n`);
        if (form === "json")
          expect(JSON.parse((await list(...flags, "--format", "json")).stdout).map((job: Plain) => job.jid)).toEqual(
            expected,
          );
        if (form === "jsonl") {
          const jids = (await list(...flags, "--format", "jsonl")).stdout
            .split("\n")
            .filter(Boolean)
            .map((line) => JSON.parse(line).jid);
          // Without an order they come as they arrive.
          const ordered = wish.limit !== undefined || wish.sort !== undefined || wish.reverse;
          expect(ordered ? jids : jids.sort()).toEqual(ordered ? expected : [...expected].sort());
        }
        if (form === "yaml")
          expect(
            (parseYaml((await list(...flags, "--format", "yaml")).stdout) as Plain[]).map((job) => job.jid),
          ).toEqual(expected);
        const firsts = (text: string, end: string) =>
          text
            .split("\n")
            .slice(0, -1)
            .map((line) => line.split(end)[0]) as string[];
        if (form === "csv")
          expect(firsts((await list(...flags, "--format", "csv")).stdout, ",")).toEqual(["jid", ...expected]);
        const tables: Partial<Record<typeof form, string[]>> = {
          table: ["--no-header"],
          wide: ["--no-header", "--wide"],
          columns: ["--no-header", "--columns", "jid,state,created,timeout"],
        };
        const table = tables[form];
        if (!table) return;
        const { stdout } = await list(...flags, ...table);
        if (expected.length > 0) expect(firsts(stdout, " ")).toEqual(expected);
        // With --since only what changed since then is looked at.
        else expect(stdout).toMatch(/^No jobs match --.* [(]of \d+( that changed since)?[)].\n$/);
      },
    ),
    { numRuns: draws(30, 250) },
  );
});

test("a note where --sort orders fewer jobs than match", async () => {
  const note = `note: --sort orders only the newest 2 of ${jobs.length} jobs that match: -n selects before --sort.\n`;
  for (const flags of [[], ["-q"], ["--format", "json"], ["--format", "csv"]])
    expect((await list("--sort", "duration", "-n", "2", ...flags)).stderr).toBe(note);
  for (const flags of [
    "--sort duration",
    "--sort created -n 2",
    `--sort jid -n ${jobs.length}`,
    "--sort jid -n 2 --count",
  ])
    expect((await list(...flags.split(" "))).stderr).toBe("");
});

test("nothing matches: the selection, each value by itself, and the number of jobs are said, exit 0", async () => {
  expect(await list("--state", "failed", "--user", "nosuch", "--user", "no,such")).toEqual({
    stdout: `No jobs match --state failed --user nosuch --user no,such (of ${jobs.length}). For several users, repeat --user.\n`,
    stderr: "",
    code: 0,
  });
});
