// Random fleets with odd data: `show --summary`, `--output`, `--diff` and `job diff` against a model that is made from what was
// drawn, and shares nothing with the product. A drawn return has a class of error and a class of output; the model knows which
// classes there are, the product only sees the records.
import { afterAll, expect, test } from "bun:test";
import fc from "fast-check";
import { headers } from "nats";
import { encode, jobRecord } from "../support/harness.ts";
import { draws, times } from "../support/length.ts";
import { serveBuckets } from "../support/serve.ts";
import { unfold } from "../support/unfold.ts";

const site = await serveBuckets();
const { nc, jobs } = site;
const run = (...args: string[]) => site.run("job", ...args);
afterAll(site.stop);

/** Peels as they are stored, and as they are read from folded names; those with a sign of folding stand there as in JSON. */
const SHOWN: Readonly<Record<string, string>> = {
  "web-01": "web-01",
  "web-02": "web-02",
  "web-03": "web-03",
  "web-9": "web-9",
  "web-10": "web-10",
  db_eu_1: "db.eu.1",
  db_eu_2: "db.eu.2",
  r1n1: "r1n1",
  r2n1: "r2n1",
  _x_: "_x_",
  "w,1": "w,1",
  "w\x1b[2J": "w\x1b[2J",
  "w\x1b": "w\\x1b",
  größe: "größe",
};
const PEELS = Object.keys(SHOWN);

/** Errors that count as one, whatever `n` and the peel are; they differ from those of the other classes in more than that. */
const ERRORS: readonly ((n: number, peel: string) => string)[] = [
  (n) => `no space left on /dev/sda${n}: ${n * 7} bytes`,
  (n) => `dial tcp 10.0.0.${n}:4222: refused`,
  (n) => `open /tmp/zester-${n}ab/x: denied`,
  (n) => `\x1b[31mred\u202e ${n}`,
  (n) => `two\nlines ${n}`,
];
const changed = (name: string, diff: string) => ({ name, changed: true, diff, duration: 1n });
/** Results have no order: each `n` has another one. */
const anyOrder = <T>(n: number, ...results: T[]): T[] => [
  ...(n % 2 ? results : results.toReversed()).slice(n % results.length),
  ...(n % 2 ? results : results.toReversed()).slice(0, n % results.length),
];
/** Outputs: those of a class are shown the same in groups, whatever `n` is. */
const OUTPUTS: readonly { of: (n: number) => unknown; changes: readonly string[]; dry?: true }[] = [
  { of: () => null, changes: [] },
  { of: (n) => `text${"\n".repeat(n % 3)}`, changes: [] },
  {
    of: (n) => ({
      results: [
        {
          name: "a",
          changed: false,
          duration: BigInt(n) * 10n ** 18n,
          details: n % 2 ? { stdout: "x\n", path: "/y" } : { path: "/y", stdout: "x" },
        },
      ],
    }),
    changes: [],
  },
  {
    of: (n) => ({
      success: n > 4,
      peel_id: "q",
      results: anyOrder<object>(n, changed("b", "+1"), changed("c", `-1${"\r\n".repeat(n % 2)}`), {
        name: "a",
        skipped: true,
      }),
    }),
    changes: ["b", "c"],
  },
  { of: (n) => ({ results: anyOrder(n, changed("b", "+1\n+2"), changed("c", "-1")) }), changes: ["b", "c"] },
  { of: (n) => ({ results: anyOrder(n, changed("b", "+1"), changed("b", "+2"), changed("b", "+1")) }), changes: ["b"] },
  // Nothing was run.
  { of: (n) => ({ v: 1, peel_id: `p${n}`, results: null }), changes: [] },
  { of: () => ({ test: true, results: [changed("b", "+1"), changed("c", "-1")] }), changes: ["b", "c"], dry: true },
  {
    of: (n) => ({
      results: anyOrder<unknown>(n, { name: "\x1b[2J", changed: true, details: { stdout: "\x1b]0;t\x07" } }, 7, null),
    }),
    changes: ["\x1b[2J"],
  },
  { of: () => ({ results: "none", more: [1, { __proto__x: 2 ** 60 }] }), changes: [] },
];
const DURATIONS = [0n, 1n, 1_500_000_000n, 187_000_000_000n, 2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 1n, -5n];

interface Drawn {
  readonly kind: "ok" | "failed" | "silent failure" | "unreachable" | "unreadable" | "missing" | "gone";
  readonly error: number;
  readonly output: number;
  readonly n: number;
  readonly duration: number;
  readonly where: "key" | "list" | "both" | "json";
}
const drawn: fc.Arbitrary<Drawn> = fc.record({
  kind: fc.constantFrom(
    "ok",
    "ok",
    "ok",
    "ok",
    "failed",
    "failed",
    "silent failure",
    "unreachable",
    "unreadable",
    "missing",
    "gone",
  ),
  error: fc.nat(ERRORS.length - 1),
  output: fc.nat(OUTPUTS.length - 1),
  n: fc.integer({ min: 1, max: 8 }),
  duration: fc.nat(DURATIONS.length - 1),
  where: fc.constantFrom("key", "key", "key", "list", "both", "json"),
});
const fleet = fc.dictionary(fc.constantFrom(...PEELS), drawn, { minKeys: 1, maxKeys: PEELS.length });
type Fleet = Readonly<Record<string, Drawn>>;

const isReturned = ({ kind }: Drawn) => kind !== "missing" && kind !== "gone";
/** JSON has neither times nor 64 bits here: such a record is one of small numbers. */
const asJson = (record: unknown) =>
  Buffer.from(JSON.stringify(record, (_, value) => (typeof value === "bigint" ? Number(value % 1000n) : value)));
/** Undecodable values can't stand in a list. */
const placeOf = ({ kind, where }: Drawn) => (kind === "unreadable" || kind === "gone" ? "key" : where);
const durationOf = (one: Drawn) => {
  const ns = one.kind === "unreachable" ? 0n : (DURATIONS[one.duration] as bigint);
  return placeOf(one) === "json" ? BigInt(Number(ns % 1000n)) : ns;
};

const DELETED = headers();
DELETED.set("KV-Operation", "DEL");

/** Writes a job with these returns, its targets in any order and some of them twice. */
async function write(jid: string, peels: Fleet): Promise<void> {
  const targets = Object.keys(peels).reverse();
  await jobs.put(jid, encode(jobRecord(jid, { targets: [...targets, ...targets.slice(1)], status: "partial" })));
  const list: unknown[] = [];
  for (const [peel, one] of Object.entries(peels)) {
    const { kind, error, output, n, duration } = one;
    const record = {
      jid,
      peel_id: peel,
      success: kind === "ok",
      ...(kind === "failed" && { error: (ERRORS[error] as (typeof ERRORS)[number])(n, peel) }),
      ...(kind === "unreachable" && { error: "UNREACHABLE: no ack", unreachable: true }),
      return_data: kind === "unreachable" ? null : OUTPUTS[output]?.of(n),
      duration: kind === "unreachable" ? 0n : DURATIONS[duration],
    };
    const place = placeOf(one);
    // A list has no say where the peel's own key is.
    if (kind === "missing") continue;
    if (place === "list") list.push(record);
    // What the list says does not count where the peel has a key of its own.
    if (place === "both") list.push({ peel_id: peel, success: kind !== "ok" });
    const subject = `$KV.job-returns.${jid}.${peel}`;
    if (kind === "unreadable") nc.publish(subject, Buffer.from([0xc1, 1, 2]));
    else if (kind === "gone") nc.publish(subject, "", { headers: DELETED });
    else if (place === "json") nc.publish(subject, asJson(record));
    else if (place !== "list") nc.publish(subject, encode(record));
  }
  if (list.length > 0) nc.publish(`$KV.job-returns.${jid}`, encode(list));
  await nc.flush();
}

const stateOf = (one: Drawn) => (isReturned(one) ? (one.kind === "silent failure" ? "failed" : one.kind) : "missing");

/** Groups as text, to be compared: the words about each, and its peels as they are shown. */
const grouped = (peels: Fleet, keyOf: (peel: string, one: Drawn) => string): string[] => {
  const groups = new Map<string, string[]>();
  for (const [peel, one] of Object.entries(peels)) {
    const key = keyOf(peel, one);
    groups.set(key, [...(groups.get(key) ?? []), SHOWN[peel] as string]);
  }
  return Array.from(groups, ([key, names]) => `${key.split("|")[0]}: ${names.sort().join(" ")}`).sort();
};

/** The names in a folded text; what is escaped in it is escaped in SHOWN as well. */
const namesIn = (text: string) => unfold(text).sort().join(" ");

const hasData = (one: Drawn) => isReturned(one) && one.kind !== "unreachable" && one.kind !== "unreadable";
const outcomeOf = (one: Drawn) => {
  const output = OUTPUTS[one.output] as (typeof OUTPUTS)[number];
  const changes = hasData(one) && output.changes.length > 0 ? (output.dry ? ", would change" : ", changed") : "";
  return stateOf(one) + changes;
};

test(
  "outcomes, groups and differences are those that were drawn",
  async () => {
    await fc.assert(
      fc.asyncProperty(fleet, fleet, async (first, second) => {
        await site.fresh();
        await write("first", first);
        await write("second", second);

        const summary = (await run("show", "first", "--summary")).stdout;
        expect(summary.replace(/[^\x1b\x07\u202e]/g, "")).toBe("");
        const rows = summary.slice(summary.indexOf("\nOUTCOME")).split("\n").slice(2);
        const column = summary.slice(summary.indexOf("\nOUTCOME") + 1).indexOf("WHERE");
        const what = summary
          .slice(summary.indexOf("\nOUTCOME") + 1)
          .split("\n")[0]
          ?.indexOf("WHAT") as number;
        const found = rows
          .filter((row) => row !== "")
          .map((row) => {
            const [, outcome, count] = /^(.*?) {2,}(\d+) {2}/.exec(row) as unknown as [string, string, string];
            const names = unfold(row.slice(column, what).trimEnd());
            expect(names.length).toBe(Number(count));
            return `${outcome}: ${names.sort().join(" ")}`;
          });
        const outcomes = grouped(first, (_, one) => {
          const changes = hasData(one) ? OUTPUTS[one.output]?.changes : [];
          const why = one.kind === "failed" ? one.error : "";
          return `${outcomeOf(one)}|${why}|${changes}`;
        });
        expect(found.sort()).toEqual(outcomes);

        // An error is shown as it is, so that `n` makes a difference.
        const outputOf = (peel: string, one: Drawn) =>
          `${one.kind === "failed" ? ERRORS[one.error]?.(one.n, peel) : ""}|${hasData(one) ? one.output : ""}`;
        const groups = grouped(first, (peel, one) => `${stateOf(one)}|${outputOf(peel, one)}`);
        const heads = (text: string) =>
          text
            .split("\n")
            .filter((line) => /^\S/.test(line) && !/^(---|\+\+\+|@@|[-+] |Dry run)/.test(line))
            .map((line) => {
              const [, names, state] =
                /^(.+?) {2}(?:\d+ peels {2})?(failed|unreadable|unreachable|missing|ok)(?: {2}|$)/.exec(
                  line,
                ) as unknown as [string, string, string];
              return `${state}: ${namesIn(names)}`;
            })
            .sort();
        expect(heads((await run("show", "first", "--output")).stdout)).toEqual(groups);
        const compared = (await run("show", "first", "--output", "--diff")).stdout;
        expect(heads(compared)).toEqual(groups);

        const { stdout, code } = await run("diff", "first", "second", "--format", "json");
        const rank = ["failed", "unreadable", "unreachable", "missing", "ok"];
        const expected = Object.keys({ ...first, ...second }).map((peel) => {
          const [was, is] = [first[peel], second[peel]];
          if (!was || !is) return [peel, was ? "only in the first" : "only in the second", false, "not compared"];
          const [a, b] = [rank.indexOf(stateOf(was)), rank.indexOf(stateOf(is))];
          const [before, after] = [was, is].map((one) => {
            const ns = hasData(one) ? durationOf(one) : undefined;
            return ns !== undefined && ns < 0n ? 0n : ns;
          });
          const slower =
            before !== undefined && after !== undefined && after > 2n * before && after - before > 5_000_000_000n;
          const none = (one: Drawn) => OUTPUTS[one.output]?.of(one.n) === null;
          const comparable = hasData(was) && hasData(is) && none(was) === none(is);
          const same = outputOf(peel, was) === outputOf(peel, is);
          return [
            peel,
            b < a ? "worse" : b > a ? "better" : "same",
            slower,
            comparable ? (same ? "same" : "differs") : "not compared",
          ];
        });
        const told = (JSON.parse(stdout) as { peel_id: string; change: string; slower: boolean; output: string }[]).map(
          ({ peel_id, change, slower, output }) => [peel_id, change, slower, output],
        );
        expect(told.sort()).toEqual(expected.sort());
        expect(code).toBe(expected.some(([, change]) => change === "worse") ? 2 : 0);
      }),
      { numRuns: draws(4, 150), endOnFailure: true },
    );
  },
  times(60_000, 600_000),
);
